import { type Database, open, type RootDatabase } from 'lmdb';
import type { JsonObject } from '../json.js';
import type { Vault } from './vault.js';

/** Where an object is kept. `resource`: `<plural>.<group>`; `namespace` is empty for what has none. */
export interface Key {
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

export const keyText = ({ resource, namespace, name }: Key): string => `${resource}/${namespace}/${name}`;

export interface Written {
  readonly key: Key;
  /** Undefined for one that is gone. */
  readonly object: JsonObject | undefined;
}

/** Resources whose objects are sealed. */
const secret = new Set(['secrets.']);

/** The objects in a file that survives what the process does not: LMDB, which needs no recovery. */
export class Disk implements AsyncDisposable {
  readonly #root: RootDatabase<Buffer, string>;
  readonly #objects: Database<Buffer, string>;
  readonly #vault: Vault;

  constructor(path: string, vault: Vault) {
    // What is acknowledged has reached the disk, not only the kernel.
    this.#root = open({ path, encoding: 'binary', overlappingSync: false, mapSize: 2 ** 34 });
    this.#objects = this.#root.openDB({ name: 'objects', encoding: 'binary' });
    this.#vault = vault;
  }

  get revision(): number {
    return Number(this.#root.get('revision')?.toString() ?? '0');
  }

  *all(): Iterable<{ readonly key: Key; readonly object: JsonObject }> {
    for (const { key: place, value } of this.#objects.getRange()) {
      const [resource = '', namespace = '', name = ''] = place.split('/');
      const text = secret.has(resource) ? this.#vault.open(place, value) : value.toString('utf8');
      yield { key: { resource, namespace, name }, object: JSON.parse(text) as JsonObject };
    }
  }

  /** All or none of it. */
  async write(changes: readonly Written[], revision: number): Promise<void> {
    await this.#root.transaction(() => {
      for (const { key, object } of changes) {
        const place = keyText(key);
        if (object === undefined) this.#objects.remove(place);
        else this.#objects.put(place, this.#bytes(place, key.resource, JSON.stringify(object)));
      }
      this.#root.put('revision', Buffer.from(`${revision}`));
    });
  }

  #bytes(place: string, resource: string, text: string): Buffer {
    return secret.has(resource) ? this.#vault.seal(place, text) : Buffer.from(text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#root.close();
  }
}
