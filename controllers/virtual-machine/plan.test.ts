import fc from 'fast-check';
import t from 'tap';
import type { VirtualMachine, VirtualMachineStatus } from '#crds/types.js';
import type { Machine, MachineId, MachineShape, OwnerMark, PowerReason, PowerState } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { everything } from '#drivers/fake/capabilities.js';
import type { AnyAction, Plan } from '../plan.js';
import type { DesiredMachine } from './desired.js';
import { differences as differencesOf, fieldsOf } from './difference.js';
import { planMachine } from './plan.js';
import type { RequestedAction } from './plan-action.js';
import { learn, type MachineRecord, noteBoot, noteFailedStart, retryAt } from './record.js';
import { decodeRecord, encodeRecord } from './record-text.js';
import { reportMachine } from './report.js';
import { rememberedRecord } from './report-run.js';

const now = Date.UTC(2030, 0);
const seconds = 1_000;
const minutes = 60 * seconds;
const owner: OwnerMark = { cluster: 'here', namespace: 'shop', name: 'web', uid: 'u-1' };
const shape: MachineShape = {
  cpuCount: 1,
  memoryBytes: 64 << 20,
  disks: [{ name: 'root', location: '/p/root', format: 'Qcow2' }],
  interfaces: [],
  serial: false,
  rng: false,
};
const desiredWith = (given: Partial<DesiredMachine> = {}): DesiredMachine => ({
  want: 'present',
  host: 'one',
  owner,
  definition: { ...shape, uuid: 'uuid-1', nativeName: 'shop.web' },
  runStrategy: 'Always',
  keepState: true,
  stop: { mode: 'TrySoft', timeoutMs: 120 * seconds },
  capabilities: everything,
  ...given,
});
const machineWith = (power: PowerState, record: MachineRecord = {}, given: Partial<Machine> = {}): Machine => ({
  id: 'm' as MachineId,
  uuid: 'uuid-1',
  nativeName: 'shop.web',
  power,
  mark: { owner, record: encodeRecord(record) },
  configured: shape,
  ...(power.state === 'Off' ? {} : { live: shape }),
  hardware: {},
  ...given,
});
const off = (reason: PowerReason = 'Unknown'): PowerState => ({ state: 'Off', reason });
const on: PowerState = { state: 'On', reason: 'Booted' };
const paused = (reason: PowerReason = 'User'): PowerState => ({ state: 'Paused', reason });
const stopping: PowerState = { state: 'Stopping', reason: 'Guest' };
const first = { number: 1, at: now - 10 * minutes };
const ran = (cause: 'Guest' | 'Orderly' | 'Crashed' | 'Requested' | 'Cut' | 'Unknown' = 'Guest'): MachineRecord => ({
  boot: first,
  lastStop: { boot: 1, cause, at: now - minutes },
});

const differences = (...shapes: Parameters<typeof differencesOf>) => fieldsOf(differencesOf(...shapes));
/** Of a host on which everything waits for the next start. */
const unchanging = everything.map(({ change: _, ...rest }) => rest);

const planOf = (desired: DesiredMachine, machine: Machine, at = now) =>
  planMachine(desired, { machine, record: decodeRecord(machine.mark?.record ?? '') }, at);
/** A plan in a few words: acts, waits and refusals, in their order. */
const words = <A extends AnyAction>(plan: Plan<A>) =>
  plan.map((one) =>
    one.kind === 'act' ? `${one.action.kind}${'paused' in one.action && one.action.paused ? ' paused' : ''}` : `${one.kind} ${one.reason}`,
  );
const recordOf = (plan: ReturnType<typeof planOf>): MachineRecord => {
  const action = plan.find((one) => one.kind === 'act')?.action;
  return action !== undefined && 'mark' in action && action.mark !== undefined ? decodeRecord(action.mark.record) : {};
};

t.test('what is carried is looked for before a start, but not before what was saved goes on', (t) => {
  const content = { kind: 'Ignition', files: [{ name: 'config', content: Buffer.from('{}') }] } as const;
  const desired = desiredWith({ seed: { kind: 'carried', nativeName: 's', content } });
  const seeded = { configured: { ...shape, seed: { kind: 'Ignition', location: 's' } } } as const;
  t.same(words(planOf(desired, machineWith(off(), ran(), seeded))), ['define', 'start']);
  t.same(words(planOf(desired, machineWith(off('Saved'), ran(), seeded))), ['start']);
  t.end();
});

t.test('no machine boots for the first time without the seed that its host refuses', (t) => {
  const desired = desiredWith({ refusedSeed: { field: 'spec.cloudInit', because: 'spec.cloudInit: there is no way to its files' } });
  const failed = [0, 1].reduce<MachineRecord>((record) => noteFailedStart(noteBoot(record, now), 'no', now - 60 * minutes), {});
  for (const half of [{ halfSeed: true }, {}] as const) {
    t.match(planOf(desired, machineWith(off(), {}, half)), [{ kind: 'refuse', reason: 'Unfit', because: /no way to its files/ }]);
    t.same(words(planOf(desired, machineWith(off(), failed, half))), ['refuse Unfit'], 'a start that the host refused was no boot');
    t.same(words(planOf({ ...desired, runStrategy: 'Halted' }, machineWith(off(), {}, half))), ['refuse Unfit']);
    const action: RequestedAction = { uid: 'a-1', verb: 'Start' };
    t.same(words(planOf({ ...desired, runStrategy: 'Manual', action }, machineWith(off(), {}, half))).slice(-1), ['refuse Unfit']);
    const booted = words(planOf(desired, machineWith(off(), ran(), half)));
    t.same(booted, [...('halfSeed' in half ? ['define'] : []), 'start'], 'its guest has booted before');
  }
  const seeded = { configured: { ...shape, seed: { kind: 'CloudInit', location: 's' } } } as const;
  t.match(words(planOf(desired, machineWith(off(), {}, seeded))).slice(-1), ['start']);
  t.end();
});

