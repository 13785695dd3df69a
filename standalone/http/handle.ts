import type { IncomingMessage, ServerResponse } from 'node:http';
import { isObject, type JsonObject, objectAt, textAt } from '../json.js';
import { type Attempt, type Caller, isAllowed } from '../requests/authorize.js';
import type { ChangeOptions } from '../requests/change.js';
import { Lists, type Page } from '../requests/list.js';
import { type DeleteOptions, type Edit, Objects, type Place } from '../requests/objects.js';
import { badRequest, forbiddenAttempt, methodNotAllowed, StatusError, unknownPath } from '../requests/status.js';
import { metadataOf } from '../resources/metadata.js';
import type { Registry } from '../resources/registry.js';
import type { Resource, Scale } from '../resources/resource.js';
import type { Store } from '../store/store.js';
import { about } from './about.js';
import { type Address, readAddress } from './address.js';
import { type Answer, send, statusOf, warningHeader } from './answer.js';
import { editOf, listMetadata, listOf, part, selectsOf, sentFor, verbOf } from './asked.js';
import { mediaType, readBody, readObject } from './body.js';
import { dryRunOf, flagOf, managerOf, numberOf, validationOf } from './query.js';
import { scaleOf, setAt } from './scale.js';
import { streamWatch } from './stream.js';
import { partial, tableOf, type View, viewOf } from './table.js';

export interface Backend {
  readonly store: Store;
  readonly registry: Registry;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Ends with the server. */
  readonly signal: AbortSignal;
}

interface Call extends Caller {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
}

const answer = (body: JsonObject, code = 200): Answer => ({ code, body });

/** All that a request may be. */
export class Handler {
  readonly #backend: Backend;
  readonly #objects: Objects;
  readonly #lists: Lists;

  constructor(backend: Backend) {
    this.#backend = backend;
    this.#objects = new Objects(backend.store);
    this.#lists = new Lists(backend.store, backend.now);
  }

