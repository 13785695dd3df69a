import t from 'tap';
import { Health } from './health.js';
import type { QueueObserver } from './kubernetes/queue.js';

const silent: QueueObserver = { added: () => {}, retried: () => {}, depth: () => {}, waited: () => {}, processed: () => {} };

t.test('ready is who has heard from the API server lately and has seen everything', async (t) => {
  let now = 0;
  const health = new Health(() => now);
  t.match(health.notReady(), /has not answered yet/);
  health.requested({ code: 0 });
  health.requested({ code: 503 });
  t.match(health.notReady(), /has not answered yet/);
  health.requested({ code: 404 });
  t.match(health.notReady(), /nothing is watched yet/);
  let synced = () => {};
  health.watching(new Promise<void>((resolve) => (synced = resolve)));
  health.watching(Promise.reject(new Error('given up')));
  t.match(health.notReady(), /watches/);
  synced();
  await new Promise(setImmediate);
  t.equal(health.notReady(), undefined);
  now = 26_000;
  t.match(health.notReady(), /not answered for 26 s/);
  health.requested({ code: 200 });
  t.equal(health.notReady(), undefined);
});

t.test('healthy is whose passes end, however long it has nothing to do', async (t) => {
  let now = 0;
  const health = new Health(() => now);
  const machines = health.following('machines', silent);
  const volumes = health.following('volumes', silent);
  const again = health.following('machines', silent);
  machines.waited(0);
  again.waited(0);
  volumes.waited(0);
  volumes.processed(1, 'error');
  now = 16 * 60_000;
  t.match(health.notHealthy(), /: machines$/);
  machines.processed(1, 'ok');
  t.equal(health.notHealthy(), undefined);
  again.processed(1, 'ok');
  now *= 2;
  t.equal(health.notHealthy(), undefined);
});
