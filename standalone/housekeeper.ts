import { equal, isObject, type JsonObject, objectsAt, textAt, textsAt, withKey } from './json.js';
import { keyOf, Objects, type Place } from './requests/objects.js';
import { StatusError } from './requests/status.js';
import { crdResource, systemNamespaces } from './resources/builtin.js';
import { establishedStatus } from './resources/crd.js';
import { isBeingDeleted, isOver, metadataOf } from './resources/metadata.js';
import type { Registry } from './resources/registry.js';
import type { Resource } from './resources/resource.js';
import type { Change, Outcome, Store } from './store/store.js';

/** How long an event is told, in milliseconds. */
const eventLifeMs = 60 * 60_000;
const sweepEveryMs = 60_000;

/** Holds a CRD until its objects are gone. */
const crdFinalizer = 'customresourcecleanup.apiextensions.k8s.io';

/**
 * What a cluster's own controllers do: serves what CRDs define, empties namespaces that are to go, and sees to those whose owner is gone. It looks at
 * what is stored, so that what it was kept from in a former life is done in the next.
 */
export class Housekeeper {
  readonly #store: Store;
  readonly #registry: Registry;
  readonly #objects: Objects;
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  readonly #unsubscribe: () => void;
  #queue: (() => Promise<unknown>)[] = [];
  #working: Promise<void> | undefined;

