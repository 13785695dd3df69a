import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { credentialKeys } from '#drivers/connect.js';
import { defineMachine } from '#simulators/hyperv/model/definitions.js';
import { parentMark } from '#simulators/hyperv/model/device.js';
import type { Machine } from '#simulators/hyperv/model/machine.js';
import { addDevice } from '#simulators/hyperv/model/resources.js';
import { newSwitch } from '#simulators/hyperv/model/switch.js';
import type { Trouble } from '#simulators/hyperv/model/troubles.js';
import { useWorld } from '#test/cluster/world.js';
import { HypervLab, namespace } from './hyperv-lab.js';
import { bomb, disk, impatient, machine, Stage, volume } from './hyperv-stage.js';

const world = await useWorld(t);
t.setTimeout(15 * 60_000);
await world.kubectl('create', 'namespace', namespace);

type Scene = (t: Test, stage: Stage) => Promise<void>;
const halted = { runStrategy: 'Halted' };
const always = { runStrategy: 'Always' };

/** A machine that others made, off. */
const stranger = ({ lab: { simulator } }: Stage, ElementName: string): Promise<Machine> =>
  defineMachine(simulator.host, { className: 'Msvm_VirtualSystemSettingData', values: { ElementName } }, []);

/** Puts a file into a drive of theirs. */
async function give({ lab: { simulator } }: Stage, native: Machine, file: string): Promise<void> {
  const { types, subType, place, imageClass, file: property } = simulator.host.words;
  const ide = native.devices.find(({ values }) => values['ResourceType'] === types.ide);
  if (ide === undefined) throw new Error('no IDE');
  const kindOf = (type: string, name: string) => ({ ResourceType: type, ResourceSubType: subType(name) });
  const wish = { ...kindOf(types.diskDrive, 'Synthetic Disk Drive'), Parent: parentMark(ide), [place]: '0' };
  const drive = await addDevice(simulator.host, native, { className: 'Msvm_ResourceAllocationSettingData', values: wish });
  const image = { ...kindOf(types.image, 'Virtual Hard Disk'), Parent: parentMark(drive), [property]: [file] };
  await addDevice(simulator.host, native, { className: imageClass, values: image });
}

