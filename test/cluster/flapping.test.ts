import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { systemClock } from '#drivers/fake/clock.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { until } from './until.js';
import { condition, useWorld } from './world.js';

const world = await useWorld(t);

const names = ['a', 'b', 'c', 'd'];

interface Told {
  readonly items: readonly { readonly regarding: { readonly kind: string; readonly name: string } }[];
}

t.test('a host that comes and goes makes no Events of its machines, and no more writes than they have news', async (t) => {
  const fake = new FakeHost({ clock: systemClock });
  let connections = 0;
  let reachable = Promise.resolve();
  const connect = async () => {
    await reachable;
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
  const allAre = async (isReady: boolean) => {
    const isSo = (seen: Parameters<typeof condition>[0]) => (condition(seen, 'Ready')?.status === 'True') === isReady;
    for (const name of names) await world.until('VirtualMachine', name, isSo);
    await world.until('Hypervisor', 'one', isSo);
  };
  await allAre(true);
  const told = async () => {
    const { items } = JSON.parse(await world.kubectl('get', 'events.events.k8s.io', '-A', '-o', 'json')) as Told;
    return items.filter(({ regarding }) => regarding.kind === 'VirtualMachine').length;
  };
  await sleep(1_000);
  const eventsBefore = await told();
  let seen = operator.writes.length;
  const news = () => {
    const writes = operator.writes.slice(seen);
    seen += writes.length;
    const ofMachines = writes.filter((write) => write.includes('virtualmachines')).length;
    return { ofMachines, others: writes.length - ofMachines };
  };

  const [before, since] = [connections, performance.now()];
  fake.disconnect();
  await until(() => connections > before);
  const awayMs = performance.now() - since;
  await sleep(1_500);
  await allAre(true);
  const short = news();
  // It is tried again within half a second; what lasts a second is news, and a slow computer may make it one.
  if (awayMs < 800) t.equal(short.ofMachines, 0, 'what is back at once is no news of any machine');
  else t.comment(`away for ${Math.round(awayMs)} ms: ${JSON.stringify(short)}`);
  t.ok(short.others <= 2, 'and two of the host', short);

  for (let times = 0; times < 4; times++) {
    let letIn = () => {};
    reachable = new Promise((resolve) => {
      letIn = resolve;
    });
    fake.disconnect();
    await allAre(false);
    letIn();
    await allAre(true);
    // What is seen in the object, its writer may not have heard of yet.
    await until(() => operator.writes.length >= seen + 2 * names.length + 2);
    await sleep(300);
    t.same(news(), { ofMachines: 2 * names.length, others: 2 }, 'gone and back, of each machine and of the host');
  }
  t.equal(await told(), eventsBefore, 'no Events');
  await operator.stop();
});
