import t from 'tap';
import { systemClock } from '#drivers/fake/clock.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { until } from './until.js';
import { condition, useWorld } from './world.js';

const Gi = 2 ** 30;
const world = await useWorld(t);
const hosts = Object.fromEntries(['one', 'two', 'three'].map((name) => [name, new FakeHost({ clock: systemClock })]));
for (const host of Object.values(hosts)) host.size = { cpuCount: 4, memoryBytes: 4 * Gi };
const connect = async ({ uri }: { readonly uri: string }) => {
  const host = hosts[uri.replace('fake:///', '')];
  if (host === undefined) throw new Error(`no host ${uri}`);
  return fakeDriver(host);
};
const start = (only?: 'controller' | 'agent', identity?: string) =>
  world.start({
    connect,
    hypervisors: Object.keys(hosts),
    pace: { glanceMs: 200 },
    ...(only === undefined ? {} : { only }),
    ...(identity === undefined ? {} : { identity }),
  });

const hypervisor = (name: string, spec: object = {}, labels: object = {}) => ({
  kind: 'Hypervisor',
  metadata: { name, labels },
  spec: { uri: `fake:///${name}`, ...spec },
});
const machine = (name: string, spec: object = {}, labels: object = {}) => ({
  kind: 'VirtualMachine',
  metadata: { name, namespace: 'default', labels },
  spec: { memory: { size: '1Gi' }, stop: { mode: 'Hard' }, ...spec },
});
const isReady = (seen: Parameters<typeof condition>[0]) => condition(seen, 'Ready')?.status === 'True';
const untilReady = (name: string) => world.until('VirtualMachine', name, isReady);
const untilRejected = (name: string, reason: string) =>
  world.until('VirtualMachine', name, ({ status }) => status?.placement?.rejected?.some((one) => one.reason === reason) ?? false);
const names = (count: number, prefix = 'web') => Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
const on = (name: string) => [...(hosts[name]?.machines.values() ?? [])];
const bytesOn = (name: string) => on(name).reduce((sum, { configured }) => sum + (configured?.memoryBytes ?? 0), 0);

await t.test('many machines at once are never given more than there is', async (t) => {
  await using operator = await start();
  await world.apply(hypervisor('one'), hypervisor('two'), ...names(12).map((name) => machine(name)));
  const bound = async () => {
    const all = await Promise.all(names(12).map((name) => world.get('VirtualMachine', name)));
    return all.filter((one) => one?.status?.hypervisor !== undefined);
  };
  await until(async () => (await bound()).length >= 8);
  const left = [];
  for (const name of names(12)) {
    const seen = await world.until('VirtualMachine', name, (one) => isReady(one) || one.status?.placement !== undefined);
    if (seen.status?.placement !== undefined) left.push(seen);
  }
  t.equal(left.length, 4, 'four find no room');
  t.match(left[0]?.status?.placement, {
    reasons: [{ reason: 'Memory', count: 2 }],
    rejected: [
      { hypervisor: 'one', reason: 'Memory', message: 'needs 1Gi of memory, 0 of 4Gi free' },
      { hypervisor: 'two', reason: 'Memory' },
    ],
  });
  t.same([bytesOn('one'), bytesOn('two')], [4 * Gi, 4 * Gi], 'and they are full to the last');

  await t.test('whoever waits goes at once where a machine went', async (t) => {
    const [gone] = await bound();
    await world.delete('VirtualMachine', gone?.metadata.name ?? '');
    await until(async () => (await bound()).length === 8);
    t.ok(bytesOn('one') <= 4 * Gi && bytesOn('two') <= 4 * Gi);
  });

  await t.test('or where a host comes', async (t) => {
    await world.apply(hypervisor('three'));
    for (const name of names(12)) if ((await world.get('VirtualMachine', name)) !== undefined) await untilReady(name);
    t.equal(bytesOn('three'), 3 * Gi);
  });
  for (const name of names(12)) if ((await world.get('VirtualMachine', name)) !== undefined) await world.delete('VirtualMachine', name);
  for (const name of names(12)) await world.untilGone('VirtualMachine', name);
  t.same(
    operator.troubles.filter((trouble) => !/Conflict/.test(trouble)),
    [],
  );
});

