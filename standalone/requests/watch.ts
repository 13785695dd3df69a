import type { JsonObject } from '../json.js';
import { metadataOf } from '../resources/metadata.js';
import type { Resource } from '../resources/resource.js';
import type { Change, Store } from '../store/store.js';
import { shown } from './objects.js';
import type { Selects } from './selectors.js';
import { badRequest, expired, type StatusError } from './status.js';

export interface WatchQuery {
  readonly resource: Resource;
  readonly namespace: string;
  readonly selects: Selects;
  /** Empty and `0`: what is there now comes first. */
  readonly resourceVersion: string;
  readonly bookmarks: boolean;
  readonly sendInitialEvents: boolean;
}

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: JsonObject;
}

/** Where events go. */
export interface Sink {
  /** What is there, or was missed, when it begins. Nothing was sent before. */
  begin(events: readonly WatchEvent[]): void;
  add(events: readonly WatchEvent[]): void;
}

export interface Watch {
  /** Tells how far the watcher is, so that it need not begin anew. */
  bookmark(): void;
  stop(): void;
}

/** @throws StatusError Expired when that version is not remembered any more */
export function startWatch(store: Store, query: WatchQuery, sink: Sink): Watch {
  const { resource, resourceVersion, sendInitialEvents } = query;
  const isFresh = resourceVersion === '' || resourceVersion === '0' || sendInitialEvents;
  if (!isFresh && !/^\d+$/.test(resourceVersion)) throw badRequest('resourceVersion must be a whole number');
  const missed = isFresh ? [] : store.since(Number(resourceVersion));
  if (missed === undefined) throw tooOld(resourceVersion, store.revision);
  let seen = store.revision;
  sink.begin(isFresh ? initial(store, query) : missed.flatMap((change) => eventsOf(change, query)));
  if (sendInitialEvents) sink.add([bookmark(resource, seen, { 'k8s.io/initial-events-end': 'true' })]);
  const stop = store.subscribe((changes) => {
    seen = changes.at(-1)?.revision ?? seen;
    const events = changes.flatMap((change) => eventsOf(change, query));
    if (events.length > 0) sink.add(events);
  });
  return { stop, bookmark: () => sink.add([bookmark(resource, seen)]) };
}

export const tooOld = (asked: string, revision: number): StatusError => expired(`too old resource version: ${asked} (${revision})`);

function initial(store: Store, { resource, namespace, selects }: WatchQuery): readonly WatchEvent[] {
  return store
    .list(resource.storage, namespace)
    .map((one) => shown(one, resource))
    .filter(selects)
    .map((object) => ({ type: 'ADDED', object }));
}

/** What comes into a selection is added to it, and what leaves it is deleted from it. */
function eventsOf(change: Change, { resource, namespace, selects }: WatchQuery): readonly WatchEvent[] {
  const { key, kind, object, before, revision } = change;
  if (key.resource !== resource.storage || (namespace !== '' && key.namespace !== namespace)) return [];
  const now = shown(object, resource);
  const was = before !== undefined && selects(shown(before, resource));
  const is = kind !== 'deleted' && selects(now);
  if (is) return [{ type: was ? 'MODIFIED' : 'ADDED', object: now }];
  if (!was) return [];
  const last = kind === 'deleted' ? now : shown(before, resource);
  return [{ type: 'DELETED', object: { ...last, metadata: { ...metadataOf(last), resourceVersion: `${revision}` } } }];
}

function bookmark({ apiVersion, kind }: Resource, revision: number, annotations?: JsonObject): WatchEvent {
  const metadata = { resourceVersion: `${revision}`, creationTimestamp: null, ...(annotations === undefined ? {} : { annotations }) };
  return { type: 'BOOKMARK', object: { apiVersion, kind, metadata } };
}
