import { type JsonObject, textAt, textsAt, withKey } from '../json.js';
import { isBeingDeleted, metadataOf } from '../resources/metadata.js';
import type { Registry } from '../resources/registry.js';
import type { Resource } from '../resources/resource.js';
import type { Hands } from './hands.js';
import { type Owners, ownersOf, referencesOf } from './owners.js';

interface Found {
  readonly resource: Resource;
  readonly object: JsonObject;
}

/** Sees to those whose owner goes, in the three ways that Kubernetes knows. */
export class Collector {
  readonly #hands: Hands;
  readonly #registry: Registry;
  readonly #owners: Owners;

  constructor(hands: Hands, registry: Registry, owners: Owners) {
    this.#hands = hands;
    this.#registry = registry;
    this.#owners = owners;
  }

  /** Of an owner that is to go, and is held for what it owns. */
  async attend(resource: Resource, owner: JsonObject): Promise<void> {
    const finalizers = textsAt(metadataOf(owner), 'finalizers');
    const uid = textAt(metadataOf(owner), 'uid');
    if (finalizers.includes('orphan')) {
      for (const one of this.#dependentsOf(uid)) await this.#disown(one, uid);
      await this.#hands.release(resource, owner, 'orphan');
    }
    if (finalizers.includes('foregroundDeletion') && (await this.#deleteDependents(uid)))
      await this.#hands.release(resource, owner, 'foregroundDeletion');
  }

  /** Of an owner that is gone: who has another owner yet stays. */
  async collect(uid: string): Promise<void> {
    for (const one of this.#dependentsOf(uid)) {
      const references = referencesOf(one.object);
      const isLast = references.every((reference) => reference['uid'] === uid);
      // An owner of a kind that is not served here may be anywhere.
      if (!references.some((reference) => reference['uid'] === uid && this.#isServed(reference))) continue;
      await (isLast ? this.#hands.remove(one.resource, one.object) : this.#disown(one, uid));
    }
  }

  /** Whose owner went while nobody looked. */
  async collectMissing(): Promise<void> {
    for (const uid of this.#owners.missing()) await this.collect(uid);
  }

  /** Owners that are to go, and may have waited for that one. */
  waitingFor(object: JsonObject): readonly Found[] {
    return ownersOf(object)
      .flatMap((uid) => this.#find(this.#owners.placeOf(uid)))
      .filter((owner) => isBeingDeleted(owner.object));
  }

  /** Whether none is left of those that hold their owner. */
  async #deleteDependents(uid: string): Promise<boolean> {
    for (const { resource, object } of this.#dependentsOf(uid)) if (!isBeingDeleted(object)) await this.#hands.remove(resource, object);
    return !this.#dependentsOf(uid).some(({ object }) =>
      referencesOf(object).some((one) => one['uid'] === uid && one['blockOwnerDeletion'] === true),
    );
  }

  async #disown({ resource, object }: Found, uid: string): Promise<void> {
    await this.#hands.rewrite(resource, object, (now) => {
      const others = referencesOf(now).filter((one) => one['uid'] !== uid);
      return { ...now, metadata: withKey(metadataOf(now), 'ownerReferences', others.length === 0 ? undefined : others) };
    });
  }

  #dependentsOf(uid: string): readonly Found[] {
    return this.#owners.dependentsOf(uid).flatMap((key) => this.#find(key));
  }

  #find(key: ReturnType<Owners['placeOf']>): readonly Found[] {
    const object = key && this.#hands.store.get(key);
    const resource = key && this.#registry.keptAs(key.resource);
    return object === undefined || resource === undefined ? [] : [{ resource, object }];
  }

  #isServed({ apiVersion, kind }: JsonObject): boolean {
    return this.#registry.all().some((one) => one.apiVersion === apiVersion && one.kind === kind);
  }
}
