import fc from 'fast-check';
import t from 'tap';
import type { Capability, Machine, MachineId, MachineShape, PowerState } from '#drivers/driver.js';
import { type AllowedClass, changeClasses, classOf } from './classes.js';
import type { DesiredMachine } from './desired.js';
import { differences } from './difference.js';
import { needsRestart, pendingChanges, whyWaiting } from './live.js';
import { planMachine } from './plan.js';
import { type MachineRecord, noteAsked, noteBoot, noteRefused } from './record.js';
import { decodeRecord, encodeRecord } from './record-text.js';

const now = Date.UTC(2026, 0, 1);
const owner = { cluster: 'c1', namespace: 'shop', name: 'web', uid: 'uid-1' };
const shape: MachineShape = {
  cpuCount: 1,
  maxCpuCount: 4,
  memoryBytes: 64 << 20,
  firmware: 'BIOS',
  disks: [{ name: 'root', location: '/p/root', format: 'Raw', bus: 'VirtioBlk' }],
  interfaces: [],
  serial: false,
  rng: false,
};
const plain: readonly Capability[] = [
  { field: 'nativeName' },
  { field: 'cpu.count', min: 1, max: 8, change: 'Hotplug' },
  { field: 'cpu.maxCount', min: 1, max: 8 },
  { field: 'memory.size', change: 'Live' },
  { field: 'firmware.type', values: ['BIOS', 'UEFI'] },
  { field: 'boot.order' },
  { field: 'devices.rng' },
  { field: 'disks.format', values: ['Raw'] },
  { field: 'disks.bus', values: ['VirtioBlk'] },
];
const asGeneration: readonly Capability[] = plain.map((one) =>
  one.field === 'firmware.type' ? { ...one, change: 'Recreate', reason: 'a generation is for life' } : one,
);

const desiredWith = (asked: Partial<MachineShape>, given: Partial<DesiredMachine> = {}): DesiredMachine => ({
  want: 'present',
  host: 'one',
  owner,
  definition: { ...shape, ...asked, uuid: 'uuid-1', nativeName: 'shop.web' },
  runStrategy: 'Always',
  keepState: true,
  stop: { mode: 'TrySoft', timeoutMs: 120_000 },
  capabilities: plain,
  ...given,
});
const on: PowerState = { state: 'On', reason: 'Booted' };
const off: PowerState = { state: 'Off', reason: 'Guest' };
const booted: MachineRecord = { boot: { number: 1, at: now - 600_000 } };
const machineWith = (power: PowerState, configured: Partial<MachineShape> = {}, record = booted): Machine => ({
  id: 'm' as MachineId,
  uuid: 'uuid-1',
  nativeName: 'shop.web',
  power,
  mark: { owner, record: encodeRecord(record) },
  configured: { ...shape, ...configured },
  ...(power.state === 'Off' ? {} : { live: shape }),
  hardware: {},
});
const planOf = (desired: DesiredMachine, machine: Machine) =>
  planMachine(desired, { machine, record: decodeRecord(machine.mark?.record ?? '') }, now);
const acts = (desired: DesiredMachine, machine: Machine) =>
  planOf(desired, machine).map((decision) => (decision.kind === 'act' ? decision.action.kind : `${decision.kind} ${decision.reason}`));
const all: readonly AllowedClass[] = ['Live', 'Hotplug', 'Restart', 'Recreate'];

t.test('a change has a class and a reason, by the host as it is connected', async (t) => {
  const judged = (asked: Partial<MachineShape>, capabilities = plain, running = true) =>
    differences(shape, { ...shape, ...asked }).map((found) => classOf(found, { capabilities, running, host: 'one' }));
  t.match(judged({ cpuCount: 2 }), [{ class: 'Hotplug', reason: /hardware comes or goes/ }]);
  t.match(judged({ cpuCount: 5, maxCpuCount: 5 }), [{ class: 'Restart', reason: 'runs with room for 4 CPUs' }, { class: 'Restart' }]);
  t.match(judged({ memoryBytes: 32 << 20 }), [{ class: 'Live' }]);
  t.match(judged({ memoryBytes: 128 << 20 }), [{ class: 'Restart', reason: 'runs with room for 64Mi' }]);
  t.match(judged({ bootOrder: [{ kind: 'disk', name: 'root' }] }), [{ class: 'NextBoot' }]);
  t.match(judged({ seed: { kind: 'CloudInit', location: '/p/seed' } }), [{ class: 'NextBoot' }]);
  t.match(judged({ firmware: 'UEFI' }), [{ class: 'Restart' }]);
  t.match(judged({ firmware: 'UEFI' }, asGeneration), [
    { class: 'Recreate', reason: 'one cannot change it in a machine that is there (a generation is for life)' },
  ]);
  t.match(judged({ firmware: 'UEFI' }, asGeneration, false), [{ class: 'Recreate' }], 'also one that is off');
  t.match(judged({ rng: true, cpuCount: 5 }, plain, false), [{ class: 'Live', reason: 'the machine is off' }, { class: 'Live' }]);
  const misfits = [{ field: 'cpu.count', path: 'spec.cpu.count', given: 9, accepted: 'at most 8' }];
  const [count] = differences(shape, { ...shape, cpuCount: 9 });
  if (count === undefined) throw new Error('a difference');
  t.match(classOf(count, { capabilities: plain, running: false, misfits, host: 'one' }), {
    class: 'Impossible',
    reason: 'spec.cpu.count: 9 given, one accepts at most 8',
  });
});

