import t from 'tap';
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
