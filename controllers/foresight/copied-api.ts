import type { Client, ListQuery, Manifest, Page, Patch } from '../kubernetes/client.js';
import { ApiError } from '../kubernetes/client.js';
import { apiVersionOf, type KubernetesObject, keyOf, type ObjectRef, type Resource } from '../kubernetes/resource.js';
import type { Watched } from '../watched.js';
import type { Copies } from './copies.js';
import { uidToBe } from './uid-to-be.js';

type AnyWatched = Watched<Pick<KubernetesObject, 'metadata'>, string>;

/** Above all versions that servers give: what is written here is newer. */
const firstVersion = 10n ** 30n;

/** What binders ask of an API server, answered from copies and done to them. What they never ask is refused. */
export class CopiedApi implements Client {
  readonly namespace = '';
  readonly #watched: readonly AnyWatched[];
  #version = firstVersion;

  constructor(copies: Copies) {
    this.#watched = Object.values(copies) as unknown as readonly AnyWatched[];
  }

  /** As one has applied it: over what is there, or anew. */
  put(resource: Resource, object: KubernetesObject): void {
    this.#version += 1n;
    const fresh = { ...object, metadata: { ...object.metadata, resourceVersion: `${this.#version}` } };
    const { store, decode } = this.#of(resource);
    store.put(decode(structuredClone(fresh)));
  }

  async get(resource: Resource, ref: ObjectRef): Promise<KubernetesObject> {
    return this.#get(resource, ref);
  }

  async list(resource: Resource, { namespace, fieldSelector = '' }: ListQuery): Promise<Page> {
    const name = /^metadata\.name=(.*)$/.exec(fieldSelector)?.[1];
    if (fieldSelector !== '' && name === undefined) throw unasked(`a list of ${fieldSelector}`);
    const isMeant = ({ metadata }: Pick<KubernetesObject, 'metadata'>) =>
      (name === undefined || metadata.name === name) && (namespace === undefined || metadata.namespace === namespace);
    const items = this.#of(resource).store.list().filter(isMeant) as unknown as readonly KubernetesObject[];
    return { items: structuredClone(items), resourceVersion: `${this.#version}` };
  }

  async *pages(resource: Resource, query: ListQuery): AsyncIterable<Page> {
    yield await this.list(resource, query);
  }

  async create(resource: Resource, manifest: Manifest): Promise<KubernetesObject> {
    if (this.#find(resource, manifest.metadata) !== undefined)
      throw new ApiError(`${resource.kind} "${manifest.metadata.name}" is there already`, { status: 409, reason: 'AlreadyExists' });
    const given = {
      uid: uidToBe(resource.kind, manifest.metadata),
      resourceVersion: '',
      creationTimestamp: new Date().toISOString(),
      generation: 1,
    };
    const metadata = { ...manifest.metadata, ...given } as KubernetesObject['metadata'];
    this.put(resource, { apiVersion: apiVersionOf(resource), kind: resource.kind, ...manifest, metadata });
    return this.#get(resource, manifest.metadata);
  }

  async mergePatch(resource: Resource, ref: ObjectRef, patch: Patch): Promise<KubernetesObject> {
    this.put(resource, merged(this.#get(resource, ref), patch) as KubernetesObject);
    return this.#get(resource, ref);
  }

  async applyStatus(resource: Resource, { metadata, status }: Manifest): Promise<KubernetesObject> {
    this.put(resource, { ...this.#get(resource, metadata), status });
    return this.#get(resource, metadata);
  }

  async delete(resource: Resource, ref: ObjectRef): Promise<void> {
    const { metadata, ...object } = this.#get(resource, ref);
    if ((metadata.finalizers ?? []).length === 0) return this.#of(resource).store.delete(keyOf(ref));
    const deletionTimestamp = metadata.deletionTimestamp ?? new Date().toISOString();
    this.put(resource, { ...object, metadata: { ...metadata, deletionTimestamp } });
  }

  version(): Promise<string> {
    return Promise.reject(unasked('a version'));
  }

  apply(): Promise<KubernetesObject> {
    return Promise.reject(unasked('an apply'));
  }

  read(): Promise<unknown> {
    return Promise.reject(unasked('a reading'));
  }

  watch(): never {
    throw unasked('a watch');
  }

  follow(): never {
    throw unasked('a watch');
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #of({ plural, group }: Resource): AnyWatched {
    const found = this.#watched.find(({ resource }) => resource.plural === plural && resource.group === group);
    if (found === undefined) throw unasked(plural);
    return found;
  }

  #find(resource: Resource, ref: ObjectRef): KubernetesObject | undefined {
    const found = this.#of(resource).store.get(
      keyOf({ name: ref.name, ...(resource.namespaced ? { namespace: ref.namespace ?? '' } : {}) }),
    );
    return found === undefined ? undefined : (structuredClone(found) as KubernetesObject);
  }

  #get(resource: Resource, ref: ObjectRef): KubernetesObject {
    const found = this.#find(resource, ref);
    if (found === undefined) throw new ApiError(`there is no ${resource.kind} "${ref.name}"`, { status: 404, reason: 'NotFound' });
    return found;
  }
}

const unasked = (what: string): TypeError => new TypeError(`${what} was asked of copies, which have none`);

/** JSON merge patch, RFC 7386. */
function merged(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