t.test('a restart happens by itself exactly where its class says so, and it was allowed', async (t) => {
  const changed = { rng: true };
  const waiting = machineWith(on, changed);
  t.same(acts(desiredWith(changed), waiting), [], 'nobody allowed it');
  t.same(acts(desiredWith(changed, { allow: all }), waiting), ['press']);
  t.same(acts(desiredWith(changed, { allow: ['Restart'], stop: { mode: 'Hard', timeoutMs: 0 } }), waiting), ['cut']);
  for (const runStrategy of ['Manual', 'RerunOnFailure', 'Always'] as const) {
    const [press] = planOf(desiredWith(changed, { allow: all, runStrategy }), waiting);
    if (press?.kind !== 'act' || press.action.kind !== 'press') throw new Error('a press');
    const noted = decodeRecord(press.action.mark.record);
    t.match(noted, { resumes: true }, 'that it goes on is written down first');
    const stopped = { ...machineWith(off, changed, noted) };
    t.match(acts(desiredWith(changed, { allow: all, runStrategy }), stopped).at(-1), 'start', `${runStrategy} goes on`);
  }
  t.same(acts(desiredWith(changed, { allow: all, runStrategy: 'Once' }), waiting), [], 'once is once');
  const boot = { bootOrder: [{ kind: 'disk' as const, name: 'root' }] };
  t.same(acts(desiredWith(boot, { allow: all }), machineWith(on, boot)), [], 'what is read at a start waits for one');
  const memory = { memoryBytes: 32 << 20 };
  t.same(acts(desiredWith(memory, { allow: all }), machineWith(on, memory)), ['apply'], 'what goes without goes without');
  t.same(acts(desiredWith(memory, { allow: ['Restart'] }), machineWith(on, memory)), [], 'and is neither done nor restarted for');
  t.same(acts(desiredWith({}, { allow: all }), machineWith(on)), [], 'nothing waits');
});

t.test('what the host refused while it runs is restarted for', async (t) => {
  const asked = { cpuCount: 2 };
  const refused = (times: number, forGood: boolean) => {
    const tried = Array.from({ length: times }).reduce((record: MachineRecord) => noteAsked(record, 'cpu 2', now), booted);
    return machineWith(on, asked, noteRefused(tried, 'cpu 2', 'no slot', forGood));
  };
  t.same(acts(desiredWith(asked), refused(1, true)), ['leave RestartRequired']);
  t.match(acts(desiredWith(asked, { allow: all }), refused(1, true)), ['leave RestartRequired', 'press']);
  t.same(acts(desiredWith(asked, { allow: all }), refused(1, false)), ['leave RestartRequired'], 'what it lacks for now is asked for anew');
  t.same(acts(desiredWith(asked, { allow: all }), refused(2, false)), ['leave RestartRequired']);
  t.match(acts(desiredWith(asked, { allow: all }), refused(3, false)), ['leave RestartRequired', 'press']);
});

t.test('a weight that the host cannot give is not restarted for: it could not start the machine, either', async (t) => {
  const asked = { cpuShares: 50 };
  const refused = noteRefused(noteAsked(booted, 'cpuShares 50', now), 'cpuShares 50', 'no cgroups', true);
  const machine = machineWith(on, asked, refused);
  const capabilities = [...plain, { field: 'cpu.shares', change: 'Live' as const }];
  t.same(acts(desiredWith(asked, { allow: all, capabilities }), machine), ['leave Unsupported']);
  const [change] = pendingChanges(machine, capabilities);
  if (change === undefined) throw new Error('nothing differs');
  t.equal(whyWaiting(change, refused.live?.[change.key]), 'the host cannot change it, nor start the machine with it (no cgroups)');
  t.notOk(needsRestart(change, refused));
});