t.test('half a seed is taken away from a machine that is off, also when no other is wanted and nothing starts it', (t) => {
  const half = { halfSeed: true } as const;
  const halted = desiredWith({ runStrategy: 'Halted', seedByDefault: true });
  const [define] = planOf(halted, machineWith(off(), {}, half));
  t.match(define, { kind: 'act', action: { kind: 'define', definition: { seed: undefined } }, because: 'half a seed is taken away' });
  t.same(words(planOf(halted, machineWith(off(), {}))), [], 'and once it is whole nothing is left to do');
  t.notMatch(words(planOf(halted, machineWith(off('Saved'), {}, half))), ['define']);
  t.notMatch(words(planOf({ ...halted, runStrategy: 'Always' }, machineWith(on, { boot: first }, half))), ['define']);
  t.end();
});

t.test("what of Ignition's JSON is not ASCII counts as it reaches the guest", (t) => {
  const capabilities = [...everything, { field: 'ignition.size', max: 20 }];
  const planned = (config: string) => {
    const content = { kind: 'Ignition', files: [{ name: 'config', content: Buffer.from(config) }] } as const;
    const desired = desiredWith({ seed: { kind: 'carried', nativeName: 's', content }, capabilities });
    return planMachine(desired, { record: {} }, now).map(({ kind, because }) => `${kind}: ${because}`);
  };
  t.match(planned('{"a":"äa"}'), [/^act: /]);
  t.same(planned('{"a":"ää€"}'), ['refuse: spec.ignition, with \\u for what is not ASCII: 26 given, one accepts at most 20']);
  t.end();
});

t.test('what each run strategy does with a machine in each state', async (t) => {
  const running: MachineRecord = { boot: first };
  const rows: readonly (readonly [
    strategy: DesiredMachine['runStrategy'],
    power: PowerState,
    record: MachineRecord,
    words: readonly string[],
  ])[] = [
    ['Always', off(), {}, ['start']],
    ['Always', off(), ran('Requested'), ['start']],
    ['Always', off('Guest'), running, ['start']],
    ['Always', off('Cut'), running, ['start']],
    ['Always', off('Saved'), running, ['start']],
    ['Always', on, running, []],
    ['Always', on, {}, ['note']],
    ['Always', on, ran(), ['note']],
    ['Always', stopping, running, ['wait Stopping']],
    ['Always', paused(), running, ['resume']],
    ['Always', paused('StartingUp'), running, ['resume']],
    ['Always', paused('Unknown'), running, ['resume']],
    ['Always', paused('Busy'), running, ['wait HostBusy']],
    ['Always', paused('IOError'), running, ['resume']],
    ['Always', paused('IOError'), { ...running, resumedAt: now - 29 * seconds }, ['wait IOError']],
    ['Always', paused('IOError'), { ...running, resumedAt: now - 30 * seconds }, ['resume']],
    ['Always', paused('Crashed'), running, ['note', 'cut']],
    ['Always', paused('Crashed'), ran('Crashed'), ['cut']],
    ['Always', paused(), { ...running, paused: true }, []],
    ['Always', on, { ...running, paused: true }, ['note']],
    ['Always', on, { ...running, stopRequestedAt: now, pressedAt: now }, ['note']],
    ['RerunOnFailure', off(), {}, ['start paused']],
    ['RerunOnFailure', off('Guest'), running, ['note']],
    ['RerunOnFailure', off('Guest'), ran(), []],
    ['RerunOnFailure', off('Cut'), ran('Cut'), []],
    ['RerunOnFailure', off('Cut'), ran('Requested'), []],
    ['RerunOnFailure', off('Orderly'), running, ['note']],
    ['RerunOnFailure', off('Orderly'), ran('Orderly'), []],
    ['Always', off('Orderly'), running, ['start']],
    ['RerunOnFailure', off('Crashed'), running, ['note', 'start paused']],
    ['RerunOnFailure', off(), ran('Unknown'), ['start paused']],
    ['RerunOnFailure', paused('StartingUp'), ran('Crashed'), ['resume']],
    ['Once', off(), {}, ['start paused']],
    ['Once', off(), running, ['note']],
    ['Once', off('Crashed'), ran('Crashed'), []],
    ['Once', paused('StartingUp'), {}, ['resume']],
    ['Once', paused(), running, ['resume']],
    ['Once', on, {}, ['note']],
    ['Once', on, running, []],
    ['Manual', off(), {}, []],
    ['Manual', on, running, []],
    ['Manual', paused(), running, []],
    ['Halted', off(), {}, []],
    ['Halted', off('Guest'), running, ['note']],
    ['Halted', off('Guest'), ran('Guest'), ['note']],
    ['Halted', off('Guest'), { ...ran('Guest'), halted: true }, []],
    ['RerunOnFailure', off('Guest'), { ...ran('Guest'), halted: true }, ['start paused']],
    ['Once', off('Guest'), { ...ran('Guest'), halted: true }, []],
    ['Halted', on, running, ['press']],
    ['Halted', stopping, running, ['wait Stopping']],
    ['Halted', paused(), running, ['press']],
    ['Halted', paused('StartingUp'), {}, ['cut']],
    ['Halted', paused('StartingUp'), running, ['press']],
    ['Halted', paused('Crashed'), ran('Crashed'), ['cut']],
    ['Halted', paused('Busy'), running, ['wait HostBusy']],
  ];
  for (const [runStrategy, power, record, expected] of rows)
    t.same(
      words(planOf(desiredWith({ runStrategy }), machineWith(power, record))),
      expected,
      `${runStrategy} ${power.state} ${power.reason} ${JSON.stringify(record)}`,
    );
});

