import t from 'tap';
import { SharedWatches } from '#controllers/agent/shared-watches.js';
import { until } from './until.js';
import { useWorld } from './world.js';

const world = await useWorld(t);
const pool = (name: string) => ({ kind: 'StoragePool', metadata: { name }, spec: { directory: { path: `/p/${name}` } } });

await t.test('hosts of one agent share what they refer to alike, until the last has ended', async (t) => {
  const shared = new SharedWatches({ client: world.client, onTrouble: (message, error) => t.fail(`${message}: ${error}`) });
  const [one, other, third] = [new AbortController(), new AbortController(), new AbortController()];
  const first = shared.for(one.signal);
  t.equal(shared.for(other.signal), first);
  await first.pools.reflector.synced;
  one.abort();
  await world.apply(pool('a'));
  await until(async () => first.pools.store.get('a') !== undefined);
  other.abort();
  await first.pools.reflector.ended;
  const next = shared.for(third.signal);
  t.not(next, first);
  await next.pools.reflector.synced;
  t.ok(next.pools.store.get('a'));
  third.abort();
});

await t.test('who asks after a renewal is told nothing of before', async (t) => {
  const shared = new SharedWatches({ client: world.client, onTrouble: (message, error) => t.fail(`${message}: ${error}`) });
  const [one, other] = [new AbortController(), new AbortController()];
  const before = shared.for(one.signal);
  await before.namespaces.reflector.synced;
  shared.renew();
  const after = shared.for(other.signal);
  t.not(after, before);
  t.equal(after.namespaces.reflector.hasSynced, false);
  await after.namespaces.reflector.synced;
  t.equal(one.signal.aborted || before.namespaces.store.size === 0, false, 'those of before go on with what they have');
  one.abort();
  await before.namespaces.reflector.ended;
  t.equal(shared.for(other.signal), after, 'and their end is not the end of the new ones');
  other.abort();
});
