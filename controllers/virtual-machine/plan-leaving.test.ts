import fc from 'fast-check';
import t from 'tap';
import type { Machine, MachineId, MachineShape, OwnerMark, PowerState } from '#drivers/driver.js';
import { everything } from '#drivers/fake/capabilities.js';
import type { MachineAction } from './action.js';
import type { DesiredMachine, ObservedMachine } from './desired.js';
import { planMachine } from './plan.js';
import type { RunStrategy } from './plan-action.js';
import type { MachineRecord } from './record.js';
import { decodeRecord, encodeRecord } from './record-text.js';
import { reportMachine } from './report.js';
import { rememberedRecord } from './report-run.js';

const now = Date.UTC(2030, 0);
const owner: OwnerMark = { cluster: 'here', namespace: 'shop', name: 'web', uid: 'u-1' };
const shape: MachineShape = { cpuCount: 1, memoryBytes: 64 << 20, disks: [], interfaces: [], serial: false, rng: false };
const boot = { number: 1, at: now - 600_000 };
const on: PowerState = { state: 'On', reason: 'Booted' };
const desiredWith = (given: Partial<DesiredMachine> = {}): DesiredMachine => ({
  want: 'away',
  host: 'one',
  owner,
  definition: { ...shape, uuid: 'uuid-1', nativeName: 'shop.web' },
  runStrategy: 'Always',
  keepState: true,
  stop: { mode: 'Hard', timeoutMs: 120_000 },
  capabilities: everything,
  ...given,
});
const machineWith = (power: PowerState, record: MachineRecord): Machine => ({
  id: 'm' as MachineId,
  uuid: 'uuid-1',
  nativeName: 'shop.web',
  power,
  mark: { owner, record: encodeRecord(record) },
  configured: shape,
  ...(power.state === 'Off' ? {} : { live: shape }),
  hardware: {},
});
const observed = (machine: Machine | undefined, remembered: MachineRecord): ObservedMachine =>
  machine === undefined ? { record: remembered } : { machine, record: decodeRecord(machine.mark?.record ?? '') };

/** A host that does what it is told at once. */
function obey(machine: Machine | undefined, action: MachineAction): Machine | undefined {
  const marked = 'mark' in action && action.mark !== undefined && machine !== undefined ? { ...machine, mark: action.mark } : machine;
  switch (action.kind) {
    case 'define':
      return { ...machineWith(marked?.power ?? { state: 'Off', reason: 'Unknown' }, {}), mark: action.mark };
    case 'leave':
    case 'undefine':
      return undefined;
    case 'cut':
    case 'press':
      return marked && { ...marked, power: { state: 'Off', reason: 'Cut' } };
    case 'start':
      return marked && { ...marked, power: action.paused ? { state: 'Paused', reason: 'StartingUp' } : on };
    case 'resume':
      return marked && { ...marked, power: on };
    default:
      return marked;
  }
}

interface Life {
  readonly machine: Machine | undefined;
  readonly acts: readonly MachineAction['kind'][];
  /** What a status written at the end of it remembers. */
  readonly remembered: MachineRecord;
}

/** Until nothing is left to do. Status is written before what must be said, and at the end. */
function live(desired: DesiredMachine, first: Machine | undefined, before: MachineRecord): Life {
  let machine = first;
  let remembered = before;
  const acts: MachineAction['kind'][] = [];
  const say = () => {
    const seen = observed(machine, remembered);
    remembered = rememberedRecord(reportMachine(resource, { desired, observed: seen, plan: planMachine(desired, seen, now), now }));
  };
  for (let step = 0; step < 20; step++) {
    const next = planMachine(desired, observed(machine, remembered), now).find(({ kind }) => kind === 'act');
    if (next?.kind !== 'act') break;
    if (next.sayFirst) say();
    acts.push(next.action.kind);
    machine = obey(machine, next.action);
  }
  say();
  return { machine, acts, remembered };
}

const resource = {
  apiVersion: 'virtwright.io/v1alpha1' as const,
  kind: 'VirtualMachine' as const,
  metadata: { name: 'web', namespace: 'shop', uid: 'u-1', resourceVersion: '1', generation: 1, creationTimestamp: '2030-01-01T00:00:00Z' },
  spec: {
    runStrategy: 'Always' as const,
    stop: { mode: 'Hard' as const, timeoutSeconds: 120 },
    cpu: { count: 1 },
    memory: { size: '64Mi' },
  },
};

