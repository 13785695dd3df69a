import t from 'tap';
import { SharedWatches } from '#controllers/agent/shared-watches.js';
import { watchHost } from '#controllers/agent/watches.js';
import type { RequestReport } from '#controllers/kubernetes/client.js';
import { createClient, loadKubeConfig } from '#controllers/kubernetes/client.js';
import { until } from './until.js';
import { useWorld } from './world.js';

const world = await useWorld(t);
const pool = (name: string) => ({ kind: 'StoragePool', metadata: { name }, spec: { directory: { path: `/p/${name}` } } });

await t.test('hosts of one agent share what they refer to alike, until the last has ended', async (t) => {
  const shared = new SharedWatches({ client: world.client, onTrouble: (message, error) => t.fail(`${message}: ${error}`) }, 1);
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
  const shared = new SharedWatches({ client: world.client, onTrouble: (message, error) => t.fail(`${message}: ${error}`) }, 1);
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

await t.test('each of many hosts has what is its own, and costs three watches', async (t) => {
  const names = Array.from({ length: 20 }, (_, at) => `h${at}`);
  const watches = new Map<string, number>();
  const onRequest = ({ verb, resource }: RequestReport) => {
    if (verb === 'watch') watches.set(resource, (watches.get(resource) ?? 0) + 1);
  };
  await using client = createClient(await loadKubeConfig(world.cluster.kubeconfigPath), { onRequest });
  const common = { client, onTrouble: (message: string, error: unknown) => t.fail(`${message}: ${error}`) };
  const stop = new AbortController();
  const hypervisor = (name: string, spec: object = {}) => ({
    kind: 'Hypervisor',
    metadata: { name },
    spec: { uri: `fake:///${name}`, ...spec },
  });
  const instance = (name: string) => ({
    kind: 'StoragePoolInstance',
    metadata: { name: `a.${name}` },
    spec: { poolRef: { name: 'a' }, hypervisor: name },
  });
  await world.apply(...names.map((name) => hypervisor(name)), instance('h1'));
  const shared = new SharedWatches(common, names.length);
  const hosts = names.map((name) => watchHost(name, common, shared, stop.signal));
  await Promise.all(hosts.flatMap((host) => Object.values(host).map(({ reflector }) => reflector.synced)));
  t.same(
    hosts.map(({ hypervisors }) => hypervisors.store.keys()),
    names.map((name) => [name]),
  );
  const [, second] = hosts;
  t.same(
    hosts.map(({ instances }) => instances.store.size),
    names.map((name) => (name === 'h1' ? 1 : 0)),
  );
  t.equal(second?.instances.store.byIndex('pool', 'a').length, 1);

  const told: string[] = [];
  for (const { hypervisors } of hosts) hypervisors.store.subscribe(({ kind, key }) => told.push(`${kind} ${key}`));
  await world.apply(hypervisor('h2', { maintenance: 'Cordon' }), hypervisor('h3', { maintenance: 'Cordon' }), hypervisor('foreign'));
  await until(() => told.length === 2);
  t.same([...told].sort(), ['updated h2', 'updated h3'], 'each hears of its own alone');
  await world.apply({
    kind: 'VirtualMachineAction',
    metadata: { name: 'a', namespace: 'default' },
    spec: { machineRef: { name: 'a' }, verb: 'Pause' },
  });
  const bind = (status: object) =>
    world.kubectl('patch', 'virtualmachineaction', 'a', '--subresource=status', '--type=merge', '-p', JSON.stringify({ status }));
  await bind({ hypervisor: 'h4' });
  await until(() => hosts[4]?.actions.store.get('default/a') !== undefined);
  await bind({ hypervisor: null });
  await until(() => hosts[4]?.actions.store.size === 0);
  await world.delete('StoragePoolInstance', 'a.h1');
  await until(() => second?.instances.store.size === 0);
  stop.abort();
  await Promise.all(hosts.flatMap((host) => Object.values(host).map(({ reflector }) => reflector.ended)));
  for (const kind of ['hypervisors', 'virtualmachines', 'storagevolumes']) t.equal(watches.get(kind), names.length, kind);
  for (const kind of ['virtualmachineactions', 'sessions', 'storagepoolinstances', 'virtualnetworkinstances'])
    t.equal(watches.get(kind), 1, kind);
});
