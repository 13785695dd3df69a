import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { Behind } from '#drivers/fake/behind.js';
import { systemClock } from '#drivers/fake/clock.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { skipWhereMissing } from '#test/peers/build.js';
import { buildJudge } from '#test/peers/judge.js';
import { resources } from './kinds.js';
import { misjudged, verdictsOn } from './misjudged.js';
import { Recorder } from './recorder.js';
import { condition, useWorld } from './world.js';

const judge = await buildJudge().catch((reason) => skipWhereMissing(t, reason));
const world = await useWorld(t);
const exports = new Map();
const hosts = {
  one: new FakeHost({ clock: systemClock, exports }),
  two: new FakeHost({ clock: systemClock, exports }),
};
type Name = keyof typeof hosts;
const connect = async ({ uri }: { readonly uri: string }) => fakeDriver(hosts[uri.replace('fake:///', '') as Name]);
const start = (only?: 'controller' | 'agent') =>
  world.start({ connect, hypervisors: ['one', 'two'], pace: { glanceMs: 500 }, ...(only === undefined ? {} : { only }) });

/** Machines that were made on one host while the other had them still. */
const twice: string[] = [];
const watchOver = (host: FakeHost<typeof systemClock>, other: FakeHost<typeof systemClock>) => {
  const push = host.calls.push.bind(host.calls);
  host.calls.push = (...calls) => {
    for (const call of calls) {
      const [verb, name] = call.split(' ');
      const isThere = [...other.machines.values()].some(({ nativeName }) => nativeName === name);
      if ((verb === 'machines.define' || verb === 'power.start') && isThere) twice.push(call);
    }
    return push(...calls);
  };
};
watchOver(hosts.one, hosts.two);
watchOver(hosts.two, hosts.one);

const metadata = (name: string) => ({ name, namespace: 'default' });
const hypervisor = (name: Name, maintenance = 'None') => ({
  kind: 'Hypervisor',
  metadata: { name },
  spec: { uri: `fake:///${name}`, maintenance, defaultPoolRef: { name: 'shared' }, systemPoolRef: { name: 'local' } },
});
const volume = (name: string, pool = 'shared') => ({
  kind: 'StorageVolume',
  metadata: metadata(name),
  spec: { poolRef: { name: pool }, size: '1Gi', reclaimPolicy: 'Delete' },
});
const machine = (name: string, spec: object = {}) => ({
  kind: 'VirtualMachine',
  metadata: metadata(name),
  spec: { memory: { size: '64Mi' }, stop: { mode: 'Hard' }, firmware: { type: 'BIOS' }, ...spec },
});
const disk = (name: string) => ({ disks: [{ name: 'root', volumeRef: { name } }] });
const isReady = (seen: Parameters<typeof condition>[0]) => condition(seen, 'Ready')?.status === 'True';
const untilOn = (name: string, host: Name) =>
  world.until('VirtualMachine', name, (seen) => isReady(seen) && seen.status?.hypervisor === host && seen.status.evacuation === undefined);
const has = (host: Name, name: string) => [...hosts[host].machines.values()].find(({ nativeName }) => nativeName === `default.${name}`);
const action = (name: string, verb: string) => ({
  kind: 'VirtualMachineAction',
  metadata: metadata(`${name}-${verb.toLowerCase()}`),
  spec: { machineRef: { name }, verb },
});
const removeAll = async (...names: readonly string[]) => {
  for (const name of names) await world.delete('VirtualMachine', name);
  for (const name of names) await world.untilGone('VirtualMachine', name);
};

await world.apply(
  { kind: 'StoragePool', metadata: { name: 'shared' }, spec: { span: 'Shared', nfs: { server: 'filer', export: '/srv/vm' } } },
  { kind: 'StoragePool', metadata: { name: 'local' }, spec: { directory: { path: '/pools/local' } } },
);

