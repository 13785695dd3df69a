import t from 'tap';
import { DriverError } from '#drivers/error.js';
import { ApiError } from './kubernetes/client.js';
import { createStore } from './kubernetes/store.js';
import { createLoop, type Reconcilable } from './loop.js';
import type { Outcome } from './reconcile.js';

t.test('who is overtaken again and again waits longer each time, and starts anew once it was not', async (t) => {
  const store = createStore<Reconcilable>();
  const stop = new AbortController();
  const failures: number[] = [];
  await new Promise<void>((resolve, reject) => {
    const pass = async (): Promise<Outcome> => {
      failures.push(queue.failures('a'));
      if (failures.length < 4) throw new ApiError('overtaken', { reason: 'Conflict', status: 409 });
      return { kind: 'converged' };
    };
    const queue = createLoop({ store, workers: 1, pass, onOutcome: () => resolve(), onError: (_key, error) => reject(error) });
    queue.run(stop.signal);
    store.set({ metadata: { name: 'a', uid: 'u', resourceVersion: '1', creationTimestamp: '2030-01-01T00:00:00Z' } });
  });
  stop.abort();
  t.same(failures, [0, 1, 2, 3]);
});

t.test('how passes end is told, in the words of controller-runtime', async (t) => {
  const stop = new AbortController();
  const told: string[] = [];
  const quiet = { added: () => {}, retried: () => {}, depth: () => {}, waited: () => {}, processed: () => {} };
  const outcomes: readonly (() => Outcome)[] = [
    () => ({ kind: 'retry', error: new DriverError('Busy', 'later') }),
    () => ({ kind: 'progressing', recheckMs: 1, because: 'on its way' }),
    () => {
      throw new ApiError('overtaken', { reason: 'Conflict', status: 409 });
    },
    () => {
      throw new Error('nobody thought of this');
    },
    () => ({ kind: 'converged' }),
    () => ({ kind: 'stalled', because: 'it cannot be' }),
  ];
  const store = createStore<Reconcilable>();
  const loop = createLoop({
    store,
    workers: 1,
    pass: async () => {
      const outcome = outcomes[told.length];
      if (outcome === undefined) throw new Error('one pass too many');
      return outcome();
    },
    onError: () => {},
    observer: {
      ...quiet,
      reconciled(result) {
        told.push(result);
        if (result === 'success') setImmediate(() => loop.add('a'));
        if (result === 'stalled') stop.abort();
      },
    },
  });
  store.set({ metadata: { name: 'a', uid: 'u', resourceVersion: '1', creationTimestamp: '2030-01-01T00:00:00Z' } });
  await loop.run(stop.signal);
  t.same(told, ['error', 'requeue_after', 'requeue', 'error', 'success', 'stalled']);
});
