import t from 'tap';
import type { VirtualMachine, VirtualMachineSpec } from '#crds/types.js';
import type { Capability, Machine, MachineId, MachineSeed, MachineShape, PowerState } from '#drivers/driver.js';
import { everything } from '#drivers/fake/capabilities.js';
import type { HostScope } from '../host/scope.js';
import type { DesiredMachine } from './desired.js';
import { planMachine } from './plan.js';
import type { MachineRecord } from './record.js';
import { decodeRecord, encodeRecord } from './record-text.js';
import { reportMachine } from './report.js';
import { machineSeed, resolveSeed } from './seed.js';

const now = Date.UTC(2030, 0);
const owner = { cluster: 'here', namespace: 'shop', name: 'web', uid: 'u-1' };
const shape: MachineShape = { cpuCount: 1, memoryBytes: 64 << 20, disks: [], interfaces: [], serial: false, rng: false };
const off: PowerState = { state: 'Off', reason: 'Unknown' };
const on: PowerState = { state: 'On', reason: 'Booted' };
const ran: MachineRecord = { boot: { number: 1, at: now - 600_000 } };
const stopped: MachineRecord = { ...ran, lastStop: { boot: 1, cause: 'Requested', at: now - 60_000 } };

const carrying = [...everything, { field: 'seeds.carried', values: ['CloudInit', 'Sysprep'] }];
/** Of a host whose files are not written any more. */
const closed: readonly Capability[] = everything.map((one) =>
  one.field === 'cloudInit' || one.field === 'sysprep' ? { ...one, values: [], reason: 'no disc is written: smb=off' } : one,
);

const told = (userData: string) => ({ cloudInit: { userData } }) as Partial<VirtualMachineSpec>;
const secret = { cloudInit: { userDataSecretRef: { name: 'web', key: 'userData' } } } as Partial<VirtualMachineSpec>;

const resource = (spec: Partial<VirtualMachineSpec>): VirtualMachine => ({
  apiVersion: 'virtwright.io/v1alpha1',
  kind: 'VirtualMachine',
  metadata: { name: 'web', namespace: 'shop', uid: 'u-1', resourceVersion: '1', generation: 1, creationTimestamp: '2030-01-01T00:00:00Z' },
  spec: { runStrategy: 'Always', stop: { mode: 'Hard', timeoutSeconds: 1 }, cpu: { count: 1 }, memory: { size: '64Mi' }, ...spec },
  status: { hypervisor: 'one' },
});

/** What is wanted of a machine with that in its manifest, on such a host, where no Secret is. */
function wanted(
  spec: Partial<VirtualMachineSpec>,
  capabilities: readonly Capability[],
  more: Partial<DesiredMachine> = {},
): DesiredMachine {
  const host: HostScope = { name: 'one', cluster: 'here', hypervisor: undefined, capabilities };
  const secretValues = () => ({ kind: 'missing', because: 'there is none' }) as const;
  const { seed, missing, refused } = resolveSeed(resource(spec), host, { instances: { get: () => undefined } as never, secretValues });
  return {
    ...{ want: 'present', host: 'one', owner, runStrategy: 'Always', keepState: true, stop: { mode: 'Hard', timeoutMs: 1_000 } },
    definition: { ...shape, uuid: 'uuid-1', nativeName: 'shop.web' },
    capabilities,
    ...(seed === undefined ? {} : { seed }),
    ...(missing.length === 0 ? {} : { missingSeed: missing }),
    ...(refused === undefined ? {} : { refusedSeed: refused }),
    ...more,
  };
}

function seedOf(userData: string): MachineSeed {
  const { seed } = wanted(told(userData), carrying);
  if (seed === undefined) throw new Error('no seed');
  const { kind, location } = machineSeed(seed);
  return { kind, location };
}

function machineWith(power: PowerState, record: MachineRecord, has: MachineSeed | undefined, more: Partial<Machine> = {}): Machine {
  const configured = has === undefined ? shape : { ...shape, seed: has };
  return {
    ...{ id: 'm' as MachineId, uuid: 'uuid-1', nativeName: 'shop.web', power, hardware: {}, configured },
    mark: { owner, record: encodeRecord(record) },
    ...(power.state === 'Off' ? {} : { live: configured }),
    ...more,
  };
}