t.test('a machine between two states says what its host is at, whatever is asked of it', (t) => {
  const underWay = '"web: off" (job 7)';
  const told = (power: PowerState, given: Partial<DesiredMachine>) =>
    planOf(desiredWith(given), machineWith(power, { boot: first }, { underWay })).map(({ kind, because }) => `${kind}: ${because}`);
  const offSoon = ['wait: the machine is about to be off; the host is at "web: off" (job 7)'];
  for (const given of [{}, { runStrategy: 'Halted' }, { want: 'absent' }] as const) t.same(told(stopping, given), offSoon);
  t.same(told({ state: 'On', reason: 'Unknown' }, {}), ['wait: the host is still at "web: off" (job 7)']);
  t.end();
});

t.test('what a boot leaves in the record is written before the guest may run', async (t) => {
  const always = planOf(desiredWith(), machineWith(off(), ran()));
  t.match(recordOf(always).boot, { number: 2, at: now });
  const once = planOf(desiredWith({ runStrategy: 'Once' }), machineWith(off()));
  t.same(recordOf(once), {}, 'a paused guest has not run yet');
  t.match(recordOf(planOf(desiredWith({ runStrategy: 'Once' }), machineWith(paused('StartingUp')))).boot, { number: 1, at: now });
  const blunt = { capabilities: everything.filter(({ field }) => field !== 'power.startPaused') };
  const onceThere = planOf(desiredWith({ runStrategy: 'Once', ...blunt }), machineWith(off()));
  t.same(words(onceThere), ['start'], 'a host that cannot start it paused is not asked to');
  t.match(recordOf(onceThere).boot, { number: 1, at: now }, 'so the boot is noted first');
  t.match(onceThere, [{ action: { record: { boot: undefined } } }], 'and not noted when the host refuses it');
  t.same(
    words(planOf(desiredWith({ runStrategy: 'Once', ...blunt }), machineWith(off(), { boot: first }))),
    ['note'],
    'never a second time',
  );
  const others = recordOf(planOf(desiredWith(), machineWith(on, ran('Crashed'))));
  t.match(others.boot, { number: 2 }, 'a machine that another hand started runs in a boot of its own');
  const kept = recordOf(planOf(desiredWith(), machineWith(paused('IOError'), { boot: first })));
  t.same(learn(kept, on, now), kept);
  t.same(words(planOf(desiredWith(), machineWith(on, kept))), [], 'when it was resumed is kept while it runs');
});

t.test('a stop is asked for, again, and then cut, as its mode says', async (t) => {
  const halted = (mode: 'Soft' | 'TrySoft' | 'Hard') => desiredWith({ runStrategy: 'Halted', stop: { mode, timeoutMs: 60 * seconds } });
  const asked = (ago: number, pressed = ago): MachineRecord => ({ boot: first, stopRequestedAt: now - ago, pressedAt: now - pressed });
  const rows = [
    ['Hard', { boot: first }, ['cut']],
    ['TrySoft', { boot: first }, ['press']],
    ['TrySoft', asked(5 * seconds), ['wait Stopping']],
    ['TrySoft', asked(10 * seconds), ['press']],
    ['TrySoft', asked(60 * seconds, 5 * seconds), ['cut']],
    ['Soft', asked(60 * seconds, 5 * seconds), ['wait Stopping']],
    ['Soft', asked(60 * minutes, 10 * seconds), ['press']],
  ] as const;
  for (const [mode, record, expected] of rows)
    t.same(words(planOf(halted(mode), machineWith(on, record))), expected, `${mode} ${JSON.stringify(record)}`);
  t.match(recordOf(planOf(halted('TrySoft'), machineWith(on, asked(10 * seconds)))), {
    stopRequestedAt: now - 10 * seconds,
    pressedAt: now,
  });
  const waits = planOf(halted('TrySoft'), machineWith(on, asked(55 * seconds, 9 * seconds)));
  t.match(waits, [{ recheckMs: 1 * seconds }]);
  t.match(recordOf(planOf(halted('Hard'), machineWith(on, { boot: first }))), { stopRequestedAt: now }, 'what we cut was asked for');
  t.equal(learn(asked(9), off('Guest'), now).lastStop?.cause, 'Requested');
  const clockSetBack = planOf(halted('TrySoft'), machineWith(on, { boot: first, stopRequestedAt: now + 1e9, pressedAt: now + 1e9 }));
  t.match(clockSetBack, [{ kind: 'act' }, { kind: 'wait', recheckMs: 10 * seconds }]);
});

t.test('quick stops in a row are followed by ever longer waits, others are not', async (t) => {
  let record: MachineRecord = {};
  const waits: number[] = [];
  for (let stop = 0, at = now; stop < 9; stop++) {
    record = learn({ ...record, boot: { number: stop + 1, at } }, off('Guest'), at + 1);
    waits.push(Math.max(0, retryAt(record) - at - 1) / seconds);
    at += 10 * minutes;
  }
  t.same(waits, [0, 10, 20, 40, 80, 160, 300, 300, 300]);
  const steady = learn({ ...record, boot: { number: 20, at: now } }, off('Crashed'), now + 5 * minutes);
  t.equal(steady.failures, 1);
  t.equal(learn({ ...record, boot: { number: 20, at: now } }, off('Cut'), now + 1).failures, 0, 'a hand is no failure');
  const at = Number(record.lastStop?.at);
  const waiting = planOf(desiredWith(), machineWith(off('Guest'), record), at + 1);
  t.match(waiting, [{ reason: 'CrashLoopBackOff', recheckMs: 5 * minutes - 1, because: /in a row \(Guest\); next start at 20/ }]);
  t.same(
    planOf(desiredWith(), machineWith(off('Guest'), record), at + 2).map(({ because }) => because),
    waiting.map(({ because }) => because),
    'no news, no write',
  );
  t.same(words(planOf(desiredWith(), machineWith(off('Guest'), record), at + 5 * minutes)), ['start']);
  const failed = noteFailedStart({ boot: first, failures: 1 }, new DriverError('Exhausted', 'no memory'), now);
  t.match(planOf(desiredWith(), machineWith(off('Failed'), failed)), [{ because: /no memory/, recheckMs: 10 * seconds }]);
});