await t.test('an evacuated host gives away what can go, and says why the rest stays', async (t) => {
  await using operator = await start();
  await using recorder = await Recorder.start(world.client, Object.values(resources));
  await world.apply(hypervisor('one'), hypervisor('two', 'Cordon'), volume('web'), volume('kept', 'local'), volume('idle'));
  await world.until('StorageVolume', 'idle', isReady);
  await world.apply(
    machine('web', { ...disk('web'), cloudInit: { userData: '#cloud-config' } }),
    machine('manual', { runStrategy: 'Manual' }),
    machine('halted', { runStrategy: 'Halted' }),
    machine('kept', disk('kept')),
    machine('trusted', { firmware: { type: 'UEFI' } }),
    machine('pinned', { placement: { hypervisorRef: { name: 'one' } } }),
    machine('once', { runStrategy: 'Once' }),
  );
  const all = ['web', 'manual', 'halted', 'kept', 'trusted', 'pinned', 'once'];
  for (const name of all) await untilOn(name, 'one');
  await world.apply(action('manual', 'Start'));
  await world.until('VirtualMachineAction', 'manual-start', ({ status }) => status?.outcome === 'Succeeded');
  const before = await untilOn('web', 'one');

  await world.apply(hypervisor('one', 'Evacuate'));
  const told = await world.until('VirtualMachine', 'web', ({ status }) => status?.evacuation?.reason !== undefined);
  t.match(told.status?.evacuation, { from: 'one', reason: 'Maintenance', message: /^two: it takes no new machines/ });
  await world.apply(hypervisor('two'));
  const web = await untilOn('web', 'two');
  t.match(web.status, { uuid: before.status?.uuid, power: { state: 'Running' }, run: { bootId: '2', lastStop: { cause: 'Requested' } } });
  t.equal((await untilOn('manual', 'two')).status?.power?.state, 'Running', 'it was on, so it is on again');
  t.equal((await untilOn('halted', 'two')).status?.power?.state, 'Stopped');
  t.match((await world.get('StorageVolume', 'web'))?.status, { hypervisor: 'two', pool: 'shared.two', claim: { machine: 'web' } });
  t.same([...hosts.one.machines.values()].map(({ nativeName }) => nativeName).sort(), [
    'default.kept',
    'default.once',
    'default.pinned',
    'default.trusted',
  ]);

  await world.until('StorageVolume', 'idle', (seen) => isReady(seen) && seen.status?.hypervisor === 'two');
  const one = await world.until(
    'Hypervisor',
    'one',
    ({ status }) => status?.maintenance?.machines === 4 && status.maintenance.staying === 3,
  );
  t.match(one.status?.maintenance, {
    leaving: 1,
    reasons: [
      { namespace: 'default', name: 'kept', reason: 'Volume', message: 'two: volume "kept" is on one' },
      { namespace: 'default', name: 'pinned', reason: 'Pinned', message: /hypervisorRef names one/ },
      {
        namespace: 'default',
        name: 'trusted',
        reason: 'FirmwareState',
        message: /^spec.firmware.type: UEFI given, and its variables stay on one/,
      },
    ],
  });
  t.match(
    await world.kubectl('get', 'hypervisor', 'one', '-o', 'wide'),
    /MAINTENANCE +REMAINING .* STAYING .*\none .* Evacuate +4 +\S+ +3 /,
  );
  const kept = await world.until('VirtualMachine', 'kept', (seen) => condition(seen, 'Evacuating') !== undefined);
  t.match(condition(kept, 'Evacuating'), { status: 'False', reason: 'Volume', message: 'two: volume "kept" is on one' });
  t.equal(condition(kept, 'Ready')?.status, 'True', 'it runs on');
  const once = await world.until('VirtualMachine', 'once', (seen) => condition(seen, 'Evacuating')?.status === 'True');
  t.equal(has('one', 'once')?.power.state, 'On', 'it is not stopped, for it would not be started again');
  t.match(condition(once, 'Ready')?.message, /it runs once and would not be started again/);
  const { writes } = operator;
  const count = writes.length;
  await sleep(1_500);
  t.same(writes.slice(count), [], 'nothing is written while nothing changes');

  await t.test('and takes nothing back when it is over', async (t) => {
    await world.apply(hypervisor('one'));
    await untilOn('kept', 'one');
    await untilOn('once', 'one');
    await world.until('Hypervisor', 'one', ({ status }) => status?.maintenance === undefined);
    t.equal((await world.get('VirtualMachine', 'web'))?.status?.hypervisor, 'two');
    t.equal(has('one', 'once')?.power.state, 'On');
  });
  await removeAll(...all);
  for (const name of ['web', 'kept', 'idle']) await world.delete('StorageVolume', name);
  for (const name of ['web', 'kept', 'idle']) await world.untilGone('StorageVolume', name);
  for (const host of Object.values(hosts)) t.same([...host.directory('/pools/local').keys()], [], 'nor is a seed left anywhere');
  t.same(
    operator.troubles.filter((trouble) => !/Conflict/.test(trouble)),
    [],
  );
  t.same(twice, []);
  t.same(await misjudged(judge, recorder.states), [], 'tools that wait were right about each state');
  t.match(await verdictsOn(judge, recorder.states), { 'VirtualMachine Evacuating': ['InProgress'], 'Hypervisor Connected': ['Current'] });
});

