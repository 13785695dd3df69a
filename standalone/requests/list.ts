import { randomBytes } from 'node:crypto';
import type { JsonObject } from '../json.js';
import type { Resource } from '../resources/resource.js';
import type { Store } from '../store/store.js';
import { shown } from './objects.js';
import type { Selects } from './selectors.js';
import { badRequest, expired } from './status.js';

export interface ListQuery {
  readonly resource: Resource;
  /** Empty for all. */
  readonly namespace: string;
  readonly selects: Selects;
  /** 0 for all at once. */
  readonly limit: number;
  readonly continue: string;
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
}

export interface Page {
  readonly items: readonly JsonObject[];
  readonly revision: string;
  readonly continue: string;
  readonly remaining: number;
}

interface Snapshot {
  readonly items: readonly JsonObject[];
  readonly revision: string;
  readonly query: string;
  readonly at: number;
}

/** For who reads in pages: all pages are of one moment. */
const snapshotLifeMs = 5 * 60_000;
const maxSnapshots = 200;

export class Lists {
  readonly #store: Store;
  readonly #now: () => number;
  readonly #snapshots = new Map<string, Snapshot>();

  constructor(store: Store, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  page(query: ListQuery): Page {
    if (query.continue !== '') return this.#next(query);
    assertPossible(query, this.#store.revision);
    const all = this.#store.list(query.resource.storage, query.namespace).map((one) => shown(one, query.resource));
    const snapshot = { items: all.filter(query.selects), revision: `${this.#store.revision}`, query: identity(query), at: this.#now() };
    return this.#part(snapshot, 0, query.limit, () => this.#keep(snapshot));
  }

  #next(query: ListQuery): Page {
    const [id = '', from = ''] = Buffer.from(query.continue, 'base64url').toString().split('/');
    const snapshot = this.#snapshots.get(id);
    if (!/^\d+$/.test(from)) throw badRequest('continue key is not valid');
    if (snapshot === undefined || this.#now() - snapshot.at > snapshotLifeMs)
      throw expired(
        'The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter.',
      );
    if (snapshot.query !== identity(query)) throw badRequest('continue key is not of this list');
    return this.#part(snapshot, Number(from), query.limit, () => id);
  }

  #part({ items, revision }: Snapshot, from: number, limit: number, keep: () => string): Page {
    const end = limit === 0 ? items.length : Math.min(from + limit, items.length);
    const remaining = items.length - end;
    const token = remaining === 0 ? '' : Buffer.from(`${keep()}/${end}`).toString('base64url');
    return { items: items.slice(from, end), revision, continue: token, remaining };
  }

  #keep(snapshot: Snapshot): string {
    // The oldest come first. What they hold of what was is let go when they are of no use any more.
    for (const [id, { at }] of this.#snapshots)
      if (snapshot.at - at > snapshotLifeMs || this.#snapshots.size >= maxSnapshots) this.#snapshots.delete(id);
    const id = randomBytes(9).toString('base64url');
    this.#snapshots.set(id, snapshot);
    return id;
  }
}

const identity = ({ resource, namespace }: ListQuery): string => `${resource.apiVersion}/${resource.plural}/${namespace}`;

/** We have but the newest state: an exact older one cannot be had. */
function assertPossible({ resourceVersion, resourceVersionMatch }: ListQuery, revision: number): void {
  if (resourceVersion === '' || resourceVersion === '0') return;
  if (!/^\d+$/.test(resourceVersion))
    throw badRequest(`Invalid value: ${JSON.stringify(resourceVersion)}: resourceVersion must be a whole number`);
  if (resourceVersionMatch === 'Exact' && Number(resourceVersion) !== revision)
    throw expired(`The resourceVersion for the provided list is too old.`);
}
