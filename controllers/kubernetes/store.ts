import { compareVersions, type KubernetesObject, keyOf } from './resource.js';

export type Change<T> =
  | { readonly kind: 'added'; readonly key: string; readonly object: T }
  | { readonly kind: 'updated'; readonly key: string; readonly object: T; readonly previous: T }
  | { readonly kind: 'deleted'; readonly key: string; readonly previous: T };

/** The object as it is, or as it was before it went. */
export const latest = <T>(change: Change<T>): T => (change.kind === 'deleted' ? change.previous : change.object);

export type Indexes<T, I extends string = string> = Readonly<Record<I, (object: T) => readonly string[]>>;

/** What readers see: the last known objects, by `namespace/name` and by index. Never written to by readers. */
export interface ReadonlyStore<T, I extends string = string> {
  readonly size: number;
  get(key: string): T | undefined;
  list(): readonly T[];
  keys(): readonly string[];
  byIndex(index: I, value: string): readonly T[];
  /** Calls back after every change, in order; the store already shows it. The returned function ends it, and so does the signal. */
  subscribe(listener: (change: Change<T>) => void, signal?: AbortSignal): () => void;
}

export interface StoreOptions<T, I extends string> {
  readonly indexes?: Indexes<T, I>;
  /** A listener or an index function threw. The store goes on. */
  readonly onError?: (error: unknown) => void;
}

export interface Store<T, I extends string = string> extends ReadonlyStore<T, I> {
  /**
   * The same uid and resourceVersion is no change, nor is an older one: what we wrote ourselves is known before the watch has come so far.
   * Another uid is a deletion and an addition.
   */
  set(object: T): void;
  /** As `set`, and an older one is a change, too: for whoever copies a store that has judged it. */
  put(object: T): void;
  delete(key: string): void;
  /** Makes these all there is, older or not. */
  replace(objects: readonly T[]): void;
}

type Kept = Pick<KubernetesObject, 'metadata'>;

export function createStore<T extends Kept, I extends string = never>(options: StoreOptions<T, I> = {}): Store<T, I> {
  return new MemoryStore(options);
}

class MemoryStore<T extends Kept, I extends string> implements Store<T, I> {
  readonly #objects = new Map<string, T>();
  readonly #functions: readonly (readonly [string, (object: T) => readonly string[]])[];
  /** Index to value to keys. */
  readonly #indexes = new Map<string, Map<string, Set<string>>>();
  /** Key to its places in the indexes, as they were when it came in. */
  readonly #places = new Map<string, readonly (readonly [index: string, value: string])[]>();
  readonly #listeners = new Set<(change: Change<T>) => void>();
  readonly #onError: (error: unknown) => void;

  constructor({ indexes, onError = () => {} }: StoreOptions<T, I>) {
    this.#functions = Object.entries<(object: T) => readonly string[]>(indexes ?? {});
    for (const [index] of this.#functions) this.#indexes.set(index, new Map());
    this.#onError = onError;
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(): readonly T[] {
    return [...this.#objects.values()];
  }

  keys(): readonly string[] {
    return [...this.#objects.keys()];
  }

  byIndex(index: I, value: string): readonly T[] {
    const keys = this.#indexes.get(index)?.get(value) ?? [];
    return [...keys].map((key) => this.#objects.get(key)).filter((object) => object !== undefined);
  }

  subscribe(listener: (change: Change<T>) => void, signal?: AbortSignal): () => void {
    const own = (change: Change<T>): void => listener(change);
    const end = () => void this.#listeners.delete(own);
    if (signal?.aborted === true) return end;
    this.#listeners.add(own);
    signal?.addEventListener('abort', end, { once: true });
    return end;
  }

  set(object: T): void {
    const known = this.#objects.get(keyOf(object.metadata));
    if (known === undefined || !isOlder(object, known)) this.put(object);
  }

  put(object: T): void {
    const key = keyOf(object.metadata);
    const known = this.#objects.get(key);
    if (known?.metadata.uid === object.metadata.uid && known.metadata.resourceVersion === object.metadata.resourceVersion) return;
    if (known && known.metadata.uid !== object.metadata.uid) this.delete(key);
    const previous = this.#objects.get(key);
    this.#unindex(key);
    this.#objects.set(key, object);
    this.#index(key, object);
    this.#tell(previous ? { kind: 'updated', key, object, previous } : { kind: 'added', key, object });
  }

  delete(key: string): void {
    const previous = this.#objects.get(key);
    if (!previous) return;
    this.#unindex(key);
    this.#objects.delete(key);
    this.#tell({ kind: 'deleted', key, previous });
  }

  replace(objects: readonly T[]): void {
    const staying = new Set(objects.map((object) => keyOf(object.metadata)));
    for (const key of this.keys()) if (!staying.has(key)) this.delete(key);
    for (const object of objects) this.put(object);
  }

  #index(key: string, object: T): void {
    const places = this.#functions.flatMap(([index, valuesOf]) => this.#valuesOf(valuesOf, object).map((value) => [index, value] as const));
    this.#places.set(key, places);
    for (const [index, value] of places) {
      const values = this.#indexes.get(index);
      const keys = values?.get(value);
      if (keys) keys.add(key);
      else values?.set(value, new Set([key]));
    }
  }

  #valuesOf(valuesOf: (object: T) => readonly string[], object: T): readonly string[] {
    try {
      return valuesOf(object);
    } catch (error) {
      this.#onError(error);
      return [];
    }
  }

  #unindex(key: string): void {
    for (const [index, value] of this.#places.get(key) ?? []) {
      const keys = this.#indexes.get(index)?.get(value);
      keys?.delete(key);
      if (keys?.size === 0) this.#indexes.get(index)?.delete(value);
    }
    this.#places.delete(key);
  }

  #tell(change: Change<T>): void {
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (error) {
        this.#onError(error);
      }
    }
  }
}

const isOlder = ({ metadata: a }: Kept, { metadata: b }: Kept): boolean =>
  a.uid === b.uid && compareVersions(a.resourceVersion, b.resourceVersion) < 0;