t.test('what a restart does not bring about is not restarted for again', async (t) => {
  const changed = { rng: true };
  const desired = desiredWith(changed, { allow: all });
  const noted = (from: Machine): MachineRecord => {
    const [first] = planOf(desired, from);
    if (first?.kind !== 'act' || !('mark' in first.action) || first.action.mark === undefined) throw new Error('an act with a mark');
    return decodeRecord(first.action.mark.record);
  };
  const pressed = noted(machineWith(on, changed));
  t.match(pressed.restartedFor, [/^[0-9a-f]{8}$/], 'what it is for is written down before');
  const later = now + 11_000;
  const again = planMachine(desired, { machine: machineWith(on, changed, pressed), record: pressed }, later);
  t.match(again, [{ action: { kind: 'press' } }], 'a stop under way is seen through');
  const stubborn = noteBoot(noted(machineWith(off, changed, pressed)), now);
  t.match(stubborn.restartedFor, pressed.restartedFor, 'a boot does not forget it');
  t.same(acts(desired, machineWith(on, changed, stubborn)), [], 'it still does not have it, and goes on');
  const other = { rng: true, serial: true };
  t.match(acts(desiredWith(other, { allow: all }), machineWith(on, other, stubborn)), ['press'], 'another change is another matter');
  t.match(acts(desiredWith({}, { allow: all }), machineWith(on, {}, stubborn)), ['note']);
  t.strictSame(noted(machineWith(on, {}, stubborn)).restartedFor, undefined, 'forgotten once nothing waits');
});

t.test('a machine is made anew only once the action that was taken up is told of', async (t) => {
  const given = { capabilities: asGeneration, allow: all, action: { uid: 'a-1', verb: 'Restart' as const } };
  const record: MachineRecord = { ...booted, resumes: true, action: { uid: 'a-1', at: now, boot: 1, outcome: 'Succeeded' } };
  const desired = desiredWith({ firmware: 'UEFI' }, given);
  t.match(acts(desired, machineWith(off, {}, record)), ['wait RecreateRequired', 'start']);
  const { action: _, ...told } = desired;
  t.ok(acts(told, machineWith(off, {}, record)).includes('recreate'), 'then it is');
});

t.test('a machine is made anew by a word alone, stopped first, and with what it wrote down kept', async (t) => {
  const asked = { firmware: 'UEFI' as const };
  const given = { capabilities: asGeneration };
  const stopped: MachineRecord = { ...booted, lastStop: { boot: 1, cause: 'Requested', at: now }, resumes: true };
  t.match(planOf(desiredWith(asked, given), machineWith(on)), [
    { kind: 'refuse', reason: 'RecreateRequired', because: /generation is for life.*add Recreate to spec.updatePolicy.allow/ },
  ]);
  t.match(acts(desiredWith(asked, { ...given, allow: ['Live', 'Hotplug', 'Restart'] }), machineWith(on)), ['refuse RecreateRequired']);
  t.same(acts(desiredWith(asked, { ...given, allow: all }), machineWith(on)), ['press']);
  t.same(acts(desiredWith(asked, { ...given, allow: all }), machineWith(off, {}, stopped))[0], 'recreate');
  t.match(
    acts(desiredWith(asked, { ...given, allow: all, runStrategy: 'Once' }), machineWith(on)),
    ['refuse RecreateRequired'],
    'what runs once is not stopped',
  );
  const adopted: MachineRecord = { ...stopped, adopted: { kept: 'sound' } };
  const unsaid = planOf(desiredWith(asked, { ...given, allow: all }), machineWith(off, {}, adopted)).find(({ kind }) => kind === 'refuse');
  t.match(unsaid?.because, /no manifest can say \(sound\)/, 'nor made without what it was adopted with');
  t.ok(
    acts(desiredWith(asked, { ...given, allow: all, forgets: true }), machineWith(off, {}, adopted)).includes('recreate'),
    'but by a word',
  );
  const many = { cpuShares: 500 };
  const capabilities: readonly Capability[] = [...asGeneration, { field: 'cpu.shares' }];
  const ungranted = desiredWith({ ...asked, ...many }, { allow: all, capabilities, ungrantedShares: 'spec.cpu.shares: 500 given' });
  t.same(acts(ungranted, machineWith(off, many, stopped))[0], 'refuse NotGranted', 'nor taken away what would not be had again');
});

t.test('whatever is asked: every class is one of ours, and nothing stops a machine that nobody allowed to be stopped', async (t) => {
  const asks: fc.Arbitrary<Partial<MachineShape>> = fc.record(
    {
      cpuCount: fc.integer({ min: 1, max: 9 }),
      memoryBytes: fc.integer({ min: 1, max: 200 }).map((size) => size << 20),
      firmware: fc.constantFrom('BIOS' as const, 'UEFI' as const),
      rng: fc.boolean(),
      serial: fc.boolean(),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(asks, asks, fc.subarray([...all]), fc.constantFrom(plain, asGeneration), (is, asked, allow, capabilities) => {
      const stops = acts(desiredWith(asked, { allow, capabilities }), machineWith(on, is)).some((one) => one === 'press' || one === 'cut');
      const found = differences({ ...shape, ...is }, { ...shape, ...asked });
      for (const one of found) t.ok(changeClasses.includes(classOf(one, { capabilities, running: true }).class));
      return !stops || allow.includes('Restart') || allow.includes('Recreate');
    }),
    { numRuns: 300 },
  );
});
