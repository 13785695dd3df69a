import type { KubernetesObject } from './resource.js';

export type Change<T> =
  | { readonly kind: 'added'; readonly key: string; readonly object: T }
  | { readonly kind: 'updated'; readonly key: string; readonly object: T; readonly previous: T }
  | { readonly kind: 'deleted'; readonly key: string; readonly previous: T };

export type Indexes<T, I extends string = string> = Readonly<Record<I, (object: T) => readonly string[]>>;

/** What readers see: the last known objects, by `namespace/name` and by index. Never written to by readers. */
export interface ReadonlyStore<T, I extends string = string> {
  readonly size: number;
  get(key: string): T | undefined;
  list(): readonly T[];
  keys(): readonly string[];
  byIndex(index: I, value: string): readonly T[];
  /** Calls back after every change, in order; the store already shows it. The returned function ends it. */
  subscribe(listener: (change: Change<T>) => void): () => void;
}

export interface StoreOptions<T, I extends string> {
  readonly indexes?: Indexes<T, I>;
  /** A listener or an index function threw. The store goes on. */
  readonly onError?: (error: unknown) => void;
}

export interface Store<T, I extends string = string> extends ReadonlyStore<T, I> {
  /** The same uid and resourceVersion is no change; another uid is a deletion and an addition. */
  set(object: T): void;
  delete(key: string): void;
  /** Makes these all there is. */
  replace(objects: readonly T[]): void;
}

export function createStore<T extends Pick<KubernetesObject, 'metadata'>, I extends string = never>(
  options: StoreOptions<T, I> = {},
): Store<T, I> {
  throw new Error(`${options}`);
}
