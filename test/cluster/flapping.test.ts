import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { systemClock } from '#drivers/fake/clock.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { until } from './until.js';
import { condition, useWorld } from './world.js';

const world = await useWorld(t);
t.setTimeout(5 * 60_000);

const names = ['a', 'b', 'c', 'd'];

interface Told {
  readonly items: readonly { readonly regarding: { readonly kind: string; readonly name: string } }[];
}

t.test('a host that comes and goes makes no Events of its machines, and few writes', async (t) => {
  const fake = new FakeHost({ clock: systemClock });
  let connections = 0;
  const connect = async () => {
    connections++;
    return fakeDriver(fake);
  };
  await using operator = await world.start({ connect, hypervisors: ['one'] });
  const machine = (name: string) => ({
    kind: 'VirtualMachine',
    metadata: { name, namespace: 'default' },
    spec: { memory: { size: '32Mi' }, stop: { mode: 'Hard' } },
  });
  await world.apply({ kind: 'Hypervisor', metadata: { name: 'one' }, spec: { uri: 'fake:///one' } }, ...names.map(machine));
  for (const name of names) await world.until('VirtualMachine', name, (seen) => condition(seen, 'Ready')?.status === 'True');
  const told = async () => {
    const { items } = JSON.parse(await world.kubectl('get', 'events.events.k8s.io', '-A', '-o', 'json')) as Told;
    return items.filter(({ regarding }) => regarding.kind === 'VirtualMachine').length;
  };
  await sleep(1_000);
  const eventsBefore = await told();
  const writesBefore = operator.writes.length;
  const breaks = 5;
  for (let times = 0; times < breaks; times++) {
    const before = connections;
    fake.disconnect();
    await until(() => connections > before);
    await sleep(20);
  }
  for (const name of names) await world.until('VirtualMachine', name, (seen) => condition(seen, 'Ready')?.status === 'True');
  await world.until('Hypervisor', 'one', (seen) => condition(seen, 'Ready')?.status === 'True');
  const writes = operator.writes.slice(writesBefore);
  const ofMachines = writes.filter((write) => write.includes('virtualmachines'));
  t.equal(await told(), eventsBefore, 'no Events');
  t.ok(ofMachines.length <= 2 * breaks * names.length, 'gone and back, at most, for each machine and break', { writes });
  t.ok(writes.length - ofMachines.length <= 2 * breaks, 'and for the host', { writes });
  t.comment(
    `${breaks} breaks, ${names.length} machines: ${ofMachines.length} writes of machines, ${writes.length - ofMachines.length} of the host`,
  );
  await operator.stop();
});