  constructor(store: Store, registry: Registry, now: () => number) {
    this.#store = store;
    this.#registry = registry;
    this.#objects = new Objects(store);
    this.#now = now;
    for (const crd of store.list('customresourcedefinitions.apiextensions.k8s.io')) this.#serve(crd);
    this.#unsubscribe = store.subscribe((changes) => {
      for (const change of changes) this.#see(change);
    });
    this.#timer = setInterval(() => this.#sweep(), sweepEveryMs).unref();
    this.#sweep();
  }

  /** Resolves when the namespaces that are always there are there. */
  async begin(): Promise<void> {
    const timestamp = this.#timestamp();
    for (const name of systemNamespaces) {
      const resource = this.#registry.find('', 'v1', 'namespaces');
      if (resource === undefined || this.#store.get(keyOf({ resource, namespace: '', name })) !== undefined) continue;
      const options = {
        fieldManager: 'virtwright-standalone',
        fieldValidation: 'Strict',
        dryRun: false,
        warn: () => {},
        now: timestamp,
      } as const;
      await this.#objects.create({ resource, namespace: '', name }, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, options);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#unsubscribe();
    this.#queue = [];
    await this.#working;
  }

  #timestamp(): string {
    return new Date(this.#now()).toISOString().replace(/\.\d+Z$/, 'Z');
  }

  #see({ key, kind, object }: Change): void {
    if (key.resource === 'customresourcedefinitions.apiextensions.k8s.io') {
      if (kind === 'deleted') this.#registry.forget(key.name);
      else this.#serve(object);
    }
    if (kind === 'deleted') this.#later(() => this.#freeDependents(object, 'deleted'));
    else if (isBeingDeleted(object)) this.#later(() => this.#attend(key.resource, object));
    // The last thing of a namespace may be what it waited for.
    if (kind === 'deleted' && key.namespace !== '') this.#later(() => this.#emptyIfGoing(key.namespace));
  }

  #serve(crd: JsonObject): void {
    try {
      if (this.#registry.conflict(crd) === undefined) this.#registry.define(crd);
    } catch {
      // It was refused when it was made; a newer program may know better than an older one.
    }
    if (!isBeingDeleted(crd)) this.#later(() => this.#establish(crd));
  }

  async #establish(crd: JsonObject): Promise<void> {
    await this.#rewrite(crdResource(), crd, (now) => {
      const finalizers = textsAt(metadataOf(now), 'finalizers');
      const held = finalizers.includes(crdFinalizer) || isBeingDeleted(now) ? finalizers : [...finalizers, crdFinalizer];
      const metadata = withKey(metadataOf(now), 'finalizers', held.length === 0 ? undefined : held);
      return { ...now, metadata, status: establishedStatus(now, this.#timestamp()) };
    });
  }

  /** Something that is to go, and is held. */
  async #attend(resource: string, object: JsonObject): Promise<void> {
    const { name } = metadataOf(object);
    if (resource === 'customresourcedefinitions.apiextensions.k8s.io') await this.#emptyCrd(object);
    if (resource === 'namespaces.' && typeof name === 'string') await this.#emptyIfGoing(name);
    const finalizers = textsAt(metadataOf(object), 'finalizers');
    const of = this.#registry.stored().find(({ storage }) => storage === resource);
    if (of === undefined) return;
    if (finalizers.includes('orphan')) {
      await this.#freeDependents(object, 'orphan');
      await this.#release(of, object, 'orphan');
    }
    if (finalizers.includes('foregroundDeletion') && (await this.#deleteDependents(object)))
      await this.#release(of, object, 'foregroundDeletion');
  }

  async #emptyCrd(crd: JsonObject): Promise<void> {
    const own = this.#registry.stored().find(({ fullName }) => fullName === metadataOf(crd)['name']);
    if (own !== undefined && (await this.#deleteEach(own, this.#store.list(own.storage))) > 0) return;
    await this.#release(crdResource(), crd, crdFinalizer);
  }

  async #emptyIfGoing(name: string): Promise<void> {
    const resource = this.#registry.find('', 'v1', 'namespaces');
    const namespace = resource && this.#store.get(keyOf({ resource, namespace: '', name }));
    if (resource === undefined || namespace === undefined || !isBeingDeleted(namespace)) return;
    let left = 0;
    for (const kind of this.#registry.stored())
      if (kind.namespaced) left += await this.#deleteEach(kind, this.#store.list(kind.storage, name));
    if (left === 0) await this.#rewrite(resource, namespace, (now) => ({ ...now, spec: { finalizers: [] } }));
  }

  /** Resolves to how many are still there. */
  async #deleteEach(resource: Resource, objects: readonly JsonObject[]): Promise<number> {
    for (const object of objects) if (!isBeingDeleted(object)) await this.#remove(resource, object);
    return objects.filter((object) => {
      const now = this.#store.get(keyOf(placeOf(resource, object)));
      return now !== undefined && metadataOf(now)['uid'] === metadataOf(object)['uid'];
    }).length;
  }

  async #remove(resource: Resource, object: JsonObject): Promise<void> {
    const { uid } = metadataOf(object);
    const preconditions = typeof uid === 'string' ? { uid } : {};
    await this.#objects
      .delete(placeOf(resource, object), { dryRun: false, propagation: 'Background', preconditions, now: this.#timestamp() })
      .catch(ignoringMeanwhile);
  }

  #dependentsOf(owner: JsonObject): readonly { readonly resource: Resource; readonly object: JsonObject }[] {
    const { uid } = metadataOf(owner);
    return this.#registry.stored().flatMap((resource) =>
      this.#store
        .list(resource.storage)
        .filter((object) => objectsAt(metadataOf(object), 'ownerReferences').some((one) => one['uid'] === uid))
        .map((object) => ({ resource, object })),
    );
  }

  /** Of an owner that is gone, or lets them go: who has another owner yet stays, and so does who was orphaned. */
  async #freeDependents(owner: JsonObject, why: 'deleted' | 'orphan'): Promise<void> {
    const { uid } = metadataOf(owner);
    for (const { resource, object } of this.#dependentsOf(owner)) {
      const others = objectsAt(metadataOf(object), 'ownerReferences').filter((one) => one['uid'] !== uid);
      if (why === 'deleted' && others.length === 0) await this.#remove(resource, object);
      else
        await this.#rewrite(resource, object, (now) => ({
          ...now,
          metadata: withKey(metadataOf(now), 'ownerReferences', others.length === 0 ? undefined : others),
        }));
    }
  }

  /** Whether none is left of those that hold their owner. */
  async #deleteDependents(owner: JsonObject): Promise<boolean> {
    const { uid } = metadataOf(owner);
    const all = this.#dependentsOf(owner);
    for (const { resource, object } of all) if (!isBeingDeleted(object)) await this.#remove(resource, object);
    return !this.#dependentsOf(owner).some(({ object }) =>
      objectsAt(metadataOf(object), 'ownerReferences').some((one) => one['uid'] === uid && one['blockOwnerDeletion'] === true),
    );
  }

  async #release(resource: Resource, object: JsonObject, finalizer: string): Promise<void> {
    await this.#rewrite(resource, object, (now) => {
      const left = textsAt(metadataOf(now), 'finalizers').filter((one) => one !== finalizer);
      return { ...now, metadata: withKey(metadataOf(now), 'finalizers', left.length === 0 ? undefined : left) };
    });
  }

  /** Of the same object, if it is there yet. */
  async #rewrite(resource: Resource, object: JsonObject, edit: (now: JsonObject) => JsonObject): Promise<void> {
    await this.#store.write(keyOf(placeOf(resource, object)), (now): Outcome => {
      if (now === undefined || metadataOf(now)['uid'] !== metadataOf(object)['uid']) return { kind: 'keep', object };
      const next = edit(now);
      if (equal(next, now)) return { kind: 'keep', object: now };
      return { kind: isOver(next) ? 'delete' : 'put', object: next };
    });
  }

  /** Old events go; and whatever waits for somebody is looked at again. */
  #sweep(): void {
    const old = this.#now() - eventLifeMs;
    const events = this.#registry.find('events.k8s.io', 'v1', 'events');
    if (events !== undefined)
      for (const event of this.#store.list(events.storage)) if (lastTime(event) < old) this.#later(() => this.#remove(events, event));
    for (const resource of this.#store.resources())
      for (const object of this.#store.list(resource)) if (isBeingDeleted(object)) this.#later(() => this.#attend(resource, object));
    this.#later(() => this.#collect());
  }

  /** Whose owner went while nobody looked. */
  async #collect(): Promise<void> {
    const uids = new Set(this.#registry.stored().flatMap(({ storage }) => this.#store.list(storage).map((one) => metadataOf(one)['uid'])));
    for (const resource of this.#registry.stored())
      for (const object of this.#store.list(resource.storage)) {
        const owners = objectsAt(metadataOf(object), 'ownerReferences');
        if (owners.length > 0 && owners.every(({ uid }) => !uids.has(uid))) await this.#remove(resource, object);
      }
  }

  #later(work: () => Promise<unknown>): void {
    this.#queue.push(work);
    this.#working ??= this.#work();
  }

  async #work(): Promise<void> {
    await new Promise(setImmediate);
    for (let work = this.#queue.shift(); work !== undefined; work = this.#queue.shift()) await work().catch(ignoringMeanwhile);
    this.#working = undefined;
  }
}

const placeOf = (resource: Resource, object: JsonObject): Place => ({
  resource,
  namespace: textAt(metadataOf(object), 'namespace'),
  name: textAt(metadataOf(object), 'name'),
});

/** Somebody else was faster; what is left to do is seen in the next look. */
function ignoringMeanwhile(reason: unknown): void {
  if (!(reason instanceof StatusError)) throw reason;
}

const lastTime = (event: JsonObject): number => {
  const series = event['series'];
  const times = [
    isObject(series) ? series['lastObservedTime'] : undefined,
    event['deprecatedLastTimestamp'],
    event['eventTime'],
    metadataOf(event)['creationTimestamp'],
  ];
  return Math.max(...times.map((time) => (typeof time === 'string' ? Date.parse(time) : 0)).filter((time) => !Number.isNaN(time)));
};
