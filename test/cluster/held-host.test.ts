import t from 'tap';
import { systemClock } from '#drivers/fake/clock.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { condition, useWorld } from './world.js';

const world = await useWorld(t);
const host = new FakeHost({ clock: systemClock });
const credentialKeys = () => ({ required: ['password'], optional: [] });
await using _operator = await world.start({ connect: async () => fakeDriver(host), hypervisors: ['one'], credentialKeys });

const hypervisor = (name: string) => ({
  kind: 'Hypervisor',
  metadata: { name },
  spec: { uri: 'test:///default', defaultPoolRef: { name: 'fast' }, credentialsSecretName: 'one' },
});
const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'one', namespace: 'default' }, stringData: { password: 'hush' } };
const pool = {
  kind: 'StoragePool',
  metadata: { name: 'fast' },
  spec: { directory: { path: '/pools/fast' }, hypervisorSelector: undefined },
};
const machine = {
  kind: 'VirtualMachine',
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    memory: { size: '64Mi' },
    stop: { mode: 'Hard' },
    disks: [{ name: 'root', volumeTemplate: { size: '1Gi', whenDeleted: 'Delete' } }],
  },
};
const isReady = (seen: Parameters<typeof condition>[0]) => condition(seen, 'Ready')?.status === 'True';

await t.test('a host on which nothing is goes at once', async () => {
  await world.apply(hypervisor('empty'));
  await world.delete('Hypervisor', 'empty');
  await world.untilGone('Hypervisor', 'empty');
});

await t.test('a host is there for as long as something is on it, and so is what lets its agent in', async (t) => {
  await world.apply(secret, hypervisor('one'), pool, machine);
  await world.until('VirtualMachine', 'web', isReady);
  await world.delete('Hypervisor', 'one');
  await world.kubectl('delete', 'secret', 'one');
  const waiting = await world.until('Hypervisor', 'one', (seen) => condition(seen, 'Ready')?.reason === 'Deleting');
  t.match(
    condition(waiting, 'Ready')?.message,
    /^waiting for what is on it to be deleted: VirtualMachine default\/web, StorageVolume default\/web-root, /,
  );
  await world.kubectl('annotate', 'virtualmachine', 'web', 'a=b');
  t.equal([...host.machines.values()].filter(({ power }) => power.state === 'On').length, 1, 'its machine runs on');
  await world.delete('VirtualMachine', 'web');
  await world.untilGone('VirtualMachine', 'web');
  await world.untilGone('StorageVolume', 'web-root');
  await world.untilGone('Hypervisor', 'one');
  t.equal((await world.kubectl('get', 'secrets', '-o', 'name')).trim(), '', 'with the last of it, the copy is gone too');
  t.same([host.machines.size, host.pools.size], [0, 0]);
});
