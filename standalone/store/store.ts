import { type JsonObject, objectAt, textOf } from '../json.js';
import { type Disk, type Key, keyText } from './disk.js';

/** Something that became so. */
export interface Change {
  readonly revision: number;
  readonly key: Key;
  readonly kind: 'added' | 'modified' | 'deleted';
  /** As it is, or was at last. */
  readonly object: JsonObject;
  /** What it was before. */
  readonly before: JsonObject | undefined;
}

/** What is to become of an object: itself anew, nothing (`delete`: as it was at last), or what it is. */
export type Outcome =
  | { readonly kind: 'put'; readonly object: JsonObject }
  | { readonly kind: 'delete'; readonly object: JsonObject }
  | { readonly kind: 'keep'; readonly object: JsonObject };

interface Pending {
  readonly key: Key;
  readonly revision: number;
  readonly kind: 'put' | 'delete';
  readonly object: JsonObject;
  readonly resolve: (object: JsonObject) => void;
  readonly reject: (reason: unknown) => void;
}

/** Of its JSON, in characters: what etcd takes. */
const maxObjectLength = 1.5 * 2 ** 20;

/** Each patch may make an object larger; there is an end to it. */
export class TooLarge extends Error {
  override readonly name = 'TooLarge';
  constructor() {
    super(`the object would have more than ${maxObjectLength} characters of JSON`);
  }
}

/** How many changes are remembered, for who watches from an older revision. */
const historyLength = 10_000;

/**
 * All objects, in memory and on disk. Who reads sees only what has reached the disk; who writes decides upon what was written before, though it may be
 * on its way there.
 */
export class Store {
  readonly #disk: Disk;
  readonly #tables = new Map<string, Map<string, { readonly key: Key; readonly object: JsonObject }>>();
  readonly #sorted = new Map<string, readonly JsonObject[]>();
  /** Not on disk yet; undefined for one that is to go. */
  readonly #head = new Map<string, JsonObject | undefined>();
  readonly #listeners = new Set<(changes: readonly Change[]) => void>();
  #history: Change[] = [];
  #forgotten: number;
  #revision: number;
  #headRevision: number;
  #queue: Pending[] = [];
  #writing: Promise<void> | undefined;

  constructor(disk: Disk) {
    this.#disk = disk;
    this.#revision = disk.revision;
    this.#headRevision = this.#revision;
    this.#forgotten = this.#revision;
    for (const one of disk.all()) this.#table(one.key.resource).set(keyText(one.key), one);
  }

  /** Of the last change that is on disk. */
  get revision(): number {
    return this.#revision;
  }

  get(key: Key): JsonObject | undefined {
    return this.#tables.get(key.resource)?.get(keyText(key))?.object;
  }

  /** As it was decided last, though that may be on its way to disk yet: what the next write is decided upon. */
  newest(key: Key): JsonObject | undefined {
    const text = keyText(key);
    return this.#head.has(text) ? this.#head.get(text) : this.get(key);
  }

  /** By namespace and name. All of a resource when no namespace is given. */
  list(resource: string, namespace = ''): readonly JsonObject[] {
    const all = this.#sorted.get(resource) ?? this.#sort(resource);
    return namespace === '' ? all : all.filter((object) => objectAt(object, 'metadata')['namespace'] === namespace);
  }

  resources(): readonly string[] {
    return [...this.#tables.keys()];
  }

  /** Resolves when it is on disk. `decide` sees the newest state, and must not wait for anything; what it throws changes nothing. */
  write(key: Key, decide: (current: JsonObject | undefined) => Outcome): Promise<JsonObject> {
    return new Promise((resolve, reject) => {
      const outcome = decide(this.newest(key));
      if (outcome.kind === 'keep') return resolve(outcome.object);
      const object = stamped(outcome.object, this.#headRevision + 1);
      if (outcome.kind === 'put' && textOf(object).length > maxObjectLength) throw new TooLarge();
      this.#headRevision += 1;
      this.#head.set(keyText(key), outcome.kind === 'put' ? object : undefined);
      this.#queue.push({ key, revision: this.#headRevision, kind: outcome.kind, object, resolve, reject });
      this.#writing ??= this.#writeAll();
    });
  }

  /** The changes after that revision, oldest first; undefined when they are not remembered any more. */
  since(revision: number): readonly Change[] | undefined {
    if (revision < this.#forgotten || revision > this.#revision) return undefined;
    const at = this.#history.findIndex((change) => change.revision > revision);
    return at < 0 ? [] : this.#history.slice(at);
  }

  /** Tells of what becomes so from now on. */
  subscribe(listener: (changes: readonly Change[]) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** All that waits is on disk. */
  async settled(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  async #writeAll(): Promise<void> {
    // What comes within one turn of the loop goes to disk together.
    await new Promise(setImmediate);
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
      await this.#writeBatch(batch);
    }
    this.#writing = undefined;
  }

  async #writeBatch(batch: readonly Pending[]): Promise<void> {
    try {
      const changes = batch.map(({ key, kind, object }) => ({ key, text: kind === 'put' ? textOf(object) : undefined }));
      await this.#disk.write(changes, batch.at(-1)?.revision ?? this.#revision);
    } catch (reason) {
      this.#giveUp([...batch, ...this.#queue], reason);
      return;
    }
    const changes = batch.map((one) => this.#settle(one));
    this.#remember(changes);
    for (const listener of this.#listeners) listener(changes);
    for (const { resolve, object } of batch) resolve(object);
  }

  /** What was decided upon what did not come to be did not come to be either. */
  #giveUp(batch: readonly Pending[], reason: unknown): void {
    this.#queue = [];
    this.#head.clear();
    for (const { reject } of batch) reject(reason);
  }

  #settle({ key, revision, kind, object }: Pending): Change {
    const text = keyText(key);
    const table = this.#table(key.resource);
    const before = table.get(text)?.object;
    if (kind === 'put') table.set(text, { key, object });
    else table.delete(text);
    if (this.#head.get(text) === (kind === 'put' ? object : undefined)) this.#head.delete(text);
    this.#sorted.delete(key.resource);
    this.#revision = revision;
    return { revision, key, kind: kind === 'delete' ? 'deleted' : before === undefined ? 'added' : 'modified', object, before };
  }

  #remember(changes: readonly Change[]): void {
    this.#history.push(...changes);
    const extra = this.#history.length - historyLength;
    // Not for each change anew: taking from the front moves all the rest.
    if (extra < historyLength / 10) return;
    this.#forgotten = this.#history[extra - 1]?.revision ?? this.#forgotten;
    this.#history = this.#history.slice(extra);
  }

  #table(resource: string) {
    const table = this.#tables.get(resource) ?? new Map<string, { readonly key: Key; readonly object: JsonObject }>();
    this.#tables.set(resource, table);
    return table;
  }

  #sort(resource: string): readonly JsonObject[] {
    const entries = [...(this.#tables.get(resource) ?? [])].sort(([one], [other]) => (one < other ? -1 : 1));
    const sorted = entries.map(([, { object }]) => object);
    this.#sorted.set(resource, sorted);
    return sorted;
  }
}

function stamped(object: JsonObject, revision: number): JsonObject {
  return { ...object, metadata: { ...objectAt(object, 'metadata'), resourceVersion: `${revision}` } };
}
