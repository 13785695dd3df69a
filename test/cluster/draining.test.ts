import t from 'tap';
import { systemClock } from '#drivers/fake/clock.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import type { Connect } from '#drivers/target.js';
import { until } from './until.js';
import { condition, useWorld } from './world.js';

const world = await useWorld(t);

const namesOf = (prefix: string) => Array.from({ length: 10 }, (_, at) => `${prefix}${at}`);
const [busy, deaf] = [namesOf('busy'), namesOf('deaf')];
const names = [...busy, ...deaf];
const hosts = new Map(busy.map((name) => [name, new FakeHost({ clock: systemClock })]));

/** A host that never answers, nor says no. */
const connect: Connect = ({ uri }, signal) => {
  const host = hosts.get(uri.slice('fake:///'.length));
  if (host !== undefined) return Promise.resolve(fakeDriver(host));
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
};

interface Leases {
  readonly items: readonly { readonly metadata: { readonly name: string }; readonly spec: { readonly holderIdentity?: string } }[];
}
const holders = async () => {
  const { items } = JSON.parse(await world.kubectl('get', 'leases', '-n', 'default', '-o', 'json')) as Leases;
  return items.filter(({ metadata }) => metadata.name.startsWith('virtwright-agent-')).map(({ spec }) => spec.holderIdentity ?? '');
};
const agent = (identity: string) => world.start({ connect, hypervisors: names, only: 'agent', identity });

t.test('an agent of many hosts that hang, amid calls and connections, ends at once and lets go of all', async (t) => {
  await using _controller = await world.start({ connect, hypervisors: [], only: 'controller' });
  await using first = await agent('first');
  await world.apply(...names.map((name) => ({ kind: 'Hypervisor', metadata: { name }, spec: { uri: `fake:///${name}` } })));
  const inDefault = (kind: string, name: string, spec: object) => ({ kind, metadata: { name, namespace: 'default' }, spec });
  const machine = (name: string) =>
    inDefault('VirtualMachine', name, { memory: { size: '64Mi' }, stop: { mode: 'Hard' }, placement: { hypervisorRef: { name } } });
  await world.apply(...busy.map(machine));
  for (const name of busy) {
    const { metadata } = await world.until('VirtualMachine', name, (seen) => condition(seen, 'Ready')?.status === 'True');
    const host = hosts.get(name);
    host?.guest(metadata.uid, { hung: true });
    if (host !== undefined) host.calls.length = 0;
  }
  await world.apply(...busy.map((name) => inDefault('VirtualMachineAction', name, { machineRef: { name }, verb: 'Pause' })));
  // What is asked for is noted in the machine's mark first.
  await until(() => [...hosts.values()].every(({ calls }) => calls.some((call) => call.startsWith('machines.mark'))));
  await until(async () => (await holders()).filter((holder) => holder.startsWith('first')).length === names.length);

  await first.stop();
  t.same(new Set(await holders()), new Set(['']), 'none is left to run out, which takes 40 s');
  await using _next = await agent('next');
  await until(async () => (await holders()).every((holder) => holder.startsWith('next')));
});
