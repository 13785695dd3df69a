import t from 'tap';
import type { HypervisorStatus } from '#crds/types.js';
import { DriverError } from '#drivers/error.js';
import { systemClock } from '#drivers/fake/clock.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { skipWhereMissing } from '#test/peers/build.js';
import { buildJudge } from '#test/peers/judge.js';
import { resources } from './kinds.js';
import { misjudged, verdictsOn } from './misjudged.js';
import { Recorder } from './recorder.js';
import { until } from './until.js';
import { condition, useWorld } from './world.js';

const judge = await buildJudge().catch((reason) => skipWhereMissing(t, reason));
const world = await useWorld(t);
const exports = new Map();
const hosts = { one: new FakeHost({ clock: systemClock, exports }), two: new FakeHost({ clock: systemClock, exports }) };
type Name = keyof typeof hosts;
/** Whom nobody reaches. */
const off = new Set<string>();
const connect = async ({ uri }: { readonly uri: string }) => {
  const name = uri.slice('test:///'.length) as Name;
  if (off.has(name)) throw new DriverError('Unavailable', `no route to ${name}`);
  return fakeDriver(hosts[name]);
};
const lease = { durationMs: 2_000, periodMs: 300 };
const start = (name: Name) => world.start({ connect, hypervisors: [name], only: 'agent', identity: `agent-${name}`, lease });
const isReady = (seen: Parameters<typeof condition>[0]) => condition(seen, 'Ready')?.status === 'True';
const isConnected = (seen: Parameters<typeof condition>[0]) => condition(seen, 'Connected')?.status === 'True';
const isSilent = (seen: Parameters<typeof condition>[0]) => condition(seen, 'Ready')?.reason === 'AgentSilent';
const annotate = (name: Name, word: string) =>
  world.kubectl('annotate', 'hypervisor', name, word === '' ? 'virtwright.io/out-of-service-' : `virtwright.io/out-of-service=${word}`);
const running = (host: Name) =>
  [...hosts[host].machines.values()]
    .filter(({ isOff }) => !isOff)
    .map(({ nativeName }) => nativeName)
    .sort();

const metadata = (name: string) => ({ name, namespace: 'default' });
const volume = (name: string, pool: string, spec: object = {}) => ({
  kind: 'StorageVolume',
  metadata: metadata(name),
  spec: { poolRef: { name: pool }, size: '1Gi', reclaimPolicy: 'Delete', ...spec },
});
const machine = (name: string, disk: string, spec: object = {}) => ({
  kind: 'VirtualMachine',
  metadata: metadata(name),
  spec: { memory: { size: '64Mi' }, stop: { mode: 'Hard' }, disks: [{ name: 'root', volumeRef: { name: disk } }], ...spec },
});
const on = (host: Name) => ({ placement: { hypervisorRef: { name: host } } });

await world.apply(
  {
    kind: 'Hypervisor',
    metadata: { name: 'one', labels: { at: 'first' } },
    spec: { uri: 'test:///one', grants: [{ name: 'theirs', namespaces: { from: 'All' }, machines: ['*'] }] },
  },
  { kind: 'StoragePool', metadata: { name: 'shared' }, spec: { span: 'Shared', nfs: { server: 'filer', export: '/srv/vm' } } },
  { kind: 'StoragePool', metadata: { name: 'local' }, spec: { directory: { path: '/local' } } },
);

