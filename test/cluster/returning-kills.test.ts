import t from 'tap';
import { runAgent } from '#controllers/agent/agent.js';
import { systemClock } from '#drivers/fake/clock.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { type Common, type Fate, mortalHost, runUntilDead } from './mortal.js';
import { condition, useWorld } from './world.js';

// The agent of a host that was out of service dies at each of its calls, on the host and to the API server, and the next one goes on.

const world = await useWorld(t);
t.setTimeout(10 * 60_000);
const exports = new Map();
const hosts = { one: new FakeHost({ clock: systemClock, exports }), two: new FakeHost({ clock: systemClock, exports }) };
const connect = async ({ uri }: { readonly uri: string }) => fakeDriver(uri === 'test:///one' ? hosts.one : hosts.two);
const lease = { durationMs: 1_500, periodMs: 300 };
const agent = (name: string) => world.start({ connect, hypervisors: [name], only: 'agent', identity: `agent-${name}`, lease });
type Seen = Parameters<typeof condition>[0];
const isReady = (seen: Seen) => condition(seen, 'Ready')?.status === 'True';
const metadata = (name: string) => ({ name, namespace: 'default' });
const on = (host: keyof typeof hosts, name: string) =>
  [...hosts[host].machines.values()].some(({ isOff, nativeName }) => !isOff && nativeName === `default.${name}`);

const disks: Readonly<Record<string, string>> = { moved: 'shared', doomed: 'local', kept: 'local' };
const volumes = Object.entries(disks).map(([name, pool]) => ({
  kind: 'StorageVolume',
  metadata: metadata(name),
  spec: { poolRef: { name: pool }, size: '1Mi', reclaimPolicy: 'Delete' },
}));
const machines = Object.keys(disks).map((name) => ({
  kind: 'VirtualMachine',
  metadata: metadata(name),
  spec: { memory: { size: '64Mi' }, stop: { mode: 'Hard' }, disks: [{ name: 'root', volumeRef: { name } }] },
}));

await world.apply(
  { kind: 'Hypervisor', metadata: { name: 'one' }, spec: { uri: 'test:///one' } },
  { kind: 'Hypervisor', metadata: { name: 'two' }, spec: { uri: 'test:///two', maintenance: 'Cordon' } },
  { kind: 'StoragePool', metadata: { name: 'shared' }, spec: { span: 'Shared', nfs: { server: 'filer', export: '/srv/vm' } } },
  { kind: 'StoragePool', metadata: { name: 'local' }, spec: { directory: { path: '/local' } } },
  { kind: 'VirtualNetwork', metadata: metadata('lan'), spec: { forward: { mode: 'None' } } },
);

/**
 * An agent of the host after another, each for one call, until there is nothing left to do. How many died. Whoever only told how it stands, as
 * each does at first, gets no further: the next one has a call more.
 */
async function lives(isDone: () => Promise<boolean>, look: () => void): Promise<number> {
  const run = (common: Common, signal: AbortSignal, fate: Fate) => {
    const way = async (target: { readonly uri: string }) => mortalHost(await connect(target), fate);
    return runAgent({ ...common, connect: way, hypervisors: ['one'], cluster: 'test', lease }, signal);
  };
  let write = 1;
  for (let died = 0; died < 60; died++) {
    const before = hosts.one.acts.length;
    if (!(await runUntilDead(world, run, { when: 'after', write }, isDone))) return died;
    write = hosts.one.acts.length > before ? 1 : write + 1;
    look();
  }
  throw new Error('whoever follows gets no further');
}

await t.test('whatever is the last call of an agent, what was let go is cut off, forgotten and never begun again', async (t) => {
  await using _controller = await world.start({ connect, hypervisors: [], only: 'controller' });
  await using _two = await agent('two');
  const first = await agent('one');
  await world.until('StoragePool', 'shared', ({ status }) => status?.hosts?.ready === 2);
  await world.until('VirtualNetwork', 'lan', ({ status }) => status?.hosts?.ready === 2);
  await world.apply(...volumes, ...machines);
  for (const name of Object.keys(disks))
    await world.until('VirtualMachine', name, (seen) => isReady(seen) && seen.status?.hypervisor === 'one');
  await first.stop();
  await world.until('VirtualMachine', 'kept', (seen) => condition(seen, 'Ready')?.reason === 'AgentSilent');
  for (const kind of ['VirtualMachine', 'StorageVolume'] as const) await world.delete(kind, 'doomed');
  await world.delete('VirtualNetwork', 'lan');
  await world.kubectl('patch', 'hypervisor', 'two', '--type=merge', '-p', '{"spec":{"maintenance":"None"}}');
  await world.kubectl('annotate', 'hypervisor', 'one', 'virtwright.io/out-of-service=Fenced');
  await world.until('VirtualMachine', 'moved', (seen) => isReady(seen) && seen.status?.hypervisor === 'two');
  await world.untilGone('VirtualNetwork', 'lan');
  const { status } = await world.until('Hypervisor', 'one', ({ status: now }) => now?.orphans?.count === 4);
  t.same(status?.orphans?.objects?.map(({ kind, name }) => `${kind} ${name}`).sort(), [
    'StorageVolume doomed',
    'VirtualMachine doomed',
    'VirtualMachine moved',
    'VirtualNetworkInstance lan.one',
  ]);

  // Two were fenced as somebody said, and two were not.
  for (const machine of hosts.one.machines.values())
    if (machine.nativeName === 'default.kept') machine.power = { state: 'Off', reason: 'Unknown' };
  hosts.one.calls.length = 0;
  const isSwept = async () => {
    const now = await world.get('Hypervisor', 'one');
    return now !== undefined && condition(now, 'Connected')?.status === 'True' && now.status?.orphans === undefined;
  };
  const died = await lives(isSwept, () => {
    t.ok(on('two', 'moved'), 'it runs where it went');
    const sound = hosts.one.acts.findIndex((act) => !/^(power\.cut|machines\.undefine) default\.(moved|doomed)$/.test(act));
    const cut = hosts.one.acts.filter((act) => /^power\.cut/.test(act)).length;
    t.ok(sound === -1 || cut === 2, 'both are off before anything else is done');
  });
  t.ok(died > 6, `${died} died`);
  const acts = [...hosts.one.acts];
  t.same(
    new Set(acts.filter((act) => /^(power|machines)\./.test(act))),
    new Set(['moved', 'doomed'].flatMap((name) => [`power.cut default.${name}`, `machines.undefine default.${name}`])),
  );
  t.equal(new Set(acts).size, acts.length, `nothing was done twice: ${acts.join(', ')}`);
  t.same(
    [...hosts.one.machines.values()].map(({ nativeName }) => nativeName),
    ['default.kept'],
  );
  t.equal(hosts.one.networks.size, 0);
  t.same(
    [...hosts.one.directory('/local').keys()].filter((name) => name.startsWith('default.doomed')),
    [],
  );

  await world.kubectl('annotate', 'hypervisor', 'one', 'virtwright.io/out-of-service-');
  const isBack = async () => {
    const [host, kept] = [await world.get('Hypervisor', 'one'), await world.get('VirtualMachine', 'kept')];
    return host !== undefined && kept !== undefined && isReady(host) && isReady(kept);
  };
  const again = await lives(isBack, () => t.notOk(on('one', 'moved')));
  t.ok(again > 2, `${again} died`);
  t.equal(hosts.one.acts.filter((act) => act === 'power.start default.kept').length, 1, 'what stayed is started once');
  t.ok(on('two', 'moved'));
});