t.test('actions, from being taken up to their end', async (t) => {
  const { action: requested, after, verdictOf } = actions();
  const rows: readonly (readonly [RequestedAction['verb'], DesiredMachine['runStrategy'], PowerState, MachineRecord, string])[] = [
    ['Start', 'Halted', off(), {}, 'Failed: runStrategy is Halted'],
    ['Start', 'Once', off(), ran(), 'Failed: runStrategy is Once'],
    ['Start', 'Manual', paused(), { boot: first }, 'Failed: the machine is paused'],
    ['Stop', 'Always', on, { boot: first }, 'Failed: runStrategy Always'],
    ['Restart', 'Once', on, { boot: first }, 'Failed: runStrategy Once'],
    ['Restart', 'Halted', on, { boot: first }, 'Failed: runStrategy Halted'],
    ...(['Restart', 'Pause', 'Resume', 'Reset'] as const).map((verb) => [verb, 'Manual', off(), {}, 'Failed: the machine is off'] as const),
    ['Start', 'Manual', off(), {}, 'taken'],
    ['Stop', 'Manual', off(), {}, 'taken'],
  ];
  for (const [verb, runStrategy, power, record, expected] of rows)
    t.match(verdictOf(requested(verb), runStrategy, power, record), new RegExp(`^${expected}`), `${verb} ${runStrategy} ${power.state}`);

  for (const [verb, field, instead] of [
    ['Reset', 'power.reset', 'use Restart with mode Hard'],
    ['Pause', 'power.pause', 'use Stop'],
  ] as const) {
    const lacking = desiredWith({
      runStrategy: 'Manual',
      action: requested(verb),
      capabilities: everything.filter((each) => each.field !== field),
    });
    const noted = recordOf(planOf(lacking, machineWith(on, { boot: first }))).action;
    t.match(
      noted,
      { outcome: 'Failed', message: `${lacking.host} has no ${verb} (${field}); ${instead}` },
      `${verb}, where a host has none`,
    );
  }

  const steps: readonly (readonly [RequestedAction['verb'], PowerState, MachineRecord, string])[] = [
    ['Start', off(), {}, 'start paused'],
    ['Start', paused('StartingUp'), {}, 'resume'],
    ['Start', on, { boot: first }, 'Succeeded'],
    ['Start', paused('IOError'), { boot: { number: 1, at: now } }, 'Succeeded'],
    ['Stop', on, { boot: first }, 'press'],
    ['Stop', off(), ran(), 'Succeeded'],
    ['Restart', on, { boot: first }, 'press'],
    ['Restart', off(), ran(), 'start paused'],
    ['Restart', paused('StartingUp'), ran(), 'resume'],
    ['Restart', on, { boot: { number: 2, at: now } }, 'Succeeded'],
    [
      'Restart',
      off('Guest'),
      { boot: { number: 2, at: now }, lastStop: { boot: 2, cause: 'Guest', at: now } },
      'Failed: the machine started and was off',
    ],
    ['Pause', on, { boot: first }, 'pause'],
    ['Pause', paused(), { boot: first, paused: true }, 'Succeeded'],
    ['Pause', off(), ran(), 'Failed: the machine went off before'],
    ['Pause', paused('Crashed'), ran('Crashed'), 'Failed: the guest crashed before'],
    ['Resume', paused(), { boot: first, paused: true }, 'resume'],
    ['Resume', paused('Crashed'), ran('Crashed'), 'cut'],
    ['Resume', on, { boot: first }, 'Succeeded'],
    ['Reset', on, { boot: first }, 'reset'],
    ['Reset', off(), ran(), 'Failed: the machine went off before'],
    ['Save', on, { boot: first }, 'save'],
    ['Save', off('Saved'), ran(), 'Succeeded'],
    ['Save', off(), ran(), 'Failed: the machine went off before'],
    ['Save', paused('Busy'), { boot: first }, 'wait HostBusy'],
    ['Save', paused(), { boot: first, paused: true }, 'Failed: the machine is paused; use Resume'],
    ['Stop', off('Saved'), ran(), 'Succeeded'],
  ];
  for (const [verb, power, record, expected] of steps) {
    const found = verb === 'Start' ? 0 : 1;
    t.match(after(requested(verb), power, record, found), new RegExp(`^${expected}`), `${verb} ${power.state} ${JSON.stringify(record)}`);
  }
  t.match(after({ ...requested('Reset') }, on, { boot: first }, 1, { begun: true }), /^Failed: interrupted while resetting/);
  t.match(
    after(requested('Start'), off('Failed'), { lastStop: { boot: 0, cause: 'Failed', at: now, message: 'no memory' } }, 0, { begun: true }),
    /^Failed: no memory/,
  );
  const soft = { boot: first, stopRequestedAt: now - 121 * seconds, pressedAt: now };
  t.match(after({ ...requested('Stop'), mode: 'Soft' }, on, soft, 1), /^Failed: the guest did not power off within 120 s/);
  t.match(after({ ...requested('Stop'), mode: 'TrySoft' }, on, soft, 1), /^cut/);
  t.match(after({ ...requested('Stop'), mode: 'Hard' }, off('Saved'), ran(), 1), /^cut/);
  t.match(verdictOf(requested('Start'), 'Once', off('Saved'), ran()), /^taken/);
  t.match(after(requested('Start'), off('Saved'), ran(), 1), /^start$/, 'and not paused first');
  t.match(verdictOf(requested('Save'), 'Always', on, { boot: first }), /^Failed: runStrategy Always would start it again/);
  t.same(
    words(
      planOf(
        desiredWith({ action: requested('Start') }),
        machineWith(on, { boot: first, action: { uid: 'a', at: now, boot: 1, outcome: 'Succeeded' } }),
      ),
    ),
    [],
  );
});