const busy: Scene = async (t, stage) => {
  const { host } = stage.lab.simulator;
  await world.apply(machine('m'));
  await world.until('VirtualMachine', 'm', ({ status }) => status?.power?.state === 'Running');
  const native = stage.lab.simulator.machineNamed('default.m');
  if (native === undefined) throw new Error('no machine');
  native.transition = 'pausing';
  await stage.patch('VirtualMachine', 'm', halted);
  await stage.says('VirtualMachine', 'm', /^Conflict: RequestStateChange [(]Off[)]: .*invalid state.*has to end first/);
  native.transition = undefined;
  await world.until('VirtualMachine', 'm', ({ status }) => status?.power?.state === 'Stopped');
  // As another life of ours left it, or somebody at Hyper-V Manager.
  let release = () => {};
  const until = new Promise<void>((resolve) => {
    release = resolve;
  });
  host.jobs.start('Modify it', 'Msvm_ConcreteJob', () => until, { type: host.words.mode === 'v2' ? 2 : 0, affects: native.id });
  const { writes } = native;
  await stage.patch('VirtualMachine', 'm', { memory: { size: '96Mi' } });
  await stage.says('VirtualMachine', 'm', /^Busy: the host is still at "Modify it" [(]job .*waiting for it, or end it in Hyper-V Manager/);
  t.equal(native.writes, writes, 'nothing is changed beside it');
  release();
  await stage.isReady('VirtualMachine', 'm');
  t.equal(native.number('Msvm_MemorySettingData', 'VirtualQuantity'), 96);
  await world.remove('VirtualMachine', 'm');
};

const stuckJob: Scene = async (t, stage) => {
  const { simulator } = stage.lab;
  await world.apply(machine('m'));
  await world.until('VirtualMachine', 'm', ({ status }) => status?.power?.state === 'Running');
  let release = () => {};
  const until = new Promise<void>((resolve) => {
    release = resolve;
  });
  simulator.host.troubles.add('RequestStateChange', { kind: 'hold', until }, 1);
  const stuck = /^Stopping: the machine is about to be off; the host is at "default[.]m: off" [(]job .{36}[)]$/;
  await stage.patch('VirtualMachine', 'm', halted);
  await stage.says('VirtualMachine', 'm', stuck);
  await stage.patch('VirtualMachine', 'm', { memory: { size: '96Mi' } });
  await world.delete('VirtualMachine', 'm');
  await world.until('VirtualMachine', 'm', (seen) => seen.metadata.deletionTimestamp !== undefined);
  await stage.says('VirtualMachine', 'm', stuck);
  t.ok(simulator.machineNamed('default.m'), 'nothing is done beside it');
  release();
  await world.untilGone('VirtualMachine', 'm');
  t.notOk(simulator.machineNamed('default.m'));
};

const fullDrives: Scene = async (t, stage) => {
  const { simulator } = stage.lab;
  const resumed = () => simulator.host.asked.filter((what) => what.endsWith('.RequestStateChange')).length;
  const before = resumed();
  simulator.setFull(true);
  await stage.says('VirtualMachine', 'steady', /^IOError: paused by an error of its disk; make room or mend the disk$/);
  await world.until('VirtualMachine', 'steady', ({ status }) => status?.power?.reason === 'IOError');
  t.equal(resumed() - before, 1, 'tried once, and then only now and again');
  simulator.setFull(false);
  await stage.isReady('VirtualMachine', 'steady');
};

const diskInUse: Scene = async (t, stage) => {
  await world.apply(volume('m'));
  const { status } = await stage.isReady('StorageVolume', 'm');
  const theirs = await stranger(stage, 'theirs');
  await give(stage, theirs, status?.location ?? '');
  theirs.enter('running');
  await world.apply(machine('m', { disks: [disk('m')] }));
  await stage.says(
    'VirtualMachine',
    'm',
    /RequestStateChange [(]Start[)]: .*default[.]m.*used by another process; see which machine or program has it/,
  );
  t.same([theirs.state, theirs.writes], ['running', 2]);
  stage.lab.simulator.host.machines.delete(theirs.id);
  await stage.isReady('VirtualMachine', 'm');
  await world.remove('VirtualMachine', 'm');
  await world.remove('StorageVolume', 'm');
};

const twoOfOneName: Scene = async (t, stage) => {
  const { host } = stage.lab.simulator;
  const first = await stranger(stage, 'default.m');
  await world.apply(machine('m', halted));
  await stage.says('VirtualMachine', 'm', /^NotOurs: hv1 has a machine default[.]m .*rename or remove it there/);
  t.same([host.machines.size, first.writes], [2, 0]);
  host.machines.delete(first.id);
  await stage.calm('VirtualMachine', 'm');
  await stage.isReady('VirtualMachine', 'm');
  const second = await stranger(stage, 'default.m');
  await stage.patch('VirtualMachine', 'm', always);
  await world.until('VirtualMachine', 'm', ({ status }) => status?.power?.state === 'Running');
  await world.remove('VirtualMachine', 'm');
  t.same([host.machines.size, host.machines.get(second.id)?.state, second.writes], [2, 'off', 0], 'theirs is neither started nor taken');
  host.machines.delete(second.id);
};

const names: Scene = async (t, stage) => {
  const { simulator, folder } = stage.lab;
  const hostile = "it's %_[a] 'or' 1=1";
  for (const name of [hostile, "it's xxa 'or' 1=1"]) await mkdir(join(folder, `D/${name}`), { recursive: true });
  const net = `it's "LAN" \\ %_[a]`;
  for (const ElementName of [net, `it's "LAN" \\ xxa`]) {
    const made = newSwitch({ ElementName });
    simulator.host.switches.set(made.id, made);
  }
  const own = { hypervisorSelector: { matchLabels: { hypervisor: 'hyperv' } } };
  const grant = [{ op: 'add', path: '/spec/grants/-', value: { name: 'hostile', namespaces: { from: 'All' }, networks: [net] } }];
  await world.kubectl('patch', 'hypervisor', 'hv1', '--type=json', '-p', JSON.stringify(grant));
  await world.apply(
    { kind: 'StoragePool', metadata: { name: 'hostile' }, spec: { ...own, existing: { name: `d:\\${hostile}` } } },
    { kind: 'VirtualNetwork', metadata: { name: 'hostile', namespace: 'default' }, spec: { ...own, existing: { name: net } } },
    volume('m', { poolRef: { name: 'hostile' } }),
    machine('m', { disks: [disk('m')], interfaces: [{ name: 'lan', networkRef: { name: 'hostile' } }] }),
  );
  await world.until('VirtualMachine', 'm', ({ status }) => status?.power?.state === 'Running');
  await stage.isReady('VirtualMachine', 'm');
  t.match(await stage.isReady('StorageVolume', 'm'), { status: { location: `d:\\${hostile}\\default.m` } });
  await world.remove('VirtualMachine', 'm');
  await world.remove('StorageVolume', 'm');
  await world.remove('VirtualNetwork', 'hostile');
  await world.remove('StoragePool', 'hostile');
};

/** Whatever is asked of the host, as long as it lasts. */
const everything =
  (trouble: Trouble, told: RegExp): Scene =>
  async (_, stage) => {
    stage.lab.simulator.host.troubles.add('Enumerate', trouble);
    await stage.says('Hypervisor', 'hv1', told);
    await stage.calm('Hypervisor', 'hv1');
    await stage.isReady('Hypervisor', 'hv1');
    await stage.isReady('VirtualMachine', 'steady');
  };

const scenes: Readonly<Record<string, Scene>> = {
  'a machine between two states, and one that the host is at': busy,
  'a job of our own that does not end': stuckJob,
  "a disk that others' machine runs with": diskInUse,
  'two machines of one name': twoOfOneName,
  'names with quotes and what WQL means otherwise': names,
  'answers that are bombs of XML': everything({ kind: 'reply', text: bomb }, /^Internal: .*document type declaration is not accepted/),
  'questions that are too large': everything({ kind: 'status', status: 413 }, /^Exhausted: .*413.*MaxEnvelopeSizekb/),
};

for (const mode of ['v2', 'v1'] as const)
  await t.test(`${mode}: bad input is told with its remedy, costs nothing else anything, and is over when it is`, async (t) => {
    await using lab = await HypervLab.open({ mode });
    const pace = { glanceMs: 500, resyncMs: 2_000 };
    await using _operator = await world.start({ connect: impatient, credentialKeys, hypervisors: ['hv1'], namespace, pace });
    const stage = await Stage.open(world, lab);
    const files = await lab.files();
    for (const [name, scene] of Object.entries(scenes))
      await t.test(name, async (t) => {
        await scene(t, stage);
        t.same([stage.lost, await lab.files()], [[], files]);
      });
    // Last, as nothing on the host is spared.
    await t.test('a host whose drives are full', (t) => fullDrives(t, stage));
    await stage.close();
  });
