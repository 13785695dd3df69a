import t, { type Test } from 'tap';
import { runAgent } from '#controllers/agent/agent.js';
import { runController } from '#controllers/cluster/controller.js';
import { systemClock } from '#drivers/fake/clock.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { type Common, type Death, runUntilDead } from './mortal.js';
import { condition, useWorld } from './world.js';

// A machine is evacuated to and fro. Each time, the controller or the agent dies at another of its writes, and the next one goes on.

const world = await useWorld(t);
t.setTimeout(10 * 60_000);
const exports = new Map();
const hosts = { one: new FakeHost({ clock: systemClock, exports }), two: new FakeHost({ clock: systemClock, exports }) };
type Name = keyof typeof hosts;
const connect = async ({ uri }: { readonly uri: string }) => fakeDriver(uri === 'fake:///one' ? hosts.one : hosts.two);
const agents = { connect, hypervisors: ['one', 'two'], pace: { glanceMs: 500 } };
const start = (only: 'controller' | 'agent') => world.start({ ...agents, only });

const hypervisor = (name: Name, maintenance = 'None') => ({
  kind: 'Hypervisor',
  metadata: { name },
  spec: { uri: `fake:///${name}`, maintenance, defaultPoolRef: { name: 'shared' }, systemPoolRef: { name: 'local' } },
});
const web = () => world.get('VirtualMachine', 'web');
type Machine = NonNullable<Awaited<ReturnType<typeof web>>>;
const isOn = (host: Name) => (seen: Machine) =>
  condition(seen, 'Ready')?.status === 'True' && seen.status?.hypervisor === host && seen.status.evacuation === undefined;
const acts = (host: Name) => hosts[host].acts.filter((act) => /^(power|machines)\.(start|cut|stop|undefine)/.test(act));

await world.apply(
  { kind: 'StoragePool', metadata: { name: 'shared' }, spec: { span: 'Shared', nfs: { server: 'filer', export: '/srv/vm' } } },
  { kind: 'StoragePool', metadata: { name: 'local' }, spec: { directory: { path: '/pools/local' } } },
  hypervisor('one'),
  hypervisor('two', 'Cordon'),
  {
    kind: 'StorageVolume',
    metadata: { name: 'web', namespace: 'default' },
    spec: { poolRef: { name: 'shared' }, size: '1Mi', reclaimPolicy: 'Delete' },
  },
  {
    kind: 'VirtualMachine',
    metadata: { name: 'web', namespace: 'default' },
    // Only what its mark and its status tell makes it run again elsewhere.
    spec: {
      memory: { size: '64Mi' },
      runStrategy: 'Manual',
      stop: { mode: 'Hard' },
      firmware: { type: 'BIOS' },
      cloudInit: { userData: '#cloud-config' },
      disks: [{ name: 'root', volumeRef: { name: 'web' } }],
    },
  },
  {
    kind: 'VirtualMachineAction',
    metadata: { name: 'start', namespace: 'default' },
    spec: { machineRef: { name: 'web' }, verb: 'Start' },
  },
);
let [from, to]: [Name, Name] = ['one', 'two'];
let boots = 1;

{
  await using _controller = await start('controller');
  await using _agent = await start('agent');
  await world.until('VirtualMachineAction', 'start', ({ status }) => status?.outcome === 'Succeeded');
  await world.until('VirtualMachine', 'web', (seen) => isOn('one')(seen) && seen.status?.power?.state === 'Running');
}

const dying = {
  controller: runController,
  agent: (common: Common, signal: AbortSignal) => runAgent({ ...common, ...agents, cluster: 'test' }, signal),
};

/** Resolves to whether it died. */
async function evacuate(t: Test, who: keyof typeof dying, death: Death): Promise<boolean> {
  const when = `the ${who} dies ${death.when} write ${death.write}`;
  for (const host of Object.values(hosts)) host.calls.length = 0;
  await world.apply(hypervisor(to), hypervisor(from, 'Evacuate'));
  const other = await start(who === 'agent' ? 'controller' : 'agent');
  const isThere = async () => {
    const seen = await web();
    return seen !== undefined && isOn(to)(seen);
  };
  const died = await runUntilDead(world, dying[who], death, isThere);
  const next = await start(who);
  const { status } = await world.until('VirtualMachine', 'web', isOn(to));
  await world.until('Hypervisor', from, (seen) => seen.status?.maintenance?.machines === 0);
  await next.stop();
  await other.stop();
  boots++;
  t.match(status, { power: { state: 'Running' }, run: { bootId: `${boots}` } }, when);
  t.same(acts(from), ['power.cut default.web', 'machines.undefine default.web'], `${when}: stopped once, and gone`);
  t.same(acts(to), ['power.start default.web'], `${when}: started once`);
  t.same([hosts[from].machines.size, hosts[to].machines.size], [0, 1]);
  const seeds = (host: Name) => hosts[host].directory('/pools/local').size;
  t.same([seeds(from), seeds(to)], [0, 1], `${when}: its seed went along`);
  t.match((await world.get('StorageVolume', 'web'))?.status, { hypervisor: to, claim: { machine: 'web' } });
  [from, to] = [to, from];
  return died;
}

const deaths: readonly (readonly [keyof typeof dying, Death['when']])[] = [
  // Between two writes a controller does nothing that a third would see: what it dies before is what it died after.
  ['controller', 'after'],
  ['agent', 'before'],
  ['agent', 'after'],
];
for (const [who, when] of deaths)
  await t.test(`a machine leaves its host once, whichever write the ${who} dies ${when}`, async (t) => {
    let write = 1;
    while (await evacuate(t, who, { when, write })) write++;
    t.ok(write > 5, `${write - 1} times it died`);
  });
