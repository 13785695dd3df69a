import t from 'tap';
import { systemClock } from '#drivers/fake/clock.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { condition, useWorld } from './world.js';

const world = await useWorld(t);
const isReady = (seen: Parameters<typeof condition>[0]) => condition(seen, 'Ready')?.status === 'True';
const metadata = (name: string) => ({ name, namespace: 'default' });
const machine = (name: string, volumeTemplate: object) => ({
  kind: 'VirtualMachine',
  metadata: metadata(name),
  spec: { memory: { size: '64Mi' }, stop: { mode: 'Hard' }, disks: [{ name: 'root', volumeTemplate: { size: '1Gi', ...volumeTemplate } }] },
});
const host = new FakeHost({ clock: systemClock });
const start = (only?: 'agent') =>
  world.start({ connect: async () => fakeDriver(host), hypervisors: ['one'], ...(only === undefined ? {} : { only }) });
const files = () => [...host.directory('/pools/fast').keys()].filter((name) => !name.endsWith('.incomplete'));

await world.apply(
  { kind: 'Hypervisor', metadata: { name: 'one' }, spec: { uri: 'test:///default', defaultPoolRef: { name: 'fast' } } },
  { kind: 'StoragePool', metadata: { name: 'fast' }, spec: { directory: { path: '/pools/fast' } } },
);

await t.test('a disk made from a template outlives its machine, and is used again by the next of its name', async (t) => {
  await using _operator = await start();
  await world.apply(machine('hello', {}));
  const first = await world.until('VirtualMachine', 'hello', isReady);
  t.match(first.status?.volumes, [{ name: 'root', volume: 'hello-root' }]);
  const volume = await world.until('StorageVolume', 'hello-root', isReady);
  t.match(volume.status, { hypervisor: 'one', pool: 'fast.one', claim: { machine: 'hello' } }, 'in the host’s default pool');
  t.equal(volume.metadata.ownerReferences, undefined);
  await world.apply(machine('hello', { size: '2Gi' }));
  await world.until('StorageVolume', 'hello-root', ({ spec }) => spec.size === '2Gi');
  await world.delete('VirtualMachine', 'hello');
  await world.untilGone('VirtualMachine', 'hello');
  await world.until('StorageVolume', 'hello-root', ({ status }) => status?.claim === undefined);
  await world.apply(machine('hello', { size: '3Gi' }));
  const again = await world.until('VirtualMachine', 'hello', isReady);
  const grown = await world.until('StorageVolume', 'hello-root', ({ status }) => status?.virtualSize !== '1Gi');
  t.equal(grown.metadata.uid, volume.metadata.uid);
  t.equal(grown.status?.claim?.uid, again.metadata.uid);
  t.equal(files().length, 1);
});

await t.test('a disk that is to go with its machine goes, also when nobody was there to see it', async (t) => {
  {
    await using _operator = await start();
    await world.apply(machine('brief', { whenDeleted: 'Delete' }));
    const { metadata } = await world.until('VirtualMachine', 'brief', isReady);
    const [owner] = (await world.get('StorageVolume', 'brief-root'))?.metadata.ownerReferences ?? [];
    t.match(owner, { kind: 'VirtualMachine', name: 'brief', uid: metadata.uid });
    await world.apply(machine('brief', { whenDeleted: 'Retain' }));
    await world.until('StorageVolume', 'brief-root', ({ metadata }) => metadata.ownerReferences === undefined);
    await world.apply(machine('brief', { whenDeleted: 'Delete' }));
    await world.until('StorageVolume', 'brief-root', ({ metadata }) => metadata.ownerReferences?.length === 1);
  }
  {
    await using _agent = await start('agent');
    await world.delete('VirtualMachine', 'brief');
    await world.untilGone('VirtualMachine', 'brief');
  }
  if (!world.cluster.collects) t.ok(await world.get('StorageVolume', 'brief-root'));
  await using _operator = await start();
  await world.untilGone('StorageVolume', 'brief-root');
  t.notOk(files().some((name) => name.includes('brief-root')));
});

await t.test('a disk that was taken out of its machine goes with it all the same, if it was to', async (t) => {
  await using _operator = await start();
  await world.apply(machine('lean', { whenDeleted: 'Delete' }));
  await world.until('VirtualMachine', 'lean', isReady);
  await world.apply({ ...machine('lean', {}), spec: { memory: { size: '64Mi' }, stop: { mode: 'Hard' } } });
  await world.until('StorageVolume', 'lean-root', ({ status }) => status?.claim === undefined);
  await world.delete('VirtualMachine', 'lean');
  await world.untilGone('StorageVolume', 'lean-root');
  t.notOk(files().some((name) => name.includes('lean-root')));
});

await t.test('a volume of the name that somebody else made is not taken', async (t) => {
  await using _operator = await start();
  await world.apply({ kind: 'StorageVolume', metadata: metadata('other-root'), spec: { size: '1Gi' } }, machine('other', {}));
  const seen = await world.until('VirtualMachine', 'other', (one) => condition(one, 'Ready')?.reason === 'WaitingForVolumes');
  t.match(condition(seen, 'Ready')?.message, /"other-root" was not made from spec.disks\[root\].volumeTemplate; name it with volumeRef/);
  t.equal((await world.get('StorageVolume', 'other-root'))?.status?.claim, undefined);
});

await t.test('a disk cannot name the volume that another one makes', async (t) => {
  await using _operator = await start();
  const twice = machine('twice', {});
  const disks = [...twice.spec.disks, { name: 'again', volumeRef: { name: 'twice-root' } }];
  await world.apply({ ...twice, spec: { ...twice.spec, disks } });
  const seen = await world.until('VirtualMachine', 'twice', (one) => condition(one, 'Ready')?.reason === 'WaitingForVolumes');
  t.match(condition(seen, 'Ready')?.message, /"twice-root": two disks name it, and a volume is one disk of one machine/);
});
