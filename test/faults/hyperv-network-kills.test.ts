import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { newSwitch, type Switch } from '#simulators/hyperv/model/switch.js';
import type { Simulator } from '#simulators/hyperv/simulator.js';
import { useWorld } from '#test/cluster/world.js';
import { HypervLab, namespace } from './hyperv-lab.js';
import { Reaper } from './hyperv-reaper.js';
import { isReady } from './lab.js';
import { OperatorProcess } from './operator-process.js';

const world = await useWorld(t);
t.setTimeout(25 * 60_000);
await world.kubectl('create', 'namespace', namespace);

const device = 'Intel(R) 82574L Gigabit Network Connection #2';
/** Of each step of a life: once while the host is at it, once before it hears, once after it has. */
const killsInAStep = 3;

/** People's, by the host's other adapter: in version 1 it has a GUID for a name, as one of ours. */
function strangersSwitch({ host }: Simulator): () => string {
  const { adapters, words, wiring } = host;
  const [{ id = '' } = {}] = adapters;
  const port = { className: 'Msvm_SwitchPort', suffix: '', values: { Name: '0B0B7E0F-6F4D-4E4B-9F5C-444444444444' } };
  const path = `\\\\HYPERV\\root\\virtualization\\v2:Msvm_ExternalEthernetPort.DeviceID="Microsoft:{${id}}"`;
  const v2 = { className: 'Msvm_EthernetPortAllocationSettingData', suffix: '\\theirs', values: { HostResource: [path] } };
  const native = newSwitch({ ElementName: 'theirs' }, [words.mode === 'v2' ? v2 : port]);
  host.switches.set(native.id, native);
  wiring.bound.add(id);
  if (words.mode === 'v1') wiring.join(port.values.Name, id);
  return () => JSON.stringify([host.switches.get(native.id), wiring.joinedTo(port.values.Name), wiring.bound.has(id)]);
}

/** How many of our switches there are at most at one time, looked at whenever something is asked. */
function mostOf(simulator: Simulator, named: (name: string) => Switch[]): ReadonlyMap<string, number> {
  const most = new Map<string, number>();
  const push = simulator.host.asked.push.bind(simulator.host.asked);
  simulator.host.asked.push = (...what) => {
    for (const name of ours) most.set(name, Math.max(most.get(name) ?? 0, named(name).length));
    return push(...what);
  };
  return most;
}
const ours = ['default.hyperv-rear', 'default.hyperv-outside'];

/** Where it leads: how many adapters of the host's, and ports of the host's own. */
function leads({ host }: Simulator, native: Switch | undefined): { readonly outside: number; readonly inside: number } | undefined {
  if (native === undefined) return undefined;
  const to = native.ports.map(({ values }) => String(values['HostResource'] ?? host.wiring.joinedTo(String(values['Name']))));
  const isOutside = (path: string) => host.adapters.some(({ id }) => path.includes(id));
  const isInside = (path: string) =>
    path.includes(':Msvm_ComputerSystem.') || [...host.wiring.internal.values()].some(({ id }) => path.includes(id));
  return { outside: to.filter(isOutside).length, inside: to.filter(isInside).length };
}

/** Of one that leads outside, so that it is killed at each of its calls, also with somebody's card at what is not whole yet. */
const killsOutside = { v2: killsInAStep, v1: 9 } as const;

/** Plugged in by hand, as soon as the switch is there; who does that has made a port. */
function plugEarly({ host }: Simulator, named: (name: string) => Switch[]): void {
  const plug = async () => {
    for (const native of named('default.hyperv-outside'))
      native.ports = [{ className: 'Msvm_SwitchPort', suffix: '', values: { Name: randomUUID().toUpperCase(), EnabledState: '2' } }];
  };
  host.troubles.add('CreateSwitchPort', { kind: 'meet', act: plug }, 1);
}

