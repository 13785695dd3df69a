import { chmodSync } from 'node:fs';
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

function keyOf(text: string): Key {
  const [resource = '', namespace = '', name = ''] = text.split('/');
  return { resource, namespace, name };
}

export interface Written {
  readonly key: Key;
  /** As JSON; undefined for one that is gone. */
  readonly text: string | undefined;
}

/** Resources whose objects are sealed. */
const secret = new Set(['secrets.']);

/** The objects in a file that survives what the process does not: LMDB, which needs no recovery. */
export class Disk implements AsyncDisposable {
  readonly #root: RootDatabase<Buffer, string>;
  readonly #objects: Database<Buffer, string>;
  readonly #vault: Vault;
  #unreadable: Key[] = [];

  constructor(path: string, vault: Vault) {
    // What is acknowledged has reached the disk, not only the kernel.
    this.#root = open({ path, noSubdir: true, encoding: 'binary', overlappingSync: false, mapSize: 2 ** 34 });
    // LMDB makes them for everybody to read, and cannot be told otherwise.
    for (const file of [path, `${path}-lock`]) chmodSync(file, 0o600);
    this.#objects = this.#root.openDB({ name: 'objects', encoding: 'binary' });
    this.#vault = vault;
  }

  get revision(): number {
    return Number(this.#root.get('revision')?.toString() ?? '0');
  }

  /** What the vault does not open is left out, and told by `unreadable` from then on. */
  *all(): Iterable<{ readonly key: Key; readonly object: JsonObject }> {
    this.#unreadable = [];
    for (const { key: place, value } of this.#objects.getRange()) {
      const key = keyOf(place);
      const text = secret.has(key.resource) ? this.#vault.open(place, value) : value.toString('utf8');
      if (text === undefined) this.#unreadable.push(key);
      else yield { key, object: JSON.parse(text) as JsonObject };
    }
  }

  get unreadable(): readonly Key[] {
    return this.#unreadable;
  }

  /** Nobody has seen them in this life: they have no revision in it. */
  async dropUnreadable(): Promise<void> {
    const places = this.#unreadable.map(keyText);
    this.#unreadable = [];
    if (places.length > 0)
      await this.#root.transaction(() => {
        for (const place of places) this.#objects.remove(place);
      });
  }

  /** What was sealed with an older key is sealed with the newest one. */
  async sealAnew(): Promise<void> {
    await this.#root.transaction(() => {
      for (const { key: place, value } of [...this.#objects.getRange()]) {
        const text = secret.has(keyOf(place).resource) ? this.#vault.open(place, value) : undefined;
        if (text !== undefined) this.#objects.put(place, this.#vault.seal(place, text));
      }
    });
  }

  /** All or none of it. */
  async write(changes: readonly Written[], revision: number): Promise<void> {
    await this.#root.transaction(() => {
      for (const { key, text } of changes) {
        const place = keyText(key);
        if (text === undefined) this.#objects.remove(place);
        else this.#objects.put(place, this.#bytes(place, key.resource, text));
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
