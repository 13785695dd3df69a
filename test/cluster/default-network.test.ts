import t from 'tap';
import type { VirtualMachine } from '#crds/types.js';
import { Behind } from '#drivers/fake/behind.js';
import { systemClock } from '#drivers/fake/clock.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { condition, useWorld } from './world.js';

const world = await useWorld(t);
const host = new FakeHost({ clock: systemClock });
const grants = [{ name: 'lan', namespaces: { from: 'All' }, networks: ['br-lan', 'br-new'] }];
const hypervisor = (defaultNetwork?: string) => ({
  kind: 'Hypervisor',
  metadata: { name: 'one' },
  spec: {
    uri: 'test:///default',
    grants,
    ...(defaultNetwork === undefined ? {} : { defaultNetworkRef: { namespace: 'net', name: defaultNetwork } }),
  },
});
const network = (name: string, existing: string) => ({
  kind: 'VirtualNetwork',
  metadata: { name, namespace: 'net' },
  spec: { existing: { name: existing } },
});
const machine = (name: string, spec: object = {}) => ({
  kind: 'VirtualMachine',
  metadata: { name, namespace: 'default' },
  spec: { memory: { size: '64Mi' }, stop: { mode: 'Hard' }, ...spec },
});
const isReady = (seen: VirtualMachine) => condition(seen, 'Ready')?.status === 'True';
const attached = (name: string) => host.byName(`default.${name}`)?.configured?.interfaces.map((one) => `${one.name} ${one.network}`);

await t.test('a machine that names no interface waits for the default network, and gets one there; who says none has none', async (t) => {
  await using _operator = await world.start({ connect: async () => fakeDriver(host), hypervisors: ['one'] });
  await world.kubectl('create', 'namespace', 'net');
  await world.apply(
    hypervisor('lan'),
    network('lan', 'br-lan'),
    network('new', 'br-new'),
    machine('hello'),
    machine('lonely', { interfaces: [] }),
  );
  await world.until('VirtualMachine', 'lonely', isReady);
  t.same(attached('lonely'), []);
  // First there is none on the host, then it is not ready there.
  const notReady = /the host's default network "lan": not ready/;
  const waits = await world.until('VirtualMachine', 'hello', (seen) => notReady.test(condition(seen, 'Ready')?.message ?? ''));
  t.equal(condition(waits, 'Ready')?.reason, 'WaitingForNetworks');
  for (const name of ['br-lan', 'br-new']) new Behind(host).network(name);
  const ready = await world.until('VirtualMachine', 'hello', isReady);
  t.same(attached('hello'), ['default br-lan']);
  t.match(ready.status?.interfaces, [{ name: 'default', macAddress: /^02:/ }]);
});

await t.test('another default is for new machines, and none takes nothing away', async (t) => {
  await using _operator = await world.start({ connect: async () => fakeDriver(host), hypervisors: ['one'] });
  await world.apply(hypervisor('new'), machine('later'));
  await world.until('VirtualMachine', 'later', isReady);
  t.same([attached('hello'), attached('later')], [['default br-lan'], ['default br-new']]);
  await world.apply(hypervisor(), machine('last'));
  await world.until('VirtualMachine', 'last', isReady);
  await world.apply(machine('later', { memory: { size: '128Mi' } }));
  await world.until('VirtualMachine', 'later', (seen) => isReady(seen) && seen.status?.observedGeneration === 2);
  t.same([attached('hello'), attached('later'), attached('last')], [['default br-lan'], ['default br-new'], []]);
  await world.apply(machine('later', { interfaces: [] }));
  await world.until('VirtualMachine', 'later', (seen) => isReady(seen) && seen.status?.observedGeneration === 3);
  t.same(attached('later'), [], 'a word says otherwise');
});

await t.test('a network of our own stays while a machine that got it by default is there, on or off', async (t) => {
  await using _operator = await world.start({ connect: async () => fakeDriver(host), hypervisors: ['one'] });
  await world.apply(
    { kind: 'VirtualNetwork', metadata: { name: 'own', namespace: 'net' }, spec: { forward: { mode: 'None' } } },
    hypervisor('own'),
  );
  await world.until('VirtualNetworkInstance', 'own.one', (seen) => condition(seen, 'Ready')?.status === 'True', { namespace: 'net' });
  await world.apply(machine('holds'));
  await world.until('VirtualMachine', 'holds', isReady);
  await world.apply(machine('holds', { runStrategy: 'Halted' }));
  await world.until('VirtualMachine', 'holds', (seen) => isReady(seen) && seen.status?.power?.state === 'Stopped');
  await world.delete('VirtualNetwork', 'own', 'net');
  const held = await world.until('VirtualNetworkInstance', 'own.one', (seen) => condition(seen, 'Ready')?.reason === 'InUse', {
    namespace: 'net',
  });
  t.match(condition(held, 'Ready')?.message, /default\.holds/);
  await world.delete('VirtualMachine', 'holds');
  await world.untilGone('VirtualMachine', 'holds');
  await world.untilGone('VirtualNetwork', 'own', 'net');
});
