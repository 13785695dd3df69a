import type { JsonObject } from '../json.js';
import { Lists, type Page } from '../requests/list.js';
import type { Objects } from '../requests/objects.js';
import { metadataOf } from '../resources/metadata.js';
import type { Resource } from '../resources/resource.js';
import type { Address } from './address.js';
import type { Answer } from './answer.js';
import { listMetadata, listText, selectsOf } from './asked.js';
import { type Backend, type Call, viewFor } from './call.js';
import { flagOf, numberOf } from './query.js';
import { streamWatch } from './stream.js';
import { partial, tableOf, type View } from './table.js';

/** Requests that change nothing. */
export class Reads {
  readonly #backend: Backend;
  readonly #objects: Objects;
  readonly #lists: Lists;

  constructor(backend: Backend, objects: Objects) {
    this.#backend = backend;
    this.#objects = objects;
    this.#lists = new Lists(backend.store, backend.now);
  }

  one(call: Call, address: Address): Answer {
    return this.shown(call, address.resource, this.#objects.get(address));
  }

  list(call: Call, address: Address): Answer {
    const page = this.page(call, address);
    const view = viewFor(call);
    const metadata = listMetadata(page);
    if (view.kind === 'table') return { code: 200, body: tableOf(page.items, address.resource, view, metadata, this.#backend.now()) };
    if (view.kind === 'metadata')
      return {
        code: 200,
        body: { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata, items: page.items.map(partial) },
      };
    return { code: 200, body: listText(address.resource, page) };
  }

  page({ query }: Call, { resource, namespace }: Address): Page {
    return this.#lists.page({
      resource,
      namespace,
      selects: selectsOf(query, resource),
      limit: numberOf(query, 'limit'),
      continue: query.get('continue') ?? '',
      resourceVersion: query.get('resourceVersion') ?? '',
      resourceVersionMatch: query.get('resourceVersionMatch') ?? '',
    });
  }

  /** Resolves when it is over. */
  async watch(call: Call, { resource, namespace, name }: Address): Promise<undefined> {
    const { query, response } = call;
    const selects = selectsOf(query, resource);
    const watched = {
      resource,
      namespace,
      selects: name === '' ? selects : (object: JsonObject) => metadataOf(object)['name'] === name && selects(object),
      resourceVersion: query.get('resourceVersion') ?? '',
      bookmarks: flagOf(query, 'allowWatchBookmarks'),
      sendInitialEvents: flagOf(query, 'sendInitialEvents'),
    };
    const view = viewFor(call);
    await streamWatch(this.#backend.store, watched, response, {
      seconds: numberOf(query, 'timeoutSeconds'),
      show: (event) => (view.kind === 'object' ? event : { ...event, object: this.#view(event.object, resource, view) }),
      signal: this.#backend.signal,
    });
    return undefined;
  }

  /** An object as whoever asks wants to see it. */
  shown(call: Call, resource: Resource, object: JsonObject, code = 200): Answer {
    return { code, body: this.#view(object, resource, viewFor(call)) };
  }

  #view(object: JsonObject, resource: Resource, view: View): JsonObject {
    if (view.kind === 'object') return object;
    if (view.kind === 'metadata') return partial(object);
    return tableOf([object], resource, view, { resourceVersion: metadataOf(object)['resourceVersion'] ?? '' }, this.#backend.now());
  }
}
