import t from 'tap';
import { systemClock } from '#drivers/fake/clock.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { condition, useWorld } from './world.js';

const world = await useWorld(t);
const exports = new Map();
const hosts = { one: new FakeHost({ clock: systemClock, exports }), two: new FakeHost({ clock: systemClock, exports }) };
const connect = async ({ uri }: { readonly uri: string }) => fakeDriver(uri === 'test:///one' ? hosts.one : hosts.two);
const start = () => world.start({ connect, hypervisors: ['one', 'two'] });
const isReady = (seen: Parameters<typeof condition>[0]) => condition(seen, 'Ready')?.status === 'True';

const metadata = (name: string) => ({ name, namespace: 'default' });
const volume = (name: string, spec: object = {}) => ({
  kind: 'StorageVolume',
  metadata: metadata(name),
  spec: { poolRef: { name: 'shared' }, size: '1Gi', reclaimPolicy: 'Delete', ...spec },
});
const machine = (name: string, host: string, disk: string) => ({
  kind: 'VirtualMachine',
  metadata: metadata(name),
  spec: {
    memory: { size: '64Mi' },
    stop: { mode: 'Hard' },
    placement: { hypervisorRef: { name: host } },
    disks: [{ name: 'root', volumeRef: { name: disk } }],
  },
});
const files = () => [...exports.values()].flatMap((directory) => [...directory.keys()]);
const creates = () => Object.values(hosts).flatMap(({ acts }) => acts.filter((act) => /^volumes\.create .*-[0-9a-f]{8}$/.test(act)));

await world.apply(
  { kind: 'Hypervisor', metadata: { name: 'one' }, spec: { uri: 'test:///one' } },
  { kind: 'Hypervisor', metadata: { name: 'two' }, spec: { uri: 'test:///two' } },
  { kind: 'StoragePool', metadata: { name: 'shared' }, spec: { span: 'Shared', nfs: { server: 'filer', export: '/srv/vm' } } },
);

await t.test('a volume in a store that all hosts see is made once, and goes where its machine goes', async (t) => {
  await using operator = await start();
  const pool = await world.until('StoragePool', 'shared', ({ status }) => status?.hosts?.ready === 2 && status.capacity !== undefined);
  t.match(pool.status, { capacity: '1Ti', available: '1Ti' });
  await world.apply(volume('root'));
  const made = await world.until('StorageVolume', 'root', isReady);
  const [home, other] = made.status?.hypervisor === 'one' ? (['one', 'two'] as const) : (['two', 'one'] as const);
  await world.apply(machine('web', other, 'root'));
  await world.until('VirtualMachine', 'web', isReady);
  const moved = await world.until('StorageVolume', 'root', isReady);
  t.match(moved.status, { hypervisor: other, pool: `shared.${other}`, claim: { machine: 'web' }, nativeName: made.status?.nativeName });
  t.equal(hosts[other].machines.size, 1);
  t.equal(creates().length, 1, 'and never made again');

  await world.apply(machine('late', home, 'root'));
  const late = await world.until('VirtualMachine', 'late', (seen) => condition(seen, 'Ready')?.status === 'False');
  t.match(condition(late, 'Ready')?.message, /in use by machine "web"/);
  await world.delete('VirtualMachine', 'web');
  await world.until('VirtualMachine', 'late', isReady);
  t.match((await world.get('StorageVolume', 'root'))?.status, { hypervisor: home, claim: { machine: 'late' } });
  t.equal(creates().length, 1);

  await world.delete('VirtualMachine', 'late');
  await world.untilGone('VirtualMachine', 'late');
  await world.delete('StorageVolume', 'root');
  await world.untilGone('StorageVolume', 'root');
  t.same(files(), []);
  t.same(
    operator.troubles.filter((trouble) => !/Conflict/.test(trouble)),
    [],
  );
});

await t.test('the base of a linked clone stays where it is, and so does what links to it', async (t) => {
  await using _operator = await start();
  await world.apply(volume('base', { format: 'Qcow2' }));
  const { status } = await world.until('StorageVolume', 'base', isReady);
  const elsewhere = status?.hypervisor === 'one' ? 'two' : 'one';
  await world.apply(volume('linked', { source: { volumeRef: { name: 'base' }, clone: 'Linked' } }));
  await world.until('StorageVolume', 'linked', isReady);
  await world.apply(machine('far', elsewhere, 'linked'));
  const far = await world.until('VirtualMachine', 'far', ({ status }) => status?.placement?.rejected !== undefined);
  t.match(far.status?.placement?.rejected, [{ reason: 'Volume', message: `volume "linked" is on ${status?.hypervisor}` }]);
});
