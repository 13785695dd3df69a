import { type JsonObject, objectsAt, textAt } from '../json.js';
import { metadataOf } from '../resources/metadata.js';
import { type Key, keyText } from '../store/disk.js';
import type { Change, Store } from '../store/store.js';

/** Who owns whom, by uid: kept beside the store, so that nobody has to look through all objects when one of them goes. */
export class Owners {
  readonly #places = new Map<string, Key>();
  readonly #dependents = new Map<string, Map<string, Key>>();

  constructor(store: Store) {
    for (const resource of store.resources())
      for (const object of store.list(resource)) {
        const metadata = metadataOf(object);
        this.#add({ resource, namespace: textAt(metadata, 'namespace'), name: textAt(metadata, 'name') }, object);
      }
  }

  see({ key, kind, object, before }: Change): void {
    if (before !== undefined) this.#remove(key, before);
    if (kind !== 'deleted') this.#add(key, object);
  }

  placeOf(uid: string): Key | undefined {
    return this.#places.get(uid);
  }

  dependentsOf(uid: string): readonly Key[] {
    return [...(this.#dependents.get(uid)?.values() ?? [])];
  }

  /** Those who own somebody, and are not there. */
  missing(): readonly string[] {
    return [...this.#dependents.keys()].filter((uid) => !this.#places.has(uid));
  }

  #add(key: Key, object: JsonObject): void {
    this.#places.set(textAt(metadataOf(object), 'uid'), key);
    for (const uid of ownersOf(object)) {
      const all = this.#dependents.get(uid) ?? new Map<string, Key>();
      this.#dependents.set(uid, all.set(keyText(key), key));
    }
  }

  #remove(key: Key, object: JsonObject): void {
    this.#places.delete(textAt(metadataOf(object), 'uid'));
    for (const uid of ownersOf(object)) {
      const all = this.#dependents.get(uid);
      all?.delete(keyText(key));
      if (all?.size === 0) this.#dependents.delete(uid);
    }
  }
}

export const referencesOf = (object: JsonObject): readonly JsonObject[] => objectsAt(metadataOf(object), 'ownerReferences');

export const ownersOf = (object: JsonObject): readonly string[] => referencesOf(object).map((one) => textAt(one, 'uid'));