  async handle(request: IncomingMessage, response: ServerResponse, caller: Caller): Promise<void> {
    try {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'https://localhost');
      const call = { request, response, method: request.method ?? 'GET', path: pathname, query: searchParams, ...caller };
      const done = await this.#answer(call);
      if (done !== undefined) await send(request, response, done);
    } catch (reason) {
      await this.#refuse(request, response, reason);
    }
  }

  async #refuse(request: IncomingMessage, response: ServerResponse, reason: unknown): Promise<void> {
    if (response.headersSent) return void response.destroy();
    const status = statusOf(reason);
    // What was not read of the body would be taken for the next request.
    if (!request.complete) response.setHeader('Connection', 'close');
    await send(request, response, { code: status.code, body: status.body }).catch(() => response.destroy());
  }

  async #answer(call: Call): Promise<Answer | undefined> {
    const { registry, store } = this.#backend;
    const allows = (attempt: Attempt) => isAllowed(store, call, attempt);
    const said = await about({ ...call, allows }, registry.all());
    if (said !== undefined) return said;
    const address = readAddress(call.path, registry);
    this.#assertAllowed(call, address);
    if (address.subresource === 'scale') return this.#scale(call, address);
    if (address.name !== '') return this.#one(call, address);
    switch (call.method) {
      case 'GET':
        return flagOf(call.query, 'watch') ? this.#watch(call, address, store) : this.#list(call, address);
      case 'POST':
        return this.#create(call, address);
      case 'DELETE':
        return this.#deleteAll(call, address);
      default:
        throw methodNotAllowed();
    }
  }

  /** A name that is selected is as a name in the address. */
  #assertAllowed(call: Call, { resource, namespace, name, subresource }: Address): void {
    const [, selected = ''] = /^metadata\.name==?([^,=!]+)$/.exec(call.query.get('fieldSelector') ?? '') ?? [];
    const attempt = {
      verb: verbOf(call, name),
      group: resource.group,
      resource: subresource === '' ? resource.plural : `${resource.plural}/${subresource}`,
      namespace: resource.plural === 'namespaces' && resource.group === '' ? name : namespace,
      name: name || selected,
      path: '',
    };
    if (!isAllowed(this.#backend.store, call, attempt)) throw forbiddenAttempt(call.user, attempt, resource);
  }

  async #one(call: Call, address: Address): Promise<Answer | undefined> {
    const { resource, subresource } = address;
    switch (call.method) {
      case 'GET':
        if (flagOf(call.query, 'watch')) return this.#watch(call, address, this.#backend.store);
        return this.#shown(call, resource, this.#objects.get(address));
      case 'PUT':
        return this.#shown(
          call,
          resource,
          await this.#objects.update(address, await readObject(call.request), part(subresource), this.#options(call)),
        );
      case 'PATCH':
        return this.#patch(call, address);
      case 'DELETE':
        if (subresource !== '') throw methodNotAllowed();
        return this.#delete(call, address);
      default:
        throw methodNotAllowed();
    }
  }

  async #create(call: Call, { resource, namespace }: Address): Promise<Answer> {
    if (resource.namespaced && namespace === '') throw methodNotAllowed();
    const made = await this.#objects.create(
      { resource, namespace, name: '' },
      sentFor(resource, await readObject(call.request)),
      this.#options(call),
    );
    return this.#shown(call, resource, made, 201);
  }

  async #patch(call: Call, address: Address): Promise<Answer> {
    const type = mediaType(call.request);
    const options = this.#options(call);
    const body = await readBody(call.request);
    if (type === 'application/apply-patch+yaml') {
      if (!isObject(body)) throw badRequest('what is applied is no object');
      if (!call.query.get('fieldManager')) throw badRequest('fieldManager is required for apply patch');
      const applied = { ...options, force: flagOf(call.query, 'force') };
      const { object, isNew } = await this.#objects.apply(address, sentFor(address.resource, body), part(address.subresource), applied);
      return this.#shown(call, address.resource, object, isNew ? 201 : 200);
    }
    const edit = editOf(type, body, address.resource);
    return this.#shown(call, address.resource, await this.#objects.patch(address, edit, part(address.subresource), options));
  }

  async #delete(call: Call, address: Address): Promise<Answer> {
    const { object, isGone } = await this.#objects.delete(address, await this.#deletion(call));
    const { name, uid } = metadataOf(object);
    const { resource } = address;
    if (!isGone) return this.#shown(call, resource, object);
    const details = {
      name: name ?? '',
      ...(resource.group === '' ? {} : { group: resource.group }),
      kind: resource.plural,
      uid: uid ?? '',
    };
    return answer({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details });
  }

  async #deleteAll(call: Call, address: Address): Promise<Answer> {
    const { resource, namespace } = address;
    if (resource.namespaced && namespace === '') throw methodNotAllowed();
    const options = await this.#deletion(call);
    const page = this.#page(call, address);
    for (const object of page.items) {
      const place = { resource, namespace, name: textAt(metadataOf(object), 'name') };
      await this.#objects.delete(place, options).catch((reason) => {
        if (!(reason instanceof StatusError && reason.code === 404)) throw reason;
      });
    }
    return answer(listOf(resource, page));
  }

  async #deletion(call: Call): Promise<DeleteOptions> {
    const body =
      Number(call.request.headers['content-length'] ?? 0) > 0 || call.request.headers['transfer-encoding'] !== undefined
        ? await readBody(call.request)
        : {};
    const given = isObject(body) ? body : {};
    const { uid, resourceVersion } = objectAt(given, 'preconditions');
    const policy = textAt(given, 'propagationPolicy') || call.query.get('propagationPolicy') || 'Background';
    if (policy !== 'Background' && policy !== 'Foreground' && policy !== 'Orphan')
      throw badRequest(`propagationPolicy: ${JSON.stringify(policy)} was given; accepted: Background, Foreground, Orphan`);
    return {
      dryRun: dryRunOf(call.query) || (Array.isArray(given['dryRun']) && given['dryRun'].includes('All')),
      propagation: given['orphanDependents'] === true ? 'Orphan' : policy,
      preconditions: { ...(typeof uid === 'string' ? { uid } : {}), ...(typeof resourceVersion === 'string' ? { resourceVersion } : {}) },
      now: this.#now(),
    };
  }

  #list(call: Call, address: Address): Answer {
    const page = this.#page(call, address);
    const view = viewOf(`${call.request.headers.accept ?? ''}`, call.query.get('includeObject'));
    const metadata = listMetadata(page);
    if (view.kind === 'table') return answer(tableOf(page.items, address.resource, view, metadata, this.#backend.now()));
    if (view.kind === 'metadata')
      return answer({ kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata, items: page.items.map(partial) });
    return answer(listOf(address.resource, page));
  }

  #page({ query }: Call, { resource, namespace }: Address): Page {
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

  async #watch(call: Call, { resource, namespace, name }: Address, store: Store): Promise<undefined> {
    const { query, request, response } = call;
    const selects = selectsOf(query, resource);
    const watched = {
      resource,
      namespace,
      selects: name === '' ? selects : (object: JsonObject) => metadataOf(object)['name'] === name && selects(object),
      resourceVersion: query.get('resourceVersion') ?? '',
      bookmarks: flagOf(query, 'allowWatchBookmarks'),
      sendInitialEvents: flagOf(query, 'sendInitialEvents'),
    };
    const view = viewOf(`${request.headers.accept ?? ''}`, query.get('includeObject'));
    const show = (object: JsonObject) => this.#view(object, resource, view);
    await streamWatch(store, watched, response, {
      seconds: numberOf(query, 'timeoutSeconds'),
      show: (event) => (view.kind === 'object' ? event : { ...event, object: show(event.object) }),
      signal: this.#backend.signal,
    });
    return undefined;
  }

  async #scale(call: Call, { resource, namespace, name }: Address): Promise<Answer> {
    const place = { resource, namespace, name };
    const { scale } = resource;
    if (scale === undefined) throw unknownPath();
    if (call.method === 'GET') return answer(scaleOf(this.#objects.get(place), scale));
    const edit = await this.#scaleEdit(call, place, scale);
    return answer(scaleOf(await this.#objects.patch(place, edit, '', this.#options(call)), scale));
  }

  async #scaleEdit(call: Call, { resource }: Place, scale: Scale): Promise<Edit> {
    const type = mediaType(call.request);
    const body = await readBody(call.request);
    if (call.method !== 'PUT' && call.method !== 'PATCH') throw methodNotAllowed();
    const change = call.method === 'PUT' ? () => (isObject(body) ? body : {}) : editOf(type, body, resource);
    return (object) => {
      const replicas = objectAt(change(scaleOf(object, scale)), 'spec')['replicas'];
      if (typeof replicas !== 'number' || !Number.isInteger(replicas) || replicas < 0)
        throw badRequest('spec.replicas: accepted: a whole number, 0 or more');
      return setAt(object, scale.specReplicasPath.split('.').slice(1), replicas);
    };
  }

  #shown(call: Call, resource: Resource, object: JsonObject, code = 200): Answer {
    return answer(this.#view(object, resource, viewOf(`${call.request.headers.accept ?? ''}`, call.query.get('includeObject'))), code);
  }

  #view(object: JsonObject, resource: Resource, view: View): JsonObject {
    if (view.kind === 'object') return object;
    if (view.kind === 'metadata') return partial(object);
    return tableOf([object], resource, view, { resourceVersion: metadataOf(object)['resourceVersion'] ?? '' }, this.#backend.now());
  }

  #options({ query, request, response }: Call): ChangeOptions {
    return {
      fieldManager: managerOf(query, request.headers['user-agent']),
      fieldValidation: validationOf(query),
      dryRun: dryRunOf(query),
      warn: (text) => void response.appendHeader('Warning', warningHeader(text)),
      now: this.#now(),
    };
  }

  #now(): string {
    return new Date(this.#backend.now()).toISOString().replace(/\.\d+Z$/, 'Z');
  }
}