const strategies = fc.constantFrom<RunStrategy>('Always', 'RerunOnFailure', 'Manual', 'Halted', 'Once');
const powers = fc.constantFrom<PowerState>(
  on,
  { state: 'Off', reason: 'Guest' },
  { state: 'Off', reason: 'Unknown' },
  { state: 'Paused', reason: 'User' },
  { state: 'Paused', reason: 'IOError' },
);

t.test('whoever leaves is stopped, forgotten, and elsewhere as it was', async (t) => {
  fc.assert(
    fc.property(strategies, powers, (runStrategy, power) => {
      const was = machineWith(power, power.state === 'Off' ? { boot, lastStop: { boot: 1, cause: 'Guest', at: now } } : { boot });
      const left = live(desiredWith({ runStrategy }), was, {});
      t.notOk(
        left.acts.some((act) => ['define', 'start', 'resume', 'apply', 'undefine'].includes(act)),
        left.acts.join(),
      );
      if (runStrategy === 'Once' && power.state !== 'Off') {
        t.match(left.machine?.power, power, 'it is left alone, for it would not be started again');
        return;
      }
      t.equal(left.machine, undefined);
      t.equal(left.acts.filter((act) => act === 'leave').length, 1);
      const arrived = live(desiredWith({ want: 'present', host: 'two', runStrategy }), undefined, left.remembered);
      const isOn = runStrategy === 'Always' || (power.state !== 'Off' && runStrategy !== 'Halted');
      t.equal(arrived.machine?.power.state, isOn ? 'On' : 'Off', `${runStrategy} ${power.state}`);
      const record = decodeRecord(arrived.machine?.mark?.record ?? '');
      t.equal(record.resumes, undefined);
      t.equal(record.boot?.number, isOn ? 2 : 1, 'boots are counted on');
    }),
  );
});

t.test('a machine is never forgotten while it is on, nor before its status says that it was', async (t) => {
  const plan = planMachine(desiredWith({ stop: { mode: 'Soft', timeoutMs: 0 } }), observed(machineWith(on, { boot }), {}), now);
  t.match(plan, [{ kind: 'act', action: { kind: 'press' } }]);
  const off = machineWith({ state: 'Off', reason: 'Guest' }, { boot, resumes: true, lastStop: { boot: 1, cause: 'Requested', at: now } });
  t.match(planMachine(desiredWith(), observed(off, {}), now), [{ kind: 'act', action: { kind: 'leave' }, sayFirst: true }]);
});

t.test('an action that was taken up is seen through and told of first, others wait for the next host', async (t) => {
  const action = { uid: 'a-1', verb: 'Restart' as const };
  const taken = { uid: 'a-1', at: now, boot: 1 };
  const plan = (record: MachineRecord, power = on) =>
    planMachine(desiredWith({ action }), observed(machineWith(power, record), {}), now).map((one) =>
      one.kind === 'act' ? one.action.kind : one.kind,
    );
  t.same(plan({ boot, resumes: true, action: taken }), ['cut'], 'the restart stops it');
  t.same(plan({ boot: { ...boot, number: 2 }, resumes: true, action: taken }), ['note'], 'it is over');
  t.same(plan({ boot, resumes: true, action: { ...taken, outcome: 'Succeeded' } }), ['wait'], 'that has to be told');
  t.same(plan({ boot, resumes: true }), ['cut'], 'one that nobody began');
});

t.test('what an action paused stays until it is resumed', async (t) => {
  const machine = machineWith({ state: 'Paused', reason: 'User' }, { boot, paused: true });
  t.match(planMachine(desiredWith(), observed(machine, {}), now), [{ kind: 'wait', because: /it leaves once it is resumed/ }]);
});

t.test('what its host has saved of a machine is not left behind unasked', (t) => {
  const machine = machineWith({ state: 'Off', reason: 'Saved' }, { boot, lastStop: { boot: 1, cause: 'Saved', at: now } });
  const stands = { runStrategy: 'Manual' } as const;
  t.match(planMachine(desiredWith(stands), observed(machine, {}), now), [{ kind: 'wait', reason: 'Evacuating', because: /saved/ }]);
  const dropped = { ...stands, action: { uid: 'a', verb: 'Stop', mode: 'Hard' } } as const;
  t.match(planMachine(desiredWith(dropped), observed(machine, {}), now), [{ kind: 'act', action: { kind: 'note' } }]);
  t.end();
});
