import { isObject, type JsonObject, objectAt, textAt } from '../json.js';
import { type ChangeOptions, complain } from '../requests/change.js';
import type { DeleteOptions, Objects } from '../requests/objects.js';
import { badRequest, methodNotAllowed, StatusError } from '../requests/status.js';
import { metadataOf } from '../resources/metadata.js';
import type { Resource } from '../resources/resource.js';
import type { Address } from './address.js';
import type { Answer } from './answer.js';
import { editOf, listOf, part, sentFor } from './asked.js';
import { mediaType, readBody, readObject } from './body.js';
import { type Backend, type Call, optionsFor } from './call.js';
import { flagOf } from './query.js';
import type { Reads } from './reads.js';

/** Requests that change something. */
export class Writes {
  readonly #backend: Backend;
  readonly #objects: Objects;
  readonly #reads: Reads;

  constructor(backend: Backend, objects: Objects, reads: Reads) {
    this.#backend = backend;
    this.#objects = objects;
    this.#reads = reads;
  }

  async create(call: Call, { resource, namespace }: Address): Promise<Answer> {
    if (resource.namespaced && namespace === '') throw methodNotAllowed();
    const options = this.#options(call);
    const sent = sentFor(resource, await sentIn(call, resource, options));
    return this.#reads.shown(call, resource, await this.#objects.create({ resource, namespace, name: '' }, sent, options), 201);
  }

  async update(call: Call, address: Address): Promise<Answer> {
    const { resource, subresource } = address;
    const options = this.#options(call);
    const sent = await sentIn(call, resource, options);
    return this.#reads.shown(call, resource, await this.#objects.update(address, sent, part(subresource), options));
  }

  async patch(call: Call, address: Address): Promise<Answer> {
    const { resource, subresource } = address;
    const type = mediaType(call.request);
    const options = this.#options(call);
    if (type === 'application/apply-patch+yaml') return this.#apply(call, address, options);
    const { value, duplicates } = await readBody(call.request);
    complain(duplicates.map(asTrouble), resource, options);
    const edit = editOf(type, value, resource);
    return this.#reads.shown(call, resource, await this.#objects.patch(address, edit, part(subresource), options));
  }

  async #apply(call: Call, address: Address, options: ChangeOptions): Promise<Answer> {
    const { resource, subresource } = address;
    const sent = await sentIn(call, resource, options);
    if (!call.query.get('fieldManager')) throw badRequest('fieldManager is required for apply patch');
    const forced = { ...options, force: flagOf(call.query, 'force') };
    const { object, isNew } = await this.#objects.apply(address, sentFor(resource, sent), part(subresource), forced);
    return this.#reads.shown(call, resource, object, isNew ? 201 : 200);
  }

  async delete(call: Call, address: Address): Promise<Answer> {
    const { object, isGone } = await this.#objects.delete(address, await this.#deletion(call));
    const { name, uid } = metadataOf(object);
    const { resource } = address;
    if (!isGone) return this.#reads.shown(call, resource, object);
    const group = resource.group === '' ? {} : { group: resource.group };
    const details = { name: name ?? '', ...group, kind: resource.plural, uid: uid ?? '' };
    return { code: 200, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details } };
  }

  async deleteAll(call: Call, address: Address): Promise<Answer> {
    const { resource, namespace } = address;
    if ((resource.namespaced && namespace === '') || resource.permanent !== undefined) throw methodNotAllowed();
    const options = await this.#deletion(call);
    const page = this.#reads.page(call, address);
    for (const object of page.items) {
      const place = { resource, namespace, name: textAt(metadataOf(object), 'name') };
      await this.#objects.delete(place, options).catch((reason) => {
        if (!(reason instanceof StatusError && reason.code === 404)) throw reason;
      });
    }
    return { code: 200, body: listOf(resource, page) };
  }

  async #deletion(call: Call): Promise<DeleteOptions> {
    const { request, query } = call;
    const hasBody = Number(request.headers['content-length'] ?? 0) > 0 || request.headers['transfer-encoding'] !== undefined;
    const body = hasBody ? (await readBody(request)).value : {};
    const given = isObject(body) ? body : {};
    const { uid, resourceVersion } = objectAt(given, 'preconditions');
    const { now, admit, dryRun } = this.#options(call);
    const policy = textAt(given, 'propagationPolicy') || query.get('propagationPolicy') || 'Background';
    if (policy !== 'Background' && policy !== 'Foreground' && policy !== 'Orphan')
      throw badRequest(`propagationPolicy: ${JSON.stringify(policy)} was given; accepted: Background, Foreground, Orphan`);
    return {
      dryRun: dryRun || (Array.isArray(given['dryRun']) && given['dryRun'].includes('All')),
      propagation: given['orphanDependents'] === true ? 'Orphan' : policy,
      preconditions: { ...(typeof uid === 'string' ? { uid } : {}), ...(typeof resourceVersion === 'string' ? { resourceVersion } : {}) },
      now,
      admit,
    };
  }

  #options(call: Call): ChangeOptions {
    return optionsFor(call, this.#backend);
  }
}

async function sentIn({ request }: Call, resource: Resource, options: ChangeOptions): Promise<JsonObject> {
  const { value, duplicates } = await readObject(request);
  complain(duplicates.map(asTrouble), resource, options);
  return value;
}

const asTrouble = (path: string): string => `duplicate field "${path}"`;