/** What is done next, and what is said. */
function seen(desired: DesiredMachine, machine: Machine) {
  const record = decodeRecord(machine.mark?.record ?? '');
  const observed = { machine, record };
  const plan = planMachine(desired, observed, now);
  const { conditions = [], pendingChanges } = reportMachine(resource({}), { desired, observed, plan, now });
  const about = (wanted: string) => conditions.find(({ type }) => type === wanted);
  return {
    words: plan.filter(({ kind }) => kind !== 'leave').map((one) => (one.kind === 'act' ? one.action.kind : `${one.kind} ${one.reason}`)),
    define: plan.flatMap((one) => (one.kind === 'act' && one.action.kind === 'define' ? [one.action] : []))[0],
    because: plan.map(({ because }) => because).join(' '),
    ready: about('Ready'),
    compute: about('ComputeSynced'),
    pendingChanges,
  };
}

const moreMemory = { definition: { ...shape, memoryBytes: 128 << 20, uuid: 'uuid-1', nativeName: 'shop.web' } };

t.test('a machine whose host comes to take no seeds keeps its own, runs and is changed', async (t) => {
  const desired = wanted(told('one'), closed);
  t.match(desired.refusedSeed, {
    field: 'spec.cloudInit',
    because: /^spec.cloudInit: asked for, one accepts nothing [(]no disc is written: smb=off/,
  });
  const running = seen(desired, machineWith(on, ran, seedOf('one')));
  t.same(running.words, []);
  t.match([running.ready, running.compute], [{ status: 'True' }, { status: 'True', reason: 'AsDeclared' }], 'it has what is asked for');
  t.same(running.pendingChanges, undefined);
  t.same(seen(desired, machineWith(off, {}, seedOf('one'))).words, ['start'], 'for the first time, too');
  const changed = seen({ ...desired, ...moreMemory }, machineWith(on, ran, seedOf('one')));
  t.same(changed.words, ['define']);
  t.same(changed.define?.definition.seed, seedOf('one'), 'with its seed as it is, of which the content is not given');
});

t.test('another seed is refused by the name of its field, and picked up when the host takes it', async (t) => {
  const machine = machineWith(on, ran, seedOf('one'));
  const refused = seen(wanted(told('two'), closed), machine);
  t.same(refused.words, []);
  t.match(refused.ready, { status: 'True' });
  t.match(refused.compute, { status: 'False', reason: 'Unfit', message: /^spec.cloudInit: .*smb=off[)]; it keeps the seed it has$/ });
  t.match(refused.pendingChanges, [{ field: 'spec.cloudInit', class: 'Impossible', reason: /smb=off/ }]);
  const both = seen(wanted(told('two'), closed, moreMemory), machine);
  t.match([both.words, both.define?.definition], [['define'], { memoryBytes: 128 << 20, seed: seedOf('one') }]);
  t.match(seen(wanted({ sysprep: { answerFile: 'x' } }, closed), machine).compute, { message: /^spec.sysprep: / });
  t.match(seen(wanted(secret, closed), machine).compute, { reason: 'Unfit' }, 'whether that is another nobody can tell');
  const again = seen(wanted(told('two'), carrying), machine);
  t.match([again.words, again.define?.definition.seed?.location], [['define'], seedOf('two').location]);
});

t.test('what waited for the next start of a machine that runs does not wait where its host refuses it', async (t) => {
  const running = machineWith(on, ran, seedOf('two'), { live: { ...shape, seed: seedOf('one') } });
  const { words, define, compute } = seen(wanted(told('two'), closed), running);
  t.same([words, define?.definition.seed], [['define'], seedOf('one')]);
  t.match(compute, { status: 'False' });
});

t.test('without a seed nothing is made, nor booted for the first time, where it is refused; a guest that has booted goes on', async (t) => {
  for (const desired of [wanted(told('one'), closed), wanted(secret, closed)]) {
    const plan = planMachine(desired, { record: {} }, now);
    t.match(plan, [{ kind: 'refuse', reason: 'Unfit', because: /smb=off/ }], 'by what the host says, and no pool is asked for');
    t.same(seen(desired, machineWith(off, {}, undefined)).words, ['refuse Unfit']);
  }
  const { words, ready, compute } = seen(wanted(told('one'), closed), machineWith(on, ran, undefined));
  t.same(words, []);
  t.match([ready, compute], [{ status: 'True' }, { status: 'False', reason: 'Unfit', message: /it goes on without$/ }]);
  t.same(seen(wanted(told('one'), closed, moreMemory), machineWith(on, ran, undefined)).words, ['define']);
});