function actions() {
  const action = (verb: RequestedAction['verb']): RequestedAction => ({ uid: 'a', verb });
  const told = (plan: ReturnType<typeof planOf>): string => {
    const { action: noted } = recordOf(plan);
    if (words(plan)[0] !== 'note' || noted === undefined) return words(plan).join(' ');
    return noted.outcome === undefined ? 'taken' : noted.outcome === 'Failed' ? `Failed: ${noted.message}` : noted.outcome;
  };
  const verdictOf = (asked: RequestedAction, runStrategy: DesiredMachine['runStrategy'], power: PowerState, record: MachineRecord) =>
    told(planOf(desiredWith({ runStrategy, action: asked }), machineWith(power, record)));
  const after = (asked: RequestedAction, power: PowerState, record: MachineRecord, boot: number, taken: { begun?: true } = {}) =>
    told(
      planOf(
        desiredWith({ runStrategy: 'Manual', action: asked }),
        machineWith(power, { ...record, action: { uid: 'a', at: now, boot, ...taken } }),
      ),
    );
  return { action, after, verdictOf };
}

t.test('a machine is defined, edited where it differs, taken over, left to strangers, and removed', async (t) => {
  const desired = desiredWith();
  t.same(words(planMachine(desired, { record: {} }, now)), ['define']);
  t.same(words(planMachine(desiredWith({ want: 'absent' }), { record: {} }, now)), [], 'never defined, and deleted');
  const tooBig = desiredWith({ definition: { ...desired.definition, cpuCount: 1_000 } });
  t.match(planMachine(tooBig, { record: {} }, now), [{ kind: 'refuse', reason: 'Unfit', because: /spec.cpu.count: 1000 given/ }]);
  const waits = desiredWith({ missing: ['volume "root": none'] });
  t.same(words(planMachine(waits, { record: {} }, now)), ['wait WaitingForVolumes']);
  t.same(words(planOf(waits, machineWith(off(), ran()))), ['wait WaitingForVolumes'], 'is not started without them');
  t.same(
    words(planOf({ ...waits, runStrategy: 'Halted' }, machineWith(on, { boot: first }))),
    ['press', 'wait WaitingForVolumes'],
    'and stopped all the same',
  );

  const drifted = (power: PowerState, record: MachineRecord) => machineWith(power, record, { configured: { ...shape, cpuCount: 2 } });
  t.same(words(planOf(desired, drifted(off(), ran()))), ['define', 'start']);
  t.same(words(planOf(desired, drifted(on, { boot: first }))), ['define']);
  t.same(
    words(planOf(desiredWith({ runStrategy: 'Halted' }), drifted(on, { boot: first }))),
    ['press', 'define'],
    'a refused definition stops no stop',
  );
  t.same(words(planOf(tooBig, machineWith(off(), ran()))), ['refuse Unfit', 'start']);
  const { configured: _, ...undefinedWhileRunning } = machineWith(on, { boot: first });
  t.same(words(planOf(desired, undefinedWhileRunning)), ['define']);

  const stranger = (mark?: OwnerMark) => {
    const { mark: _mark, ...machine } = machineWith(off());
    return { ...machine, ...(mark === undefined ? {} : { mark: { owner: mark, record: '{"failures":3}' } }) };
  };
  const plan = (mark?: OwnerMark, given: Partial<DesiredMachine> = {}) =>
    planMachine(desiredWith(given), { stranger: stranger(mark), record: {} }, now);
  const earlier = { ...owner, uid: 'u-0' };
  t.same(words(plan()), ['refuse NotOurs']);
  t.same(words(plan({ ...earlier, cluster: 'there' })), ['refuse NotOurs']);
  t.same(words(plan({ ...earlier, name: 'db' }, { takeOver: 'All' })), ['refuse NotOurs']);
  const renamed = (mark: OwnerMark, given: Partial<DesiredMachine> = {}) =>
    planMachine(desiredWith(given), { stranger: { ...stranger(mark), nativeName: 'mail.secret' }, record: {} }, now);
  const hidden = { ...earlier, namespace: 'mail', name: 'secret' };
  const taken = (which: string) =>
    `spec.uuid: uuid-1 given, and ${which} on one has it; make a new VirtualMachine without it, or with another`;
  const gives = { givesUuid: true } as const;
  t.match(renamed({ ...earlier, name: 'db' }, gives), [{ reason: 'NotOurs', because: taken('machine mail.secret') }]);
  t.match(renamed(hidden, gives), [{ reason: 'NotOurs', because: taken('a machine of another namespace') }]);
  const copied = (which: string) =>
    `${which} on one has this machine's uuid uuid-1, as a copy of it does; give that one another uuid there, or delete it`;
  t.match(renamed({ ...earlier, name: 'db' }), [{ reason: 'NotOurs', because: copied('machine mail.secret') }]);
  t.match(renamed(hidden), [{ reason: 'NotOurs', because: copied('a machine of another namespace') }]);
  t.match(renamed(earlier), [{ reason: 'RestoredOrCopied' }], 'its own former one is told as before');
  t.match(plan(earlier), [{ reason: 'RestoredOrCopied', because: /take-over=u-0/ }]);
  t.same(words(plan(earlier, { takeOver: 'u-9' })), ['refuse RestoredOrCopied']);
  t.same(words(plan(earlier, { takeOver: 'All' })), ['takeOver']);
  t.match(plan(earlier, { takeOver: 'u-0' }), [{ action: { from: earlier, mark: { owner, record: '{"failures":3}' } } }]);
  t.same(words(plan(earlier, { want: 'absent', takeOver: 'u-0' })), [], 'deletion touches nothing of others');

  const removal = desiredWith({ want: 'absent', action: { uid: 'a', verb: 'Start' } });
  t.same(words(planOf(removal, machineWith(on, { boot: first }))), ['press']);
  t.same(words(planOf(removal, machineWith(off(), ran()))), ['undefine']);
});

