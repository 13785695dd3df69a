import type { Machine } from '#drivers/driver.js';
import { timestamp } from '../conditions.js';
import { act, type Plan, wait } from '../plan.js';
import { type MachineAction, marked, type Subject } from './action.js';
import { ended, type MachineRecord, noteBoot, retryAt } from './record.js';
import { encodeRecord } from './record-text.js';

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

/** With what it waits for, where the host tells: that may be something which somebody has to end. */
export function aboutToBeOff({ underWay }: Machine) {
  const because = 'the machine is about to be off';
  return wait('Stopping', underWay === undefined ? because : `${because}; the host is at ${underWay}`, shortWaitMs);
}

interface RunOptions {
  /**
   * The guest may run only once the record says so: it is started paused, noted, then let go. Whoever dies in between can be
   * followed: a boot that is noted did happen. For all that may not be started again merely to be sure. Where the host cannot do
   * so, the boot is noted first, and only the host's own refusal takes it back.
   */
  readonly exactly?: boolean;
  readonly withoutBackOff?: boolean;
}

export function planRun(subject: Subject, options: RunOptions = {}): Plan<MachineAction> {
  const { machine, record } = subject;
  switch (machine.power.state) {
    case 'On':
      return machine.underWay === undefined ? [] : [wait('Starting', `the host is still at ${machine.underWay}`, shortWaitMs)];
    case 'Stopping':
      return [aboutToBeOff(machine)];
    case 'Paused':
      return record.paused === true ? [] : planResume(subject);
    case 'Off':
      return planStart(subject, options);
  }
}

function planStart(subject: Subject, { exactly = false, withoutBackOff = false }: RunOptions): Plan<MachineAction> {
  const { machine, record, owner, now, startsPaused } = subject;
  const due = withoutBackOff ? 0 : retryAt(record);
  if (now < due) {
    const because = `stopped ${record.failures} times in a row (${record.lastStop?.message ?? record.lastStop?.cause})`;
    return [wait('CrashLoopBackOff', `${because}; next start at ${timestamp(due)}`, due - now)];
  }
  const because = `the machine is off (${record.lastStop?.cause ?? 'never ran'})`;
  // What was saved can be gone on from but once, and a host that has it paused says that it is at work on it.
  if (exactly && startsPaused && machine.power.reason !== 'Saved')
    return [act({ kind: 'start', id: machine.id, owner, record, paused: true }, because)];
  const next = noteBoot(record, now);
  const unlessRefused = { record: exactly ? record : next, mark: marked(subject, next) };
  return [act({ kind: 'start', id: machine.id, owner, ...unlessRefused, paused: false }, because)];
}

/** A pause that nobody declared is undone, except where the host itself needs it or the guest cannot go on. */
export function planResume(subject: Subject): Plan<MachineAction> {
  const { machine, record, owner, now } = subject;
  const { id, power } = machine;
  if (power.reason === 'Busy') return [hostBusy];
  if (power.reason === 'Crashed') return [act({ kind: 'cut', id, owner }, 'the guest crashed and was left paused')];
  if (power.reason === 'IOError' && record.resumedAt !== undefined && now - record.resumedAt < resumeEveryMs) {
    return [wait('IOError', 'paused by an error of its disk; make room or mend the disk', record.resumedAt + resumeEveryMs - now)];
  }
  const noted = marked(subject, noteResume(record, power.reason === 'IOError', now));
  const news = noted.record === encodeRecord(record) ? {} : { mark: noted };
  const neverRan = power.reason === 'StartingUp' ? { elseCut: owner } : {};
  return [act({ kind: 'resume', id, ...news, ...neverRan }, `the machine is paused (${power.reason})`)];
}

const hostBusy = wait('HostBusy', 'the host has paused the machine for work of its own');

function noteResume({ paused: _, ...record }: MachineRecord, failed: boolean, now: number): MachineRecord {
  const booted = ended(record) ? noteBoot(record, now) : record;
  return failed ? { ...booted, resumedAt: now } : booted;
}

/** Ask, wait, ask again, then cut if the policy says so. The moment of asking is noted, so a restart of ours neither forgets nor starts over. */
export function planStop({ mode, timeoutMs }: StopPolicy, subject: Subject): Plan<MachineAction> {
  const { machine, record, owner, now } = subject;
  const { id, power } = machine;
  if (power.state === 'Off') return [];
  if (power.state === 'Stopping') return [aboutToBeOff(machine)];
  const neverRan = power.reason === 'StartingUp' && ended(record);
  if (power.state === 'Paused' && (power.reason === 'Crashed' || neverRan))
    return [act({ kind: 'cut', id, owner }, 'the machine is to be off, and no guest runs in it')];
  const { stopRequestedAt = now, pressedAt } = record;
  const asked = record.stopRequestedAt === undefined ? { mark: marked(subject, { ...record, stopRequestedAt }) } : {};
  if (mode === 'Hard') return [act({ kind: 'cut', id, owner, ...asked }, 'the machine is to be off')];
  if (power.state === 'Paused' && power.reason === 'Busy') return [hostBusy];
  const deadline = mode === 'TrySoft' ? stopRequestedAt + timeoutMs : Number.POSITIVE_INFINITY;
  if (now >= deadline) return [act({ kind: 'cut', id, owner, ...asked }, `the guest did not power off within ${timeoutMs / 1_000} s`)];
  const nextPress = pressedAt === undefined ? now : pressedAt + pressEveryMs;
  if (now < nextPress) {
    return [wait('Stopping', 'the guest was asked to power off', Math.min(nextPress, deadline) - now)];
  }
  const heard = ended(record) ? noteBoot(record, now) : record;
  const mark = marked(subject, { ...heard, stopRequestedAt, pressedAt: now });
  return [act({ kind: 'press', id, mark, owner, resume: power.state === 'Paused' }, 'the machine is to be off')];
}
