import { decode } from '#crds/decode.js';
import type { Kinds } from '#crds/types.js';
import type { Client, Selection } from './kubernetes/client.js';
import { type Reflector, type Restart, startReflector } from './kubernetes/reflector.js';
import { type KubernetesObject, keyOf, type Resource } from './kubernetes/resource.js';
import { createStore, type Indexes, type Store } from './kubernetes/store.js';

/** One kind as the API server has it, kept in a store. */
export interface Watched<R, I extends string = never> {
  readonly resource: Resource;
  readonly store: Store<R, I>;
  readonly reflector: Reflector;
  readonly decode: (raw: KubernetesObject) => R;
}

export interface WatchOptions<R, I extends string> {
  readonly client: Client;
  readonly resource: Resource;
  readonly decode: (raw: KubernetesObject) => R;
  readonly selection?: Selection;
  readonly indexes?: Indexes<R, I>;
  readonly onTrouble?: (message: string, error: unknown) => void;
  /** For a counter. */
  readonly onRestart?: (restart: Restart) => void;
}

/** What watches have in common. */
export type Watching = Pick<WatchOptions<never, never>, 'client' | 'onTrouble' | 'onRestart'>;

export function watch<R extends Pick<KubernetesObject, 'metadata'>, I extends string = never>(
  options: WatchOptions<R, I>,
  signal: AbortSignal,
): Watched<R, I> {
  const { client, resource, selection, indexes, onTrouble } = options;
  const store = createStore<R, I>(indexes === undefined ? {} : { indexes });
  const onRestart = (restart: Restart) => {
    const { cause, error } = restart;
    options.onRestart?.(restart);
    if (cause === 'failed') onTrouble?.(`watching ${resource.plural}`, error);
  };
  const onUndecodable = (raw: KubernetesObject, error: unknown) => onTrouble?.(`reading ${resource.kind} ${raw.metadata.name}`, error);
  const reflector = startReflector(
    { client, resource, store, decode: options.decode, onRestart, onUndecodable, ...(selection === undefined ? {} : { selection }) },
    signal,
  );
  return { resource, store, reflector, decode: options.decode };
}

/**
 * Those of the objects that are meant, in a store of their own that follows the other until the signal. What is written to it goes by way of the other,
 * which alone knows what is older: a history that was restored brings older versions, and they count.
 */
export function narrowed<R extends Pick<KubernetesObject, 'metadata'>, I extends string = never>(
  all: Watched<R, string>,
  isMeant: (object: R) => boolean,
  indexes: Indexes<R, I> | Record<never, never>,
  signal: AbortSignal,
): Watched<R, I> {
  const own = createStore<R, I>({ indexes: indexes as Indexes<R, I> });
  const take = (object: R) => (isMeant(object) ? own.put(object) : own.delete(keyOf(object.metadata)));
  for (const object of all.store.list()) take(object);
  all.store.subscribe((change) => (change.kind === 'deleted' ? own.delete(change.key) : take(change.object)), signal);
  return { ...all, store: throughTo(all.store, own) };
}

/** Read here, written there. */
const throughTo = <R, I extends string>(all: Store<R, string>, own: Store<R, I>): Store<R, I> => ({
  get size() {
    return own.size;
  },
  get: (key) => own.get(key),
  list: () => own.list(),
  keys: () => own.keys(),
  byIndex: (index, value) => own.byIndex(index, value),
  subscribe: (listener, signal) => own.subscribe(listener, signal),
  set: (object) => all.set(object),
  put: (object) => all.put(object),
  delete: (key) => all.delete(key),
  replace: () => {
    throw new TypeError('only the whole is replaced');
  },
});

/** The decoder of one of our own kinds. */
export const decoderOf =
  <K extends keyof Kinds>(kind: K) =>
  (raw: KubernetesObject): Kinds[K] =>
    decode(kind, raw);
