import t, { type Test } from 'tap';
import { connect, credentialKeys } from '#drivers/connect.js';
import { until } from '#test/cluster/until.js';
import { condition, type Running, useWorld } from '#test/cluster/world.js';
import { skipWhereMissing } from '#test/peers/build.js';
import { HypervLab, namespace } from './hyperv-lab.js';
import { isReady } from './lab.js';

const world = await useWorld(t);
t.setTimeout(10 * 60_000);
await world.kubectl('create', 'namespace', namespace);

/** As the examples have it. */
const device = 'Intel(R) 82574L Gigabit Network Connection #2';
const start = () => world.start({ connect, credentialKeys, hypervisors: ['hv1'], namespace, pace: { glanceMs: 150, resyncMs: 300 } });

/** What is looked at, and nothing but that. */
const isLook = (what: string): boolean => /^(Enumerate|Pull|Get|Release|Subscribe|Unsubscribe)\b/.test(what) || /\.Get\w+$/.test(what);
/** Once for each look at all that machines are made of. */
const isFullLook = (what: string): boolean => /^Enumerate SELECT .* FROM Msvm_ProcessorSettingData/.test(what);

class Watch {
  readonly #lab: HypervLab;
  readonly #t: Test;
  #from = 0;

  constructor(t: Test, lab: HypervLab) {
    this.#t = t;
    this.#lab = lab;
    this.#from = lab.simulator.host.asked.length;
  }

  get since(): readonly string[] {
    return this.#lab.simulator.host.asked.slice(this.#from);
  }

  /** All is looked at four more times from now on, and since the last call nothing was asked but looks. */
  async nothingBut(why: string, hasCome: (since: readonly string[]) => boolean = () => true): Promise<void> {
    await until(async () => hasCome(this.since));
    const from = this.since.length;
    await until(async () => this.since.slice(from).filter(isFullLook).length >= 4);
    this.#t.same(
      this.since.filter((what) => !isLook(what)),
      [],
      why,
    );
    this.#from = this.#lab.simulator.host.asked.length;
  }
}

/** Machines of the examples, and one beside them for the switches that none of those is on. */
function beside(mode: 'v1' | 'v2') {
  const outside = { name: 'out', networkRef: { name: 'hyperv-outside' }, vlan: 40 };
  const interfaces = [{ name: 'rear', networkRef: { name: 'hyperv-rear' } }, outside];
  const placement = { hypervisorSelector: { matchLabels: { hypervisor: 'hyperv' } } };
  const ignition = { config: JSON.stringify({ ignition: { version: '3.4.0' }, rest: 'x'.repeat(3000) }) };
  const told = mode === 'v1' ? { ignition } : { cloudInit: { userData: '#cloud-config' } };
  const spec = { placement, cpu: { count: 1 }, memory: { size: '64Mi' }, interfaces, ...told };
  return { kind: 'VirtualMachine', metadata: { name: 'beside', namespace: 'default' }, spec };
}

async function allReady(names: readonly string[]): Promise<void> {
  for (const name of ['mail', 'beside']) await world.until('VirtualMachine', name, isReady, { timeoutMs: 120_000 });
  for (const name of names) await world.until('StorageVolume', name, isReady, { timeoutMs: 120_000 });
}

for (const mode of ['v2', 'v1'] as const)
  await t.test(`${mode}: what is as the examples say is looked at, and never changed`, async (t) => {
    await using lab = await HypervLab.open({ mode, files: true }).catch((reason) => skipWhereMissing(t, reason));
    const { simulator } = lab;
    let operator: Running = await start();
    t.teardown(() => operator.stop());
    const granted = { name: 'outside', namespaces: { from: 'All' }, devices: [device], vlans: [40] };
    const examples = lab.examples();
    await world.apply(...examples, beside(mode));
    await world.kubectl(
      'patch',
      'hypervisor',
      'hv1',
      '--type=json',
      '-p',
      JSON.stringify([{ op: 'add', path: '/spec/grants/-', value: granted }]),
    );
    const volumes = examples.filter(({ kind }) => kind === 'StorageVolume').map(({ metadata }) => metadata.name);
    await allReady(volumes);
    // What says that a volume is not whole yet is taken away a moment after it is.
    await until(async () => !(await lab.files()).some((name) => name.includes('.incomplete.')));
    const writes = () => [...simulator.host.machines.values()].map((machine) => machine.writes);
    const [written, watch] = [writes(), new Watch(t, lab)];

    await watch.nothingBut('by itself');
    await world.apply(...lab.example('VirtualMachine'), ...lab.example('StorageVolume'), beside(mode));
    await world.kubectl('annotate', 'virtualmachine,storagevolume,virtualnetwork,storagepool,hypervisor', '--all', '--overwrite', 'a=b');
    await watch.nothingBut('applied again, and annotated');
    simulator.cut();
    await watch.nothingBut('when every connection broke');
    simulator.forget();
    const isHeard = (since: readonly string[]) => mode === 'v1' || since.some((what) => what.startsWith('Subscribe'));
    await watch.nothingBut('when the host forgot who listens, and hears us again', isHeard);
    await operator.stop();
    operator = await start();
    await allReady(volumes);
    await watch.nothingBut('by an agent that is new to it', isHeard);
    t.same(writes(), written);

    await world.kubectl('patch', 'virtualmachine', 'mail', '--type=merge', '-p', '{"spec":{"cpu":{"count":4}}}');
    await world.until('VirtualMachine', 'mail', (seen) => condition(seen, 'RestartRequired')?.status === 'True');
    const waiting = new Watch(t, lab);
    await waiting.nothingBut('while a change waits for the next start');
    await operator.stop();
    operator = await start();
    await waiting.nothingBut('nor by a new agent', isHeard);
    await world.kubectl('patch', 'virtualmachine', 'mail', '--type=merge', '-p', '{"spec":{"runStrategy":"Halted"}}');
    await world.until('VirtualMachine', 'mail', (seen) => isReady(seen) && seen.status?.power?.state === 'Stopped', { timeoutMs: 120_000 });
    await new Watch(t, lab).nothingBut('once it is stopped');

    for (const name of ['mail', 'beside']) {
      await world.kubectl('patch', 'virtualmachine', name, '--type=merge', '-p', '{"spec":{"stop":{"mode":"Hard"}}}');
      await world.remove('VirtualMachine', name);
    }
    for (const kind of ['StorageVolume', 'VirtualNetwork', 'StoragePool', 'Hypervisor'] as const) {
      const names = examples.filter((one) => one.kind === kind).map(({ metadata }) => metadata.name);
      if (kind === 'StorageVolume') names.reverse();
      await world.remove(kind, ...names);
    }
  });