await t.test('what a dead host had runs elsewhere once somebody vouches for its death, and never twice', async (t) => {
  await using controller = await world.start({ connect, hypervisors: [], only: 'controller' });
  await using recorder = await Recorder.start(world.client, Object.values(resources));
  const first = await start('one');
  await world.until('StoragePool', 'local', ({ status }) => status?.hosts?.ready === 1);
  await world.apply(
    volume('root', 'shared'),
    volume('spare', 'shared'),
    volume('disk', 'local'),
    volume('gone', 'local'),
    volume('kept', 'local', { reclaimPolicy: 'Retain' }),
    machine('web', 'root'),
    machine('rooted', 'disk'),
    machine('doomed', 'gone'),
    machine('given', 'none', { disks: [] }),
    { kind: 'VirtualNetwork', metadata: metadata('lan'), spec: { forward: { mode: 'None' } } },
  );
  for (const name of ['web', 'rooted', 'doomed', 'given']) await world.until('VirtualMachine', name, isReady);
  for (const name of ['kept', 'spare']) await world.until('StorageVolume', name, isReady);
  await world.apply({ kind: 'Hypervisor', metadata: { name: 'two' }, spec: { uri: 'test:///two' } });
  await using _second = await start('two');
  await world.until('StoragePool', 'shared', ({ status }) => status?.hosts?.ready === 2);
  await world.until('VirtualNetwork', 'lan', ({ status }) => status?.hosts?.ready === 2);

  await first.stop();
  for (const name of ['web', 'rooted', 'doomed'])
    t.match((await world.until('VirtualMachine', name, isSilent)).status, { hypervisor: 'one', power: { state: 'Unknown' } });
  await world.delete('VirtualMachine', 'doomed');
  await world.kubectl('annotate', 'virtualmachine', 'given', 'virtwright.io/release=true');
  await world.delete('VirtualMachine', 'given');
  await world.apply({ kind: 'VirtualMachineAction', metadata: metadata('again'), spec: { machineRef: { name: 'web' }, verb: 'Restart' } });
  await world.until('VirtualMachineAction', 'again', ({ status }) => status?.hypervisor === 'one');
  for (const name of ['gone', 'kept']) await world.delete('StorageVolume', name);
  await world.delete('VirtualNetwork', 'lan');
  const waits = (seen: Parameters<typeof condition>[0]) => condition(seen, 'Ready')?.message.includes('=Fenced') === true;
  const waiting = await world.until('VirtualMachine', 'doomed', waits);
  t.match(
    condition(waiting, 'Ready')?.message,
    /its deletion waits for one: .*kubectl annotate hypervisor one virtwright.io\/out-of-service=Fenced/,
  );
  await world.until('StorageVolume', 'kept', waits);
  await world.until('VirtualNetworkInstance', 'lan.one', waits);
  t.match(condition((await world.get('VirtualNetwork', 'lan')) ?? {}, 'Ready')?.message, 'waiting for one to let go of it');

  await annotate('one', 'true');
  const asked = await world.until('Hypervisor', 'one', (seen) => condition(seen, 'OutOfService') !== undefined);
  t.match(condition(asked, 'OutOfService'), { status: 'False', reason: 'NotVouchedFor', message: /"true" given, accepted is Fenced/ });
  t.equal((await world.get('VirtualMachine', 'web'))?.status?.hypervisor, 'one', 'no move without the word');
  t.ok(await world.get('VirtualMachine', 'doomed'));

  await world.kubectl('annotate', '--overwrite', 'hypervisor', 'one', 'virtwright.io/out-of-service=Fenced');
  const moved = await world.until('VirtualMachine', 'web', (seen) => isReady(seen) && seen.status?.hypervisor === 'two');
  t.match(moved.status, { run: { bootId: '2' } });
  t.match((await world.until('StorageVolume', 'root', isReady)).status, {
    hypervisor: 'two',
    pool: 'shared.two',
    claim: { machine: 'web' },
  });
  await world.until('StorageVolume', 'spare', (seen) => isReady(seen) && seen.status?.hypervisor === 'two');
  const action = await world.until('VirtualMachineAction', 'again', ({ status }) => status?.outcome !== undefined);
  t.match(action.status, { outcome: 'Failed', message: /its machine left one before anybody told that it was done/ });
  for (const name of ['doomed', 'given']) await world.untilGone('VirtualMachine', name);
  for (const name of ['gone', 'kept']) await world.untilGone('StorageVolume', name);
  await world.untilGone('VirtualNetwork', 'lan');
  const rooted = await world.until('VirtualMachine', 'rooted', (seen) => condition(seen, 'Ready')?.reason === 'OutOfService');
  t.equal(rooted.status?.hypervisor, 'one');
  t.match(condition(rooted, 'Ready'), {
    status: 'Unknown',
    message: /one is out of service: no other host takes it: .*volume "disk" is on one/,
  });
  const left = (await world.get('Hypervisor', 'one'))?.status?.orphans;
  t.same(left?.objects?.map(({ kind, name }) => `${kind} ${name}`).sort(), [
    'StorageVolume gone',
    'VirtualMachine doomed',
    'VirtualMachine web',
    'VirtualNetworkInstance lan.one',
  ]);
  t.equal(left?.count, 4);

  // Nobody had fenced it after all: its machines run on, though its pools are off.
  for (const pool of hosts.one.pools.values()) pool.active = false;
  t.same(running('one'), ['default.doomed', 'default.given', 'default.rooted', 'default.web']);
  hosts.one.calls.length = 0;
  // One of them hangs, and cannot be read: that it went on elsewhere does not make it gone here.
  const { uid } = moved.metadata;
  hosts.one.guest(uid, { unreadable: new DriverError('TimedOut', 'no answer') });
  const again = await start('one');
  const isSwept = ({ status }: { readonly status?: HypervisorStatus }) =>
    status?.orphans?.objects?.every(({ kind }) => kind !== 'VirtualNetworkInstance') === true;
  const swept = await world.until('Hypervisor', 'one', isSwept);
  t.ok(swept.status?.orphans?.objects?.some((one) => one.uid === uid));
  t.same(running('one'), ['default.given', 'default.rooted', 'default.web']);
  hosts.one.guest(uid, {});
  await world.until('Hypervisor', 'one', (seen) => isConnected(seen) && seen.status?.orphans === undefined);
  t.same(running('one'), ['default.given', 'default.rooted'], 'what was given back runs on');
  t.same(hosts.one.acts.filter((act) => /^(machines|power)\./.test(act)).sort(), [
    'machines.undefine default.doomed',
    'machines.undefine default.web',
    'power.cut default.doomed',
    'power.cut default.web',
  ]);
  t.match(hosts.one.acts[0], /^power.cut/, 'before all else');
  t.equal(hosts.one.networks.size, 0);
  const files = [...(hosts.one.pools.values() ?? [])].flatMap((pool) => [...pool.directory.keys()]);
  t.notOk(files.some((name) => name.startsWith('default.gone')));
  t.ok(
    files.some((name) => name.startsWith('default.kept')),
    'what is retained stays',
  );

  const back = await world.until('Hypervisor', 'one', (seen) => condition(seen, 'OutOfService')?.reason === 'StillReached');
  t.match(condition(back, 'Ready'), { status: 'False', reason: 'OutOfService', message: /until the annotation .* is taken away/ });
  await world.apply(volume('new', 'local'), machine('late', 'new', on('one')));
  const late = await world.until('VirtualMachine', 'late', ({ status }) => status?.placement !== undefined);
  t.match(late.status?.placement?.rejected, [{ hypervisor: 'one', reason: 'OutOfService' }]);
  await annotate('one', '');
  for (const name of ['rooted', 'late'])
    await world.until('VirtualMachine', name, (seen) => isReady(seen) && seen.status?.hypervisor === 'one');
  await world.until('Hypervisor', 'one', (seen) => isReady(seen) && condition(seen, 'OutOfService') === undefined);
  t.equal((await world.get('VirtualMachine', 'web'))?.status?.hypervisor, 'two', 'and stays where it is');
  await again.stop();
  t.same(
    controller.troubles.filter((trouble) => !/Conflict/.test(trouble)),
    [],
  );
  t.same(await misjudged(judge, recorder.states), [], 'tools that wait were right about each state');
  t.match(await verdictsOn(judge, recorder.states), {
    'Hypervisor AgentSilent': ['InProgress'],
    'Hypervisor OutOfService': ['Failed'],
    'VirtualMachine AgentSilent': ['InProgress'],
    'VirtualMachine OutOfService': ['InProgress'],
    'VirtualMachineAction Failed': ['Failed'],
  });
});