t.test('differences name the fields, and absent wishes are none', async (t) => {
  t.same(
    differences({ ...shape, disks: [{ name: 'root', location: '/p/root', format: 'Qcow2', bus: 'VirtioBlk', serial: 's' }] }, shape),
    [],
  );
  const boot = { kernel: '/k', initrd: '/i', commandLine: 'quiet' };
  t.same(
    differences(shape, {
      cpuCount: 2,
      memoryBytes: 1,
      disks: [{ name: 'data', location: '/d', format: 'Raw' }],
      interfaces: [],
      serial: true,
      rng: true,
      boot,
    }),
    [
      'spec.cpu.count',
      'spec.memory.size',
      'spec.boot.kernel.volumeRef',
      'spec.boot.kernel.initrdVolumeRef',
      'spec.boot.kernel.commandLine',
      'spec.disks[data]',
      'spec.disks[root]',
      'spec.devices.serial',
      'spec.devices.rng',
    ],
  );
});

const time = fc.integer({ min: 0, max: now });
const text = fc.string({ unit: 'binary', maxLength: 400 });
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const records: fc.Arbitrary<MachineRecord> = fc
  .record({
    boot: optional(fc.record({ number: fc.nat(), at: time })),
    lastStop: optional(
      fc.record({
        boot: fc.nat(),
        cause: fc.constantFrom('Requested', 'Guest', 'Cut', 'Orderly', 'Crashed', 'Failed', 'Saved', 'Unknown'),
        at: time,
      }),
    ),
    failures: optional(fc.nat()),
    stopRequestedAt: optional(time),
    pressedAt: optional(time),
    resumedAt: optional(time),
    paused: optional(fc.constant(true as const)),
    live: optional(
      fc.dictionary(fc.constantFrom('cpu 2', 'disk data none'), fc.record({ at: time, times: fc.integer({ min: 1 }) }), {
        minKeys: 1,
        noNullPrototype: true,
      }),
    ),
    action: optional(fc.record({ uid: fc.uuid(), at: time, boot: fc.nat(), begun: fc.constant(true as const) })),
  })
  .map((record) => JSON.parse(JSON.stringify(record)) as MachineRecord);
const powers = fc.constantFrom(
  on,
  stopping,
  off(),
  off('Guest'),
  off('Crashed'),
  off('Failed'),
  paused(),
  paused('StartingUp'),
  paused('Crashed'),
  paused('IOError'),
);

t.test('a record survives being written, and what others wrote into it does no harm', async () => {
  fc.assert(fc.property(records, (record) => t.strictSame(decodeRecord(encodeRecord(record)), record)));
  const hostile = fc.oneof(
    fc.string(),
    fc.json(),
    fc
      .object({ key: fc.constantFrom('boot', 'at', 'number', 'lastStop', 'action', 'uid', 'failures') })
      .map((value) => JSON.stringify(value)),
  );
  fc.assert(
    fc.property(hostile, powers, (given, power) => {
      const machine = { ...machineWith(power), mark: { owner, record: given } };
      const plan = planOf(desiredWith(), machine);
      reportMachine(resourceWith({}), { desired: desiredWith(), observed: { machine, record: decodeRecord(given) }, plan, now });
      t.strictSame(decodeRecord(encodeRecord(decodeRecord(given))), decodeRecord(given));
    }),
  );
  fc.assert(
    fc.property(text, text, (message, other) => {
      const failed = noteFailedStart(
        { boot: first, action: { uid: 'x'.repeat(64), at: now, boot: 1 } },
        new DriverError('Internal', message.repeat(9)),
        now,
      );
      const record = decodeRecord(
        encodeRecord({ ...failed, action: { uid: 'x'.repeat(64), at: now, boot: 1, outcome: 'Failed', message: other.repeat(9) } }),
      );
      t.ok(Buffer.byteLength(encodeRecord(record)) <= 4096 && !/\p{C}/u.test(encodeRecord(record)), 'every host can hold it');
    }),
  );
});

t.test('what is learnt is learnt once', async () => {
  fc.assert(
    fc.property(records, powers, (record, power) => {
      const learnt = learn(record, power, now);
      t.equal(encodeRecord(learn(learnt, power, now + 1)), encodeRecord(learnt));
    }),
  );
});

function resourceWith(status: VirtualMachineStatus, given: Partial<VirtualMachine['metadata']> = {}): VirtualMachine {
  const metadata = {
    name: 'web',
    namespace: 'shop',
    uid: 'u-1',
    resourceVersion: '1',
    generation: 2,
    creationTimestamp: '2030-01-01T00:00:00Z',
    ...given,
  };
  const spec: VirtualMachine['spec'] = {
    runStrategy: 'Always',
    stop: { mode: 'TrySoft', timeoutSeconds: 120 },
    cpu: { count: 1 },
    memory: { size: '64Mi' },
  };
  return { apiVersion: 'virtwright.io/v1alpha1', kind: 'VirtualMachine', metadata, spec, status };
}