await t.test('what runs on the host and is not ours has its share', async (t) => {
  await using _operator = await start();
  const only = { placement: { hypervisorRef: { name: 'one' } } };
  await using stranger = fakeDriver(hosts['one'] as FakeHost<typeof systemClock>);
  const shape = { cpuCount: 2, memoryBytes: 3 * Gi, disks: [], interfaces: [], serial: false, rng: false };
  const owner = { cluster: 'another', namespace: 'x', name: 'x', uid: 'x' };
  const signal = AbortSignal.timeout(5 * 60_000);
  const uuid = '1d2c0a3e-7c3e-4b0e-9d52-0f5a4d3c2b1a';
  const id = await stranger.machines.define({ ...shape, uuid, nativeName: 'theirs' }, { owner, record: '' }, signal);
  await stranger.power.start(id, { paused: false }, signal);
  const told = await world.until('Hypervisor', 'one', ({ status }) => status?.unowned?.count === 1);
  t.same(told.status?.unowned, { count: 1, cpuCount: 2, memory: '3Gi' });
  await world.apply(machine('large', { memory: { size: '2Gi' }, ...only }));
  const seen = await untilRejected('large', 'Memory');
  t.match(
    seen.status?.placement?.rejected?.[0]?.message,
    /1Gi of 4Gi free; 1 running machines that are not Virtwright's have 2 processors and 3Gi/,
  );
  await stranger.power.cut(id, owner, signal);
  await untilReady('large');
  await world.delete('VirtualMachine', 'large');
  await world.untilGone('VirtualMachine', 'large');
  await stranger.machines.undefine(id, owner, { keepState: false }, signal);
});

await t.test('taints, maintenance and company decide, and a change of them at once', async (t) => {
  await using _operator = await start();
  const old = { taints: [{ key: 'old' }] };
  await world.apply(hypervisor('one', { maintenance: 'Cordon' }), hypervisor('two', old), hypervisor('three', old));
  await world.apply(machine('web', {}, { app: 'web' }), machine('any', { placement: { tolerations: [{ key: 'old' }] } }));
  t.not((await untilReady('any')).status?.hypervisor, 'one');
  const waits = await untilRejected('web', 'Taint');
  t.match(condition(waits, 'Ready'), { status: 'False', reason: 'Unschedulable', message: /its taint "old" is not among/ });
  await world.apply(hypervisor('two'));
  t.equal((await untilReady('web')).status?.hypervisor, 'two');
  const apart = { placement: { antiAffinity: [{ name: 'apart', selector: { matchLabels: { app: 'web' } } }] } };
  await world.apply(hypervisor('one', { maintenance: 'None' }), hypervisor('three', { maintenance: 'Cordon' }));
  t.equal((await world.get('VirtualMachine', 'web'))?.status?.hypervisor, 'two');
  await world.apply(machine('web-2', apart, { app: 'web' }));
  t.equal((await untilReady('web-2')).status?.hypervisor, 'one');
  await world.apply(machine('web-3', apart, { app: 'web' }));
  await untilRejected('web-3', 'AntiAffinity');
  const near = { placement: { affinity: [{ name: 'near', selector: { matchLabels: { app: 'cache' } } }] } };
  await world.apply(machine('client', near));
  await untilRejected('client', 'Affinity');
  await world.apply(machine('cache', {}, { app: 'cache' }));
  const cache = await untilReady('cache');
  t.equal((await untilReady('client')).status?.hypervisor, cache.status?.hypervisor);
  await world.delete('VirtualMachine', 'web-2');
  await untilReady('web-3');
  await world.apply(machine('web-4', apart, { app: 'web' }));
  await untilRejected('web-4', 'AntiAffinity');
  await world.kubectl('label', '--overwrite', 'virtualmachine', 'web', 'app=old');
  t.equal((await untilReady('web-4')).status?.hypervisor, 'two', 'one that it was to be without is another now');
  await world.apply(machine('plain', {}, { app: 'web' }));
  const shunned = await untilRejected('plain', 'AntiAffinity');
  t.match(shunned.status?.placement?.rejected?.map(({ message }) => message).join(), /antiAffinity "apart" of machine "web-4"/);
  await world.kubectl('patch', 'virtualmachine', 'web-4', '--type=json', '-p', '[{"op":"remove","path":"/spec/placement"}]');
  t.equal((await untilReady('plain')).status?.hypervisor, 'two', 'and one that put up with nobody does now');
  const all = ['web', 'any', 'web-3', 'web-4', 'plain', 'client', 'cache'];
  for (const name of all) await world.delete('VirtualMachine', name);
  for (const name of all) await world.untilGone('VirtualMachine', name);
});

await t.test('of two controllers, each goes on where the other was', async (t) => {
  await world.apply(hypervisor('one'), hypervisor('two'), hypervisor('three'));
  await using agent = await start('agent');
  for (let turn = 0; turn < 4; turn++) {
    const turnNames = names(6, `turn-${turn}`);
    const controller = await start('controller', `turn-${turn}`);
    await world.apply(...turnNames.map((name) => machine(name, { memory: { size: '512Mi' } })));
    await world.until('VirtualMachine', `turn-${turn}-0`, ({ status }) => status?.hypervisor !== undefined);
    await controller.stop();
  }
  await using _last = await start('controller', 'last');
  const all = [0, 1, 2, 3].flatMap((turn) => names(6, `turn-${turn}`));
  for (const name of all) await untilReady(name);
  t.same(['one', 'two', 'three'].map(bytesOn), [4 * Gi, 4 * Gi, 4 * Gi]);
  await world.apply(machine('late', { memory: { size: '64Mi' } }));
  await untilRejected('late', 'Memory');
  t.same(
    agent.troubles.filter((trouble) => !/Conflict/.test(trouble)),
    [],
  );
});