await t.test('an agent that lives keeps its hands off before anything is let go, and nothing is while it reaches the host', async (t) => {
  await using _controller = await world.start({ connect, hypervisors: [], only: 'controller' });
  await using _first = await start('one');
  await using _second = await start('two');
  await world.apply(
    volume('far', 'shared'),
    machine('api', 'far', { placement: { hypervisorSelector: { matchLabels: { at: 'first' } } } }),
  );
  await world.until('VirtualMachine', 'api', (seen) => isReady(seen) && seen.status?.hypervisor === 'one');
  await world.kubectl('label', 'hypervisor', 'two', 'at=first');
  await annotate('one', 'Fenced');
  await world.until('Hypervisor', 'one', (seen) => condition(seen, 'OutOfService')?.reason === 'StillReached');
  await world.until('VirtualMachine', 'api', (seen) => condition(seen, 'Ready')?.reason === 'OutOfService');
  t.equal((await world.get('VirtualMachine', 'api'))?.status?.hypervisor, 'one');
  t.same(running('one').includes('default.api'), true, 'what runs is left alone');

  off.add('one');
  hosts.one.disconnect();
  for (const one of hosts.one.machines.values()) one.power = { state: 'Off', reason: 'Unknown' };
  const api = await world.until('VirtualMachine', 'api', (seen) => isReady(seen) && seen.status?.hypervisor === 'two');
  t.match(api.status, { run: { bootId: '2' } });
  hosts.one.calls.length = 0;
  off.delete('one');
  await world.until('Hypervisor', 'one', (seen) => isConnected(seen) && seen.status?.orphans === undefined);
  await annotate('one', '');
  await world.until('VirtualMachine', 'rooted', isReady);
  t.same(
    hosts.one.acts.filter((act) => /api$/.test(act)),
    ['machines.undefine default.api'],
  );
  t.same(running('two'), ['default.api', 'default.web']);
  await until(async () => running('one').join() === 'default.late,default.rooted');
});