await t.test('a machine that was asked to leave may stay, as long as it has not left', async (t) => {
  await using _operator = await start();
  const deaf = machine('deaf', { stop: { mode: 'Soft' } });
  await world.apply(hypervisor('one'), hypervisor('two', 'Cordon'), deaf);
  const { status } = await untilOn('deaf', 'one');
  hosts.one.guest(status?.uuid ?? '', { deaf: true });
  await world.apply(hypervisor('two'));
  await world.apply(hypervisor('one', 'Evacuate'));
  await world.until('VirtualMachine', 'deaf', (seen) => seen.status?.run?.resumes === true);
  await world.apply(hypervisor('one'));
  const stays = await untilOn('deaf', 'one');
  t.equal(stays.status?.run?.bootId, '1', 'it was never off');
  t.equal(stays.status?.run?.resumes, undefined);
  await world.apply({ ...deaf, spec: { ...deaf.spec, stop: { mode: 'Hard' } } });
  await removeAll('deaf');
});

await t.test('an adopted machine goes like any other, and its annotation may stay for good', async (t) => {
  const uuid = '9d3a1b62-5a0e-4c55-9a60-0c8f2d2b7a11';
  const open = { name: 'all', namespaces: { from: 'All' }, machines: ['*'] };
  const granting = (name: Name, maintenance?: string) => {
    const { spec, ...rest } = hypervisor(name, maintenance);
    return { ...rest, spec: { ...spec, grants: [open] } };
  };
  await using _operator = await start();
  await world.apply(granting('one'), granting('two', 'Cordon'));
  new Behind(hosts.one).machine({ uuid, nativeName: 'handmade', shape: { firmware: 'BIOS' } });
  const { metadata, ...rest } = machine('handmade', { uuid, runStrategy: 'Halted', placement: { hypervisorRef: { name: 'one' } } });
  const annotated = { ...rest, metadata: { ...metadata, annotations: { 'virtwright.io/adopt': 'true' } } };
  await world.apply(annotated);
  const adopted = await untilOn('handmade', 'one');
  t.match(adopted.status, { adopted: true, nativeName: 'handmade' });
  await world.apply({ ...annotated, spec: { ...annotated.spec, placement: {} } }, granting('two'), granting('one', 'Evacuate'));
  const moved = await untilOn('handmade', 'two');
  t.match(moved.status, { uuid, movedFrom: 'one', nativeName: 'default.handmade' });
  t.equal([...hosts.one.machines.values()].length, 0);
  await world.apply(hypervisor('one'), hypervisor('two'));
  await removeAll('handmade');
});

