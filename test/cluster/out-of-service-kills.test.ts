import t from 'tap';
import { runController } from '#controllers/cluster/controller.js';
import { systemClock } from '#drivers/fake/clock.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { runUntilDead } from './mortal.js';
import { condition, useWorld } from './world.js';

// The controller dies after each of the writes by which a host is let go, and another goes on.

const world = await useWorld(t);
t.setTimeout(10 * 60_000);
const exports = new Map();
const hosts = { one: new FakeHost({ clock: systemClock, exports }), two: new FakeHost({ clock: systemClock, exports }) };
const connect = async ({ uri }: { readonly uri: string }) => fakeDriver(uri === 'test:///one' ? hosts.one : hosts.two);
const lease = { durationMs: 1_500, periodMs: 300 };
const agent = (name: string) => world.start({ connect, hypervisors: [name], only: 'agent', identity: `agent-${name}`, lease });
const isReady = (seen: Parameters<typeof condition>[0]) => condition(seen, 'Ready')?.status === 'True';
const running = (host: keyof typeof hosts, name: string) =>
  [...hosts[host].machines.values()].some(({ isOff, nativeName }) => !isOff && nativeName === `default.${name}`);
const starts = (host: keyof typeof hosts, name: string) =>
  hosts[host].calls.filter((call) => call === `power.start default.${name}`).length;
const cordon = (maintenance: string) =>
  world.kubectl('patch', 'hypervisor', 'two', '--type=merge', '-p', JSON.stringify({ spec: { maintenance } }));

await world.apply(
  { kind: 'Hypervisor', metadata: { name: 'one' }, spec: { uri: 'test:///one' } },
  { kind: 'Hypervisor', metadata: { name: 'two' }, spec: { uri: 'test:///two' } },
  { kind: 'StoragePool', metadata: { name: 'shared' }, spec: { span: 'Shared', nfs: { server: 'filer', export: '/srv/vm' } } },
);

await t.test('whenever the controller dies, a machine of a dead host is started once elsewhere, and is gone where it was', async (t) => {
  await using _two = await agent('two');
  for (let writes = 1; ; writes++) {
    const name = `w${writes}`;
    const one = await agent('one');
    {
      await using _controller = await world.start({ connect, hypervisors: [], only: 'controller' });
      await world.until('StoragePool', 'shared', ({ status }) => status?.hosts?.ready === 2);
      await cordon('Cordon');
      await world.apply(
        {
          kind: 'StorageVolume',
          metadata: { name, namespace: 'default' },
          spec: { poolRef: { name: 'shared' }, size: '1Mi', reclaimPolicy: 'Delete' },
        },
        {
          kind: 'VirtualMachine',
          metadata: { name, namespace: 'default' },
          spec: { memory: { size: '64Mi' }, stop: { mode: 'Hard' }, disks: [{ name: 'root', volumeRef: { name } }] },
        },
      );
      await world.until('VirtualMachine', name, (seen) => isReady(seen) && seen.status?.hypervisor === 'one');
      await one.stop();
      await world.until('VirtualMachine', name, (seen) => condition(seen, 'Ready')?.reason === 'AgentSilent');
    }
    await cordon('None');
    await world.kubectl('annotate', 'hypervisor', 'one', 'virtwright.io/out-of-service=Fenced');
    const isMoved = async () => (await world.get('VirtualMachine', name))?.status?.hypervisor === 'two';
    const died = await runUntilDead(world, runController, { when: 'after', write: writes }, isMoved);
    await using _controller = await world.start({ connect, hypervisors: [], only: 'controller' });
    await world.until('VirtualMachine', name, (seen) => isReady(seen) && seen.status?.hypervisor === 'two');
    t.ok(running('one', name), 'it was not fenced after all');
    t.equal(starts('two', name), 1);
    hosts.one.calls.length = 0;
    await using _one = await agent('one');
    await world.until('Hypervisor', 'one', (seen) => condition(seen, 'Connected')?.status === 'True' && seen.status?.orphans === undefined);
    t.same(
      hosts.one.acts.filter((act) => /^(power|machines)\./.test(act)),
      [`power.cut default.${name}`, `machines.undefine default.${name}`],
      `after ${writes} writes`,
    );
    t.ok(running('two', name));
    await world.kubectl('annotate', 'hypervisor', 'one', 'virtwright.io/out-of-service-');
    await world.until('Hypervisor', 'one', isReady);
    await world.delete('VirtualMachine', name);
    await world.untilGone('VirtualMachine', name);
    if (!died) {
      t.ok(writes > 5, `${writes - 1} times it died`);
      return;
    }
  }
});
