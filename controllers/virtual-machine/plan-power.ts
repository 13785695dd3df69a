import { act, type Plan, wait } from '../plan.js';
import { type MachineAction, marked, type Subject } from './action.js';
import { bootNumber, type MachineRecord, noteBoot, retryAt } from './record.js';

export interface StopPolicy {
  /** `Soft` asks for as long as it takes, `TrySoft` asks and then cuts, `Hard` cuts. */
  readonly mode: 'Soft' | 'TrySoft' | 'Hard';
  readonly timeoutMs: number;
}

/** A guest that is still booting misses the power button: press again, but not oftener than this. */
const pressEveryMs = 10_000;
/** A disk that was full a moment ago is likely still full. */
const resumeEveryMs = 30_000;
const shortWaitMs = 1_000;

interface RunOptions {
  /** The guest may run only once the record says so: what runs at most once is started paused, noted, then let go. */
  readonly firstBootOnly?: boolean;
  readonly withoutBackOff?: boolean;
}

export function planRun(subject: Subject, options: RunOptions = {}): Plan<MachineAction> {
  const { machine, record, owner } = subject;
  switch (machine.power.state) {
    case 'On':
      return [];
    case 'Stopping':
      return [wait('Stopping', 'the machine is about to be off', shortWaitMs)];
    case 'Paused':
      return record.paused === true ? [] : planResume(subject);
    case 'Off':
      if (options.firstBootOnly) return [act({ kind: 'start', id: machine.id, owner, record, paused: true }, 'the machine is to run once')];
      return planStart(subject, options);
  }
}

function planStart(subject: Subject, { withoutBackOff = false }: RunOptions): Plan<MachineAction> {
  const { machine, record, owner, now } = subject;
  const due = withoutBackOff ? 0 : retryAt(record);
  if (now < due) {
    const because = `stopped ${record.failures} times in a row (${record.lastStop?.message ?? record.lastStop?.cause})`;
    return [wait('CrashLoopBackOff', `${because}; next start in ${Math.ceil((due - now) / 1_000)} s`, due - now)];
  }
  const next = noteBoot(record, now);
  const cause = record.lastStop === undefined ? 'never ran' : record.lastStop.cause;
  return [
    act(
      { kind: 'start', id: machine.id, owner, record: next, mark: marked(subject, next), paused: false },
      `the machine is off (${cause})`,
    ),
  ];
}

/** A pause that nobody declared is undone, except where the host itself needs it or the guest cannot go on. */
export function planResume(subject: Subject): Plan<MachineAction> {
  const { machine, record, owner, now } = subject;
  const { id, power } = machine;
  if (power.reason === 'Busy') return [wait('HostBusy', 'the host has paused the machine for work of its own')];
  if (power.reason === 'Crashed') return [act({ kind: 'cut', id, owner }, 'the guest crashed and was left paused')];
  if (power.reason === 'IOError' && record.resumedAt !== undefined && now - record.resumedAt < resumeEveryMs) {
    return [wait('IOError', 'paused by an error of its disk; make room or mend the disk', record.resumedAt + resumeEveryMs - now)];
  }
  const noted = noteResume(record, power.reason === 'IOError', now);
  return [
    act({ kind: 'resume', id, ...(noted === record ? {} : { mark: marked(subject, noted) }) }, `the machine is paused (${power.reason})`),
  ];
}

function noteResume(record: MachineRecord, failed: boolean, now: number): MachineRecord {
  const booted = bootNumber(record) === 0 ? noteBoot(record, now) : record;
  return failed ? { ...booted, resumedAt: now } : booted;
}

/** Ask, wait, ask again, then cut if the policy says so. The moment of asking is noted, so a restart of ours neither forgets nor starts over. */
export function planStop({ mode, timeoutMs }: StopPolicy, subject: Subject): Plan<MachineAction> {
  const { machine, record, owner, now } = subject;
  const { id, power } = machine;
  if (power.state === 'Off') return [];
  if (power.state === 'Stopping') return [wait('Stopping', 'the machine is about to be off', shortWaitMs)];
  if (mode === 'Hard') return [act({ kind: 'cut', id, owner }, 'the machine is to be off')];
  const { stopRequestedAt = now, pressedAt } = record;
  const deadline = mode === 'TrySoft' ? stopRequestedAt + timeoutMs : Number.POSITIVE_INFINITY;
  if (now >= deadline) return [act({ kind: 'cut', id, owner }, `the guest did not power off within ${timeoutMs / 1_000} s`)];
  const nextPress = pressedAt === undefined ? now : pressedAt + pressEveryMs;
  if (now < nextPress) {
    return [wait('Stopping', 'the guest was asked to power off', Math.min(nextPress, deadline) - now)];
  }
  const mark = marked(subject, { ...record, stopRequestedAt, pressedAt: now });
  return [act({ kind: 'press', id, mark, owner, resume: power.state === 'Paused' }, 'the machine is to be off')];
}