const statusOf = (machine: Machine, desired = desiredWith(), before: VirtualMachineStatus = { hypervisor: 'one' }, given = {}) => {
  const record = decodeRecord(machine.mark?.record ?? '');
  return reportMachine(resourceWith(before, given), {
    desired,
    observed: { machine, record },
    plan: planMachine(desired, { machine, record }, now),
    now,
  });
};
const conditionOf = ({ conditions = [] }: VirtualMachineStatus, type: string) => {
  const { status, reason } = conditions.find((one) => one.type === type) ?? { status: 'none', reason: 'none' };
  return `${status} ${reason}`;
};

t.test('status says how things stand', async (t) => {
  const running = machineWith(on, { boot: first });
  const rows: readonly (readonly [VirtualMachineStatus, printable: string | undefined, ready: string, power: string])[] = [
    [statusOf(running), 'Running', 'True Running', 'True AsDeclared'],
    [statusOf(machineWith(off(), ran())), 'Starting', 'False Starting', 'False Changing'],
    [
      statusOf(machineWith(off(), { ...ran(), halted: true }), desiredWith({ runStrategy: 'Halted' })),
      'Stopped',
      'True Stopped',
      'True AsDeclared',
    ],
    [statusOf(machineWith(off(), ran()), desiredWith({ runStrategy: 'Once' })), 'Completed', 'True Completed', 'True AsDeclared'],
    [statusOf(machineWith(paused(), { boot: first, paused: true })), 'Paused', 'True Paused', 'True AsDeclared'],
    [statusOf(running, desiredWith({ want: 'absent' }), {}, { deletionTimestamp: 'x' }), 'Terminating', 'False Stopping', 'False Changing'],
    [
      statusOf(running, desiredWith({ definition: { ...desiredWith().definition, cpuCount: 999 } })),
      'Running',
      'False Unfit',
      'True AsDeclared',
    ],
  ];
  for (const [status, printable, ready, power] of rows)
    t.same([status.printableStatus, conditionOf(status, 'Ready'), conditionOf(status, 'PowerSynced')], [printable, ready, power]);

  const pending = statusOf({ ...running, live: { ...shape, cpuCount: 2 } }, desiredWith({ capabilities: unchanging }));
  t.match([pending.pendingChanges, conditionOf(pending, 'RestartRequired')], [[{ field: 'spec.cpu.count' }], 'True PendingChanges']);
  const lost = reportMachine(resourceWith(pending), { failure: new DriverError('Unavailable', 'gone'), now });
  t.same([lost.printableStatus, lost.power?.state, conditionOf(lost, 'Ready')], ['Unknown', 'Unknown', 'Unknown Unavailable']);
  t.same(
    [lost.pendingChanges, lost.run, conditionOf(lost, 'RestartRequired')],
    [pending.pendingChanges, pending.run, 'True PendingChanges'],
    'nothing flaps when a host is lost',
  );
});

t.test('what cannot be noted is no news at every look', async (t) => {
  const machine = machineWith(off('Guest'), { boot: first });
  const failure = new DriverError('Denied', 'no');
  const at = (when: number) =>
    reportMachine(resourceWith({}), {
      desired: desiredWith(),
      observed: { machine, record: { boot: first } },
      plan: [],
      failure,
      now: when,
    }).run;
  t.same(at(now), at(now + minutes));
});

t.test('status remembers what the machine took along', async () => {
  fc.assert(
    fc.property(records, (record) => {
      const run = (known: MachineRecord) =>
        reportMachine(resourceWith({}), { desired: desiredWith(), observed: { record: known }, plan: [], now }).run;
      const told = run(record);
      if (record.boot === undefined) return;
      const { stopRequestedAt: _, ...rest } = told ?? {};
      t.strictSame(run(rememberedRecord(told === undefined ? undefined : { run: told })), rest);
      t.equal(rememberedRecord(told === undefined ? {} : { run: told }).boot?.number, record.boot.number);
    }),
  );
});

const lan = { name: 'eth', network: 'br-lan' };
const wired = { ...shape, interfaces: [{ ...lan, model: 'Virtio' as const, macAddress: '52:54:00:00:00:01' }] };

t.test('interfaces differ by what was asked of them, and by name', async (t) => {
  t.same(differences(wired, { ...shape, interfaces: [lan] }), []);
  const asked = (change: object) => differences(wired, { ...shape, interfaces: [{ ...lan, ...change }] });
  for (const change of [{ network: 'br-dmz' }, { model: 'E1000e' }, { macAddress: '52:54:00:00:00:02' }])
    t.same(asked(change), ['spec.interfaces[eth]'], JSON.stringify(change));
  t.same(asked({ name: 'other' }), ['spec.interfaces[other]', 'spec.interfaces[eth]']);
  t.same(differences(wired, shape), ['spec.interfaces[eth]']);
});

t.test('a machine waits for its networks, and one that runs goes on', async (t) => {
  const missing = desiredWith({ missingNetworks: ['network "lan": there is none on one'] });
  t.same(words(planMachine(missing, { record: {} }, now)), ['wait WaitingForNetworks']);
  t.same(words(planOf(missing, machineWith(off(), ran()))), ['wait WaitingForNetworks']);
  const running = planOf(missing, machineWith(on, { boot: first }));
  t.same(words(running), ['wait WaitingForNetworks']);
  const both = desiredWith({ missing: ['volume "root": not ready'], missingNetworks: ['network "lan": not ready'] });
  t.same(words(planMachine(both, { record: {} }, now)), ['wait WaitingForVolumes', 'wait WaitingForNetworks']);
  t.same(words(planOf(desiredWith({ ...both, runStrategy: 'Halted' }), machineWith(on, { boot: first }))).slice(0, 1), ['press']);
});