t.test('a machine that could not be told again is not made anew', async (t) => {
  const anew = [{ field: 'firmware.type', values: ['BIOS', 'UEFI'], change: 'Recreate' as const }];
  const withFirmware = (all: readonly Capability[]) => [...all.filter(({ field }) => field !== 'firmware.type'), ...anew];
  const more = { allow: ['Recreate'], definition: { ...moreMemory.definition, firmware: 'UEFI' } } as const;
  const machine = machineWith(off, { ...stopped, halted: true }, seedOf('one'));
  const halted = { runStrategy: 'Halted', ...more } as const;
  t.same(seen(wanted(told('one'), withFirmware(carrying), halted), machine).words, ['recreate'], 'though it would be otherwise');
  for (const desired of [wanted(told('one'), withFirmware(closed), halted), wanted(secret, withFirmware(carrying), halted)]) {
    const { words, because } = seen(desired, machine);
    t.same(words, ['refuse RecreateRequired']);
    t.match(because, /made anew it would be told nothing [(].*(smb=off|Secret "web")/);
  }
});

t.test('a machine whose Secret is gone is Ready, says so and is changed, whether its seed is left or a checkpoint cost it', async (t) => {
  const gone = wanted(secret, carrying);
  const [first] = planMachine(wanted(told('one'), carrying), { record: {} }, now);
  const { applied = '' } = first?.kind === 'act' && first.action.kind === 'define' ? decodeRecord(first.action.mark.record) : {};
  t.ok(applied);
  const machines = {
    kept: [ran, seedOf('one')],
    lost: [{ ...ran, applied }, undefined],
    half: [ran, undefined, { halfSeed: true }],
  } as const;
  for (const [name, [record, has, more]] of Object.entries(machines)) {
    const running = machineWith(on, record, has, more);
    const told = seen(gone, running);
    t.notMatch(told.words, ['wait WaitingForSeed'], name);
    t.match(told.compute, {
      ...{ status: 'False', reason: 'WaitingForSeed' },
      message: /waits for key "userData" of Secret "web": there is none; bring that back, or take it out of the manifest$/,
    });
    t.match(told.ready, { reason: has === undefined ? 'Reconciling' : 'Running' }, 'that is noted first');
    const changed = seen({ ...gone, ...moreMemory }, running);
    t.same(changed.words, ['define'], `${name}: it is changed`);
    const noted = changed.define?.mark.record ?? '';
    t.equal(decodeRecord(noted).told, has === undefined ? true : undefined);
    const later = machineWith(off, { ...decodeRecord(noted), ...stopped }, has);
    t.match(seen(gone, later).words.at(-1), 'start', `${name}: and it starts again`);
  }
  const settled = machineWith(on, { ...ran, told: true }, undefined);
  t.match([seen(gone, settled).words, seen(gone, settled).ready], [[], { status: 'True', reason: 'Running' }]);
});

t.test('one that was never told anything waits for its Secret, and what was told is forgotten once it is told again', async (t) => {
  const gone = wanted(secret, carrying);
  const [first] = planMachine(wanted({}, carrying), { record: {} }, now);
  const without = first?.kind === 'act' && first.action.kind === 'define' ? decodeRecord(first.action.mark.record) : {};
  t.ok(without.applied);
  t.same(seen(gone, machineWith(off, { ...stopped, ...without }, undefined)).words, ['wait WaitingForSeed']);
  t.same(seen(gone, machineWith(off, {}, undefined, { halfSeed: true })).words, ['wait WaitingForSeed'], 'it has yet to boot');
  t.same(seen({ ...gone, missing: ['its root'] }, machineWith(off, { ...stopped, told: true }, undefined)).words, [
    'wait WaitingForVolumes',
  ]);
  const back = seen(wanted(told('one'), carrying), machineWith(off, { ...stopped, told: true }, undefined));
  t.same(back.words, ['define', 'start']);
  const noted = (desired: DesiredMachine, has: MachineSeed | undefined) => {
    const record = encodeRecord({ ...ran, told: true });
    const plan = planMachine(desired, { machine: machineWith(on, decodeRecord(record), has), record: decodeRecord(record) }, now);
    return plan.flatMap((one) => (one.kind === 'act' && one.action.kind === 'note' ? [decodeRecord(one.action.mark.record).told] : []));
  };
  t.same(noted(wanted(told('one'), carrying), seedOf('one')), [undefined]);
  t.same(noted(wanted({}, carrying), undefined), [undefined], 'nor is it known any more of one that is to have none');
  t.same(noted(gone, undefined), []);
});
