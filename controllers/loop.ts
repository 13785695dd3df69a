import { isDeepStrictEqual } from 'node:util';
import { ApiError, type Client } from './kubernetes/client.js';
import type { LoopObserver, Result } from './kubernetes/loop-metrics.js';
import { createQueue, type Queue } from './kubernetes/queue.js';
import type { KubernetesObject, Resource } from './kubernetes/resource.js';
import type { Store } from './kubernetes/store.js';
import type { Outcome } from './reconcile.js';

export interface Reconcilable {
  readonly metadata: KubernetesObject['metadata'];
  readonly status?: object;
}

export interface LoopOptions<R extends Reconcilable> {
  readonly store: Store<R>;
  readonly workers: number;
  readonly pass: (object: R, signal: AbortSignal) => Promise<Outcome>;
  readonly onOutcome?: (object: R, outcome: Outcome) => void;
  readonly onError?: (key: string, error: unknown) => void;
  readonly observer?: LoopObserver;
}

/** Somebody else wrote in between, which is no trouble: look at what they wrote. */
const asOutcome = (reason: unknown): 'overtaken' => {
  if (reason instanceof ApiError && reason.reason === 'Conflict') return 'overtaken';
  throw reason;
};

const results: Readonly<Record<Outcome['kind'] | 'overtaken', Result>> = {
  converged: 'success',
  progressing: 'requeue_after',
  waiting: 'requeue_after',
  stalled: 'stalled',
  overtaken: 'requeue',
  retry: 'error',
};

/** What stalls is looked at again after this long even if nothing was heard of it; spread, so that not all come at once. */
const stalledRecheckMs = 5 * 60_000;

/** Runs passes over the objects of one kind: on every change of the object, and when somebody says so. */
export function createLoop<R extends Reconcilable>({ store, workers, pass, onOutcome, onError, observer }: LoopOptions<R>): Queue {
  const process = async (key: string, signal: AbortSignal) => {
    const object = store.get(key);
    if (object === undefined) return queue.forget(key);
    const outcome = await timed(object, signal);
    // Their write comes through the watch at once; where it does not, as when who writes never ends, the wait grows.
    if (outcome === 'overtaken') return queue.addRateLimited(key);
    onOutcome?.(object, outcome);
    again(key, outcome);
  };
  const timed = async (object: R, signal: AbortSignal): Promise<Outcome | 'overtaken'> => {
    const began = performance.now();
    const reconciled = (result: Result) => observer?.reconciled(result, (performance.now() - began) / 1_000);
    try {
      const outcome = await pass(object, signal).catch(asOutcome);
      reconciled(results[outcome === 'overtaken' ? outcome : outcome.kind]);
      return outcome;
    } catch (reason) {
      if (!signal.aborted) reconciled('error');
      throw reason;
    }
  };
  const again = (key: string, outcome: Outcome) => {
    if (outcome.kind === 'retry') return queue.addRateLimited(key);
    queue.forget(key);
    if ('recheckMs' in outcome && outcome.recheckMs !== undefined) queue.addAfter(key, outcome.recheckMs);
    if (outcome.kind === 'stalled' || outcome.kind === 'waiting') queue.addAfter(key, stalledRecheckMs * (0.8 + 0.4 * Math.random()));
  };
  const queue = createQueue({
    workers,
    process,
    backoff: { firstMs: 50, maxMs: 60_000 },
    ...(onError ? { onError } : {}),
    ...(observer ? { observer } : {}),
  });
  store.subscribe(({ key }) => queue.add(key));
  return queue;
}

/**
 * Writes a status where it differs from what the object shows. What was written is put into the store at once, so that the next
 * pass builds on it and not on what a watch has yet to bring. A status is written whole, so it may only replace the one it was made
 * from: Conflict when somebody else, as a binder that claims a volume, wrote in between.
 */
export async function publishStatus<R extends Reconcilable>(
  { client, resource, store, decode }: { client: Client; resource: Resource; store: Store<R>; decode: (raw: KubernetesObject) => R },
  object: R,
  status: object,
  signal: AbortSignal,
): Promise<R> {
  if (isDeepStrictEqual(status, object.status ?? {})) return object;
  const { name, namespace, uid, resourceVersion } = object.metadata;
  const metadata = { name, uid, resourceVersion, ...(namespace === undefined ? {} : { namespace }) };
  try {
    const fresh = decode(await client.applyStatus(resource, { metadata, status }, { force: true }, signal));
    store.set(fresh);
    return fresh;
  } catch (reason) {
    if (reason instanceof ApiError && reason.reason === 'NotFound') return object;
    throw reason;
  }
}
