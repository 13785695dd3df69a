import { type JsonObject, textAt } from '../json.js';
import { crdResource, namespaceResource } from '../resources/builtin.js';
import { isBeingDeleted, metadataOf } from '../resources/metadata.js';
import type { Registry } from '../resources/registry.js';
import type { Change, Store } from '../store/store.js';
import { Collector } from './collector.js';
import { Definitions } from './definitions.js';
import { lastTime } from './event-time.js';
import { Hands, ignoringMeanwhile } from './hands.js';
import { Namespaces } from './namespaces.js';
import { Owners, ownersOf } from './owners.js';

/** How long an event is told, in milliseconds. */
const eventLifeMs = 60 * 60_000;
const sweepEveryMs = 60_000;

/**
 * What a cluster's own controllers do: serves what CRDs define, empties namespaces that are to go, and sees to those whose owner is gone. It looks at
 * what is stored, so that what it was kept from in a former life is done in the next.
 */
export class Housekeeper {
  readonly #store: Store;
  readonly #registry: Registry;
  readonly #hands: Hands;
  readonly #owners: Owners;
  readonly #collector: Collector;
  readonly #definitions: Definitions;
  readonly #namespaces: Namespaces;
  readonly #timer: NodeJS.Timeout;
  readonly #unsubscribe: () => void;
  #queue: (() => Promise<unknown>)[] = [];
  #working: Promise<void> | undefined;

  constructor(store: Store, registry: Registry, now: () => number) {
    this.#store = store;
    this.#registry = registry;
    this.#hands = new Hands(store, now);
    this.#owners = new Owners(store);
    this.#collector = new Collector(this.#hands, registry, this.#owners);
    this.#definitions = new Definitions(this.#hands, registry);
    this.#namespaces = new Namespaces(this.#hands, registry);
    for (const crd of store.list(crdResource.storage)) this.#serve(crd);
    this.#unsubscribe = store.subscribe((changes) => {
      for (const change of changes) this.#see(change);
    });
    this.#timer = setInterval(() => this.#sweep(), sweepEveryMs).unref();
    this.#sweep();
  }

  /** Resolves when the namespaces that are always there are there. */
  begin(): Promise<void> {
    return this.#namespaces.begin();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#unsubscribe();
    this.#queue = [];
    await this.#working;
  }

  #see(change: Change): void {
    this.#owners.see(change);
    if (change.kind === 'deleted') this.#seeGone(change);
    else this.#seeThere(change);
  }

  #seeThere({ key, object }: Change): void {
    if (key.resource === crdResource.storage) this.#serve(object);
    if (isBeingDeleted(object)) this.#later(() => this.#attend(key.resource, object));
    for (const uid of ownersOf(object)) if (this.#owners.placeOf(uid) === undefined) this.#later(() => this.#collectIfMissing(uid));
  }

  /** What goes may be what others waited for: who it owned, its namespace, its kind, its owner. */
  #seeGone({ key, object }: Change): void {
    if (key.resource === crdResource.storage) this.#definitions.forget(key.name);
    this.#later(() => this.#collectIfMissing(textAt(metadataOf(object), 'uid')));
    if (key.namespace !== '') this.#later(() => this.#namespaces.emptyIfGoing(key.namespace));
    const crd = this.#definitions.going(key.resource);
    if (crd !== undefined) this.#later(() => this.#definitions.empty(crd));
    for (const owner of this.#collector.waitingFor(object)) this.#later(() => this.#attend(owner.resource.storage, owner.object));
  }

  #serve(crd: JsonObject): void {
    this.#definitions.serve(crd);
    if (!isBeingDeleted(crd)) this.#later(() => this.#definitions.establish(crd));
  }

  /** Something that is to go, and is held. */
  async #attend(storage: string, object: JsonObject): Promise<void> {
    if (storage === crdResource.storage) await this.#definitions.empty(object);
    if (storage === namespaceResource.storage) await this.#namespaces.emptyIfGoing(textAt(metadataOf(object), 'name'));
    const resource = this.#registry.keptAs(storage);
    if (resource !== undefined) await this.#collector.attend(resource, object);
  }

  /** Its owner may have come meanwhile, in the same batch. */
  async #collectIfMissing(uid: string): Promise<void> {
    if (this.#owners.placeOf(uid) === undefined) await this.#collector.collect(uid);
  }

  /** Old events go; and whatever waits for somebody is looked at again. */
  #sweep(): void {
    const old = this.#hands.now() - eventLifeMs;
    const events = this.#registry.find('events.k8s.io', 'v1', 'events');
    if (events !== undefined)
      for (const event of this.#store.list(events.storage)) if (lastTime(event) < old) this.#later(() => this.#hands.remove(events, event));
    for (const resource of this.#store.resources())
      for (const object of this.#store.list(resource)) if (isBeingDeleted(object)) this.#later(() => this.#attend(resource, object));
    this.#later(() => this.#collector.collectMissing());
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