t.test('a grant that is taken away stops new attachments only', async (t) => {
  const because = 'network "lan": not granted to namespace "shop" on one';
  const definition = { ...shape, interfaces: [lan], uuid: 'uuid-1', nativeName: 'shop.web' };
  const revoked = desiredWith({ definition, revoked: [{ ...lan, because }] });
  t.same(words(planMachine(revoked, { record: {} }, now)), ['wait WaitingForNetworks'], 'a new machine');
  t.same(words(planOf(revoked, machineWith(off(), ran()))), ['wait WaitingForNetworks'], 'a new interface');
  const elsewhere = { ...wired, interfaces: [{ ...lan, network: 'br-other' }] };
  t.same(
    words(planOf(revoked, machineWith(on, { boot: first }, { configured: elsewhere }))),
    ['wait WaitingForNetworks'],
    'another network',
  );
  t.same(words(planOf(revoked, machineWith(off(), ran(), { configured: wired }))), ['start'], 'what is attached stays so');
  const tagged = { ...definition, interfaces: [{ ...lan, vlan: 40 }] };
  const behind = desiredWith({ definition: tagged, revoked: [{ ...lan, vlan: 40, because }] });
  t.same(words(planOf(behind, machineWith(off(), ran(), { configured: wired }))), ['wait WaitingForNetworks'], 'and gets no tag');
  const has = { ...wired, interfaces: wired.interfaces.map((one) => ({ ...one, vlan: 40 })) };
  t.same(words(planOf(behind, machineWith(off(), ran(), { configured: has }))), ['start'], 'but keeps one that it has');
  const attached = machineWith(on, { boot: first }, { configured: wired, live: wired });
  t.same(words(planOf(revoked, attached)), []);
});

t.test('shares without a grant: a definition keeps what it has, and gets no more', async (t) => {
  const asking = desiredWith({
    definition: { ...desiredWith().definition, cpuShares: 500 },
    ungrantedShares: 'spec.cpu.shares: 500 given',
  });
  const withShares = (cpuShares: number) => machineWith(off(), ran(), { configured: { ...shape, cpuShares } });
  t.same(words(planMachine(asking, { record: {} }, now)), ['refuse NotGranted'], 'a new machine');
  t.same(words(planOf(asking, machineWith(off(), ran()))), ['refuse NotGranted'], 'one that says nothing of them');
  t.same(words(planOf(asking, withShares(499))), ['refuse NotGranted'], 'one with fewer');
  t.same(words(planOf(asking, withShares(500))), ['start'], 'one that has them from before');
  t.same(words(planOf(asking, withShares(900))), ['define', 'start'], 'one that has more');
});

t.test('status tells the interfaces, and how they stand', async (t) => {
  const interfaces = [{ name: 'eth', networkRef: { name: 'lan' }, linkState: 'Up' as const }];
  const told = (desired: DesiredMachine, machine: Machine) => {
    const plan = planOf(desired, machine);
    const resource = { ...resourceWith({}), spec: { ...resourceWith({}).spec, interfaces } };
    return reportMachine(resource, { desired, observed: { machine, record: { boot: first } }, plan, now });
  };
  const network = (status: VirtualMachineStatus) => status.conditions?.find(({ type }) => type === 'NetworkSynced');
  const definition = { ...shape, interfaces: [lan], uuid: 'uuid-1', nativeName: 'shop.web' };
  const attached = machineWith(on, { boot: first }, { configured: wired, live: wired });
  const well = told(desiredWith({ definition }), attached);
  t.same(well.interfaces, [{ name: 'eth', macAddress: '52:54:00:00:00:01' }]);
  t.match(network(well), { status: 'True', reason: 'AsDeclared' });
  const stiff = desiredWith({ definition, capabilities: unchanging });
  const staged = told(stiff, machineWith(on, { boot: first }, { configured: wired, live: shape }));
  t.match(network(staged), { status: 'False', reason: 'RestartRequired', message: 'spec.interfaces[eth]' });
  t.match(staged.pendingChanges, [{ field: 'spec.interfaces[eth]', class: 'Restart' }]);
  t.match(
    staged.conditions?.find(({ type }) => type === 'ComputeSynced'),
    { status: 'True' },
  );
  const waiting = told(desiredWith({ missingNetworks: ['network "lan": not ready'] }), attached);
  t.match(network(waiting), { status: 'False', reason: 'WaitingForNetworks', message: /network "lan": not ready/ });
  const revoked = told(desiredWith({ definition, revoked: [{ ...lan, because: 'network "lan": not granted' }] }), attached);
  t.match(network(revoked), { status: 'False', reason: 'NotGranted', message: /stays attached/ });
  t.match(revoked.conditions?.[0], { type: 'Ready', status: 'True' });
  t.same(network(reportMachine(resourceWith({}), { desired: desiredWith(), observed: { record: {} }, plan: [], now })), undefined);
});

t.test('a saved machine keeps its definition until it was started: it has its disks in hand', async (t) => {
  const without = desiredWith({ definition: { ...shape, disks: [], uuid: 'uuid-1', nativeName: 'shop.web' }, runStrategy: 'Manual' });
  t.strictSame(
    words(planOf(without, machineWith(off('Saved'), ran('Requested')))).filter((word) => word !== 'note'),
    ['leave Saved'],
  );
  t.strictSame(
    words(planOf(without, machineWith(off('Guest'), ran()))).filter((word) => word !== 'note'),
    ['define'],
  );
});
