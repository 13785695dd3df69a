import t from 'tap';
import { Behind } from '#drivers/fake/behind.js';
import { systemClock } from '#drivers/fake/clock.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { condition, useWorld } from './world.js';

const world = await useWorld(t);
const hosts = { one: new FakeHost({ clock: systemClock }), two: new FakeHost({ clock: systemClock }) };
const metadata = (name: string) => ({ name, namespace: 'default' });
const hypervisor = (name: string) => ({
  kind: 'Hypervisor',
  metadata: { name },
  spec: { uri: `test:///${name}`, defaultPoolRef: { name: 'fast' } },
});
const pool = (name: string) => ({ kind: 'StoragePool', metadata: { name }, spec: { directory: { path: `/pools/${name}` } } });
const volume = (name: string, spec: object = {}) => ({
  kind: 'StorageVolume',
  metadata: metadata(name),
  spec: { size: '1Mi', reclaimPolicy: 'Delete', ...spec },
});
const cloneOf = (name: string, clone: 'Full' | 'Linked') => ({ size: '2Mi', source: { volumeRef: { name }, clone } });
const machine = (name: string, spec: object = {}) => ({
  kind: 'VirtualMachine',
  metadata: metadata(name),
  spec: { memory: { size: '64Mi' }, stop: { mode: 'Hard' }, ...spec },
});
const on = (hypervisor: string) => ({ placement: { hypervisorRef: { name: hypervisor } } });
const isReady = (seen: Parameters<typeof condition>[0]) => condition(seen, 'Ready')?.status === 'True';
const untilReady = (kind: 'StorageVolume' | 'VirtualMachine', name: string) => world.until(kind, name, isReady);
const says = async (kind: 'StorageVolume' | 'VirtualMachine', name: string, reason: string) =>
  condition(await world.until(kind, name, (seen) => condition(seen, 'Ready')?.reason === reason), 'Ready')?.message;

const operator = await world.start({
  connect: async ({ uri }) => fakeDriver(uri.endsWith('one') ? hosts.one : hosts.two),
  hypervisors: ['one', 'two'],
  // What strangers do in a pool no event tells.
  pace: { resyncMs: 1_000 },
});
t.teardown(() => operator.stop());
await world.apply(hypervisor('one'), hypervisor('two'), pool('fast'), pool('slow'));
// What a volume is made on: a machine decides between two hosts.
await world.apply(volume('base'), machine('first', { disks: [{ name: 'root', volumeRef: { name: 'base' } }], ...on('two') }));
await untilReady('VirtualMachine', 'first');

await t.test('clones go where their source is, into its pool, and wait until nobody writes to it', async (t) => {
  await world.apply(volume('full', cloneOf('base', 'Full')), volume('linked', cloneOf('base', 'Linked')));
  t.match(await says('StorageVolume', 'full', 'SourceInUse'), /copied once machine default.first is off/);
  t.match(await says('StorageVolume', 'linked', 'WaitingForSource'), /machine "first" has StorageVolume "base" as a disk/);
  await world.apply(machine('first', { disks: [{ name: 'root', volumeRef: { name: 'base' } }], ...on('two'), runStrategy: 'Halted' }));
  t.match((await untilReady('StorageVolume', 'full')).status, { hypervisor: 'two', pool: 'fast.two', virtualSize: '2Mi', format: 'Qcow2' });
  await world.delete('VirtualMachine', 'first');
  t.match((await untilReady('StorageVolume', 'linked')).status, {
    hypervisor: 'two',
    pool: 'fast.two',
    virtualSize: '2Mi',
    format: 'Qcow2',
  });
});

await t.test('no machine gets a base as a disk, and its clones are ordinary disks', async (t) => {
  await world.apply(
    machine('writer', { disks: [{ name: 'root', volumeRef: { name: 'base' } }] }),
    machine('user', { disks: [{ name: 'root', volumeRef: { name: 'linked' } }] }),
  );
  t.match(await says('VirtualMachine', 'writer', 'WaitingForVolumes'), /"linked" is a linked clone of it, so no machine may write to it/);
  await untilReady('VirtualMachine', 'user');
  t.equal((await world.get('StorageVolume', 'base'))?.status?.claim, undefined);
  await world.delete('VirtualMachine', 'writer');
  await world.delete('VirtualMachine', 'user');
});

await t.test('a base with linked clones waits at deletion, saying who, also for those that no object is left of', async (t) => {
  const stranger = new Behind(hosts.two);
  await world.kubectl('patch', 'storagevolume', 'linked', '--type=merge', '-p', '{"spec":{"reclaimPolicy":"Retain"}}');
  await world.delete('StorageVolume', 'base');
  t.match(
    await says('StorageVolume', 'base', 'HasClones'),
    /needed by StorageVolume "linked", default.linked-[0-9a-f]{8} in pool "fast.two"/,
  );
  await world.delete('StorageVolume', 'linked');
  await world.untilGone('StorageVolume', 'linked');
  await world.until('StorageVolume', 'base', (seen) => /needed by default.linked/.test(condition(seen, 'Ready')?.message ?? ''));
  for (const name of hosts.two.directory('/pools/fast').keys()) if (name.includes('linked')) stranger.removeFile(`/pools/fast/${name}`);
  await world.untilGone('StorageVolume', 'base');
});

await t.test('what cannot be cloned is refused by name, and what is not there yet is waited for', async (t) => {
  await world.apply(
    volume('early', cloneOf('late', 'Full')),
    volume('moved', { ...cloneOf('late', 'Linked'), poolRef: { name: 'slow' } }),
    volume('less', { ...cloneOf('late', 'Full'), size: '4Ki' }),
  );
  t.match(await says('StorageVolume', 'early', 'WaitingForSource'), /"late": there is none/);
  await t.rejects(world.apply(volume('self', cloneOf('self', 'Full'))), { message: /a volume is not made from itself/ });
  await world.apply(
    volume('late', { poolRef: { name: 'fast' } }),
    machine('placer', { disks: [{ name: 'a', volumeRef: { name: 'late' } }], ...on('one') }),
  );
  await untilReady('VirtualMachine', 'placer');
  await world.delete('VirtualMachine', 'placer');
  t.match((await untilReady('StorageVolume', 'early')).status, { hypervisor: 'one' });
  t.match(await says('StorageVolume', 'moved', 'Unfit'), /"late" is in pool "fast": a linked clone is in its base's pool/);
  t.match(await says('StorageVolume', 'less', 'Invalid'), /4096 given, .* has 1048576/);
});

await t.test('a machine whose disk is cloned from a template goes where the source is', async (t) => {
  const volumeTemplate = { ...cloneOf('late', 'Full'), whenDeleted: 'Delete' };
  await world.apply(machine('copy', { disks: [{ name: 'root', volumeTemplate }] }));
  t.equal((await untilReady('VirtualMachine', 'copy')).status?.hypervisor, 'one');
  await world.apply(machine('wrong', { disks: [{ name: 'root', volumeTemplate }], ...on('two') }));
  t.match(await says('VirtualMachine', 'wrong', 'Unschedulable'), /"late", which it is cloned from, is not here/);
});