await t.test('whoever dies whenever, a machine is on one host at a time and gets to the other', async (t) => {
  const names = ['m0', 'm1', 'm2', 'm3', 'm4', 'm5'];
  await world.apply(hypervisor('one'), hypervisor('two', 'Cordon'), ...names.map((name) => volume(name)));
  await world.apply(
    ...names.map((name, index) => machine(name, { ...disk(name), runStrategy: index % 2 === 0 ? 'Always' : 'RerunOnFailure' })),
  );
  const first = await start();
  for (const name of names) await untilOn(name, 'one');
  await first.stop();
  let [from, to]: [Name, Name] = ['one', 'two'];
  for (let turn = 0; turn < 6; turn++) {
    await world.apply(hypervisor(to), hypervisor(from, 'Evacuate'));
    if (turn % 2 === 1) hosts[from].faults.loseReply('machines.undefine', 2);
    // Each goes at a moment of its own: a pass is cut wherever it is.
    for (let life = 0; life < 5; life++) {
      const controller = await start('controller');
      const agent = await start('agent');
      await sleep(life * 60 + turn * 25);
      await (life % 2 === 0 ? agent : controller).stop();
      await sleep(turn * 30);
      await (life % 2 === 0 ? controller : agent).stop();
      for (const name of names) if (has('one', name) && has('two', name)) t.fail(`${name} is on both`);
    }
    const operator = await start();
    for (const name of names) await untilOn(name, to);
    await operator.stop();
    for (const name of names) {
      t.equal(has(from, name), undefined);
      t.equal(has(to, name)?.power.state, 'On');
    }
    [from, to] = [to, from];
  }
  t.same(twice, []);
  await using _last = await start();
  await removeAll(...names);
});

await t.test('the machines of manifests/examples/placement are where they say, and go where they can', async (t) => {
  const places = Object.fromEntries(['a1', 'a2', 'b1'].map((name) => [name, new FakeHost({ clock: systemClock, exports })]));
  const at = async ({ uri }: { readonly uri: string }) => fakeDriver(places[uri.replace('fake:///', '')] ?? hosts.one);
  for (const name of ['one', 'two'] as const) await world.apply(hypervisor(name, 'Cordon'));
  await using _rest = await world.start({ connect, hypervisors: ['one', 'two'], only: 'agent' });
  await using _operator = await world.start({ connect: at, hypervisors: Object.keys(places), pace: { glanceMs: 500 } });
  const example = new URL('../../../manifests/examples/placement/', import.meta.url);
  await world.kubectl('apply', '--server-side', '-f', fileURLToPath(example));
  const hostOf = async (name: string) => (await world.until('VirtualMachine', name, isReady)).status?.hypervisor ?? '';
  const databases = [await hostOf('db-0'), await hostOf('db-1')];
  t.same([...databases].sort(), ['a1', 'b1'], 'a zone each, and none on old hardware');
  t.ok(['a1', 'a2'].includes(await hostOf('batch')));
  await hostOf('cache');
  await world.kubectl('patch', 'hypervisor', 'b1', '--type=merge', '-p', '{"spec":{"maintenance":"Evacuate"}}');
  const stays = await world.until(
    'Hypervisor',
    'b1',
    ({ status }) => status?.maintenance?.staying === 1 && status.maintenance.machines === 1,
  );
  t.match(stays.status?.maintenance?.reasons, [{ name: databases[0] === 'b1' ? 'db-0' : 'db-1', reason: 'AntiAffinity' }]);
  await world.kubectl('label', 'hypervisor', 'a2', 'zone=c', '--overwrite');
  await world.kubectl('patch', 'hypervisor', 'a2', '--type=merge', '-p', '{"spec":{"taints":null}}');
  await world.until('Hypervisor', 'b1', ({ status }) => status?.maintenance?.machines === 0);
  const name = databases[0] === 'b1' ? 'db-0' : 'db-1';
  await world.until('VirtualMachine', name, (seen) => isReady(seen) && seen.status?.hypervisor === 'a2');
  await removeAll('db-0', 'db-1', 'cache', 'batch');
});
