import { type JsonObject, textsAt } from '../json.js';
import { crdResource } from '../resources/builtin.js';
import { establishedStatus } from '../resources/crd.js';
import { isBeingDeleted, metadataOf, timestamp, withFinalizers } from '../resources/metadata.js';
import type { Registry } from '../resources/registry.js';
import type { Hands } from './hands.js';

/** Holds a CRD until its objects are gone. */
const crdFinalizer = 'customresourcecleanup.apiextensions.k8s.io';

/** Serves what CRDs define. */
export class Definitions {
  readonly #hands: Hands;
  readonly #registry: Registry;

  constructor(hands: Hands, registry: Registry) {
    this.#hands = hands;
    this.#registry = registry;
  }

  serve(crd: JsonObject): void {
    try {
      if (this.#registry.conflict(crd) === undefined) this.#registry.define(crd);
    } catch {
      // It was refused when it was made; a newer program may know better than an older one.
    }
  }

  forget(name: string): void {
    this.#registry.forget(name);
  }

  /** Says that it is served, and holds it. */
  async establish(crd: JsonObject): Promise<void> {
    await this.#hands.rewrite(crdResource, crd, (now) => {
      const finalizers = textsAt(metadataOf(now), 'finalizers');
      const held = finalizers.includes(crdFinalizer) || isBeingDeleted(now) ? finalizers : [...finalizers, crdFinalizer];
      return { ...withFinalizers(now, held), status: establishedStatus(now, timestamp(this.#hands.now())) };
    });
  }

  /** Of one that is to go: its objects go first. */
  async empty(crd: JsonObject): Promise<void> {
    const own = this.#registry.keptAs(`${metadataOf(crd)['name']}`);
    if (own !== undefined && (await this.#hands.removeEach(own, this.#hands.store.list(own.storage))) > 0) return;
    await this.#hands.release(crdResource, crd, crdFinalizer);
  }

  /** The CRD of a kind that is to go; undefined for one that stays. */
  going(storage: string): JsonObject | undefined {
    const crd = this.#hands.store.get({ resource: crdResource.storage, namespace: '', name: storage });
    return crd !== undefined && isBeingDeleted(crd) ? crd : undefined;
  }
}