async function live(t: Test, lab: HypervLab, reaper: Reaper, named: (name: string) => Switch[]): Promise<void> {
  const networks = lab.example('VirtualNetwork');
  const seen = (name: string) => named(`default.${name}`).map((native) => leads(lab.simulator, native));
  const step = async (name: string, forward: object | undefined, expected: ReturnType<typeof leads>, kills: number = killsInAStep) => {
    const before = reaper.kills;
    reaper.mayKill = before + kills;
    if (forward === undefined) {
      await world.remove('VirtualNetwork', name);
    } else {
      const [found] = networks.filter(({ metadata }) => metadata.name === name);
      await world.apply({ ...found, spec: { ...found?.spec, forward } });
      const isAsAsked = () => JSON.stringify(seen(name)) === JSON.stringify([expected]);
      await world.until('VirtualNetwork', name, (now) => isReady(now) && isAsAsked(), { timeoutMs: 300_000 });
    }
    t.same(seen(name), expected === undefined ? [] : [expected]);
    t.ok(reaper.kills > before, `${name}, ${JSON.stringify(forward)}: ${reaper.kills - before} kills`);
  };
  await step('hyperv-rear', { mode: 'None' }, { outside: 0, inside: 0 });
  await step('hyperv-rear', { mode: 'None', host: 'Attached' }, { outside: 0, inside: 1 });
  await step('hyperv-rear', { mode: 'None', host: 'Detached' }, { outside: 0, inside: 0 });
  const { mode } = lab.simulator.host.words;
  if (mode === 'v1') plugEarly(lab.simulator, named);
  await step('hyperv-outside', { mode: 'Direct', device }, { outside: 1, inside: 1 }, killsOutside[mode]);
  t.equal(named('default.hyperv-outside')[0]?.ports.length, mode === 'v1' ? 3 : 2, 'what was plugged in early is there');
  await step('hyperv-outside', undefined, undefined);
  await step('hyperv-rear', undefined, undefined);
}

for (const mode of ['v2', 'v1'] as const)
  await t.test(
    `${mode}: killing the agent at every change of a switch leaves one or none, whole, and nothing of anybody else's`,
    async (t) => {
      await using lab = await HypervLab.open({ mode, byJob: true });
      const { simulator } = lab;
      const { host } = simulator;
      const theirs = strangersSwitch(simulator);
      const others = () =>
        [...host.switches.values()].map(({ settings }) => String(settings['ElementName'])).filter((name) => !ours.includes(name));
      const had = [theirs(), others()];
      const part = (command: 'controller' | 'agent') => new OperatorProcess(command, ['hv1'], world.cluster.kubeconfigPath, lab.folder);
      await using _controller = part('controller');
      await using agent = part('agent');
      const grants = [{ name: 'outside', namespaces: { from: 'All' }, devices: [device] }];
      await world.apply(lab.secret(), lab.hypervisor({ grants }));
      await world.until('Hypervisor', 'hv1', isReady, { timeoutMs: 60_000 });
      const named = (name: string) => [...host.switches.values()].filter(({ settings }) => settings['ElementName'] === name);
      const reaper = new Reaper(simulator, agent);
      const most = mostOf(simulator, named);
      await live(t, lab, reaper, named);
      host.troubles.calm();
      t.same(Object.fromEntries(most), Object.fromEntries(ours.map((name) => [name, 1])), 'at no time were there two of one');
      t.same([theirs(), others()], had, 'what others made is as it was');
      t.same([host.wiring.bound.size, host.wiring.internal.size], [1, 0], 'and nothing of ours is left beside it');
      t.same(reaper.doubled, [], 'what is under way is left to end');
      const failed = host.jobs.all.filter(({ state }) => state !== 'done').map(({ name, failure }) => [name, failure?.message]);
      t.same(failed, [], 'no job failed, as one that is begun a second time does');
      t.notMatch(await agent.log(), /w0rd/);
      await world.remove('Hypervisor', 'hv1');
    },
  );
