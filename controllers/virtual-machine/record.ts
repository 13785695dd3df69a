import type { PowerState } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';

/**
 * What a host forgets and we must not: facts, never phases. Kept in the machine's mark on the host and written there before the
 * act it is about; `status.run` shows a copy, which serves should the machine be taken away behind our back. Times are epoch ms.
 */
export interface MachineRecord {
  /** The last boot that was begun: written before the guest may run. */
  readonly boot?: { readonly number: number; readonly at: number };
  readonly lastStop?: LastStop;
  /** Quick stops in a row; back-off grows with them. */
  readonly failures?: number;
  readonly stopRequestedAt?: number;
  readonly pressedAt?: number;
  readonly resumedAt?: number;
  /** Off while the run strategy was Halted: whatever ended the last boot, another strategy begins anew. */
  readonly halted?: true;
  /** It was on when it was stopped to leave its host, or for a change: it is started again. */
  readonly resumes?: true;
  /** Paused because an action asked for it. */
  readonly paused?: true;
  readonly action?: ActionRecord;
  /** Changes asked of the running machine that it does not show yet, each under what it was about. */
  readonly live?: Readonly<Record<string, LiveRecord>>;
  /** Disks whose limits we set. */
  readonly limited?: readonly string[];
  /** Changes that the machine was restarted for by itself, as digests of their keys, until it has them: nobody restarts it twice for one. */
  readonly restartedFor?: readonly string[];
  /** Others made it, and it was adopted. */
  readonly adopted?: AdoptedRecord;
  /** Of each field, a digest of what was last asked of the definition: see `Digests`. What is still asked, and is not there, others have changed. Empty: it was begun, and nothing is known to be there. */
  readonly applied?: string;
  /** Its guest has booted with what it was told, of which nothing is left: it boots again without. */
  readonly told?: true;
  /** Fields that were changed in the definition, and not in the machine that ran. */
  readonly behind?: string;
  /** Of fields that others changed, a digest of what they made of them, and what was accepted. */
  readonly accepted?: string;
  /** What others had changed and was put back, by its path. */
  readonly putBack?: Readonly<Record<string, PutBack>>;
}

export interface AdoptedRecord {
  /** What it had then that no manifest can say, for people; absent when there was nothing. */
  readonly kept?: string;
}

export interface PutBack {
  /** When it was last put back. */
  readonly at: number;
  readonly times: number;
  /** What was found, for people. */
  readonly found: string;
}

/** A change that was asked of a running machine: of its guest, which has not followed, or of its host, which refused. */
export interface LiveRecord {
  /** When it was last asked. */
  readonly at: number;
  readonly times: number;
  /** The host's words. */
  readonly refused?: string;
  /** It refuses that for good, whenever it is asked. */
  readonly forGood?: true;
}

export interface LastStop {
  /** Of which boot this was the end. */
  readonly boot: number;
  readonly cause: StopCause;
  readonly at: number;
  /** The host's words, when it could not start the machine. */
  readonly message?: string;
}

/** `Requested`: we asked for it. `Orderly`: by its guest or a hand. `Unknown`: nobody was looking and the host forgot. */
export type StopCause = 'Requested' | 'Guest' | 'Cut' | 'Orderly' | 'Crashed' | 'Failed' | 'Saved' | 'Unknown';

/** The last VirtualMachineAction that was taken up; written before anything is done for it, so that it is done at most once. */
export interface ActionRecord {
  readonly uid: string;
  readonly at: number;
  /** The boot it found. */
  readonly boot: number;
  /** Begun something that cannot be seen afterwards. */
  readonly begun?: true;
  readonly outcome?: 'Succeeded' | 'Failed';
  readonly message?: string;
}

/** A machine that ran this long is no longer in a crash loop. */
const steadyAfterMs = 5 * 60_000;
const firstDelayMs = 10_000;
const longestDelayMs = 5 * 60_000;

export const bootNumber = ({ boot }: MachineRecord): number => boot?.number ?? 0;

/** Its guest has booted: a boot is noted that was not merely refused by the host, as may be said of as many as have failed in a row. */
export const hasRun = ({ boot, lastStop, failures = 0 }: MachineRecord): boolean =>
  boot !== undefined && !(lastStop?.cause === 'Failed' && failures >= boot.number);

/** No boot is under way, as far as is noted. */
export const ended = ({ boot, lastStop }: MachineRecord): boolean => boot === undefined || lastStop?.boot === boot.number;

/** The record with all that the machine's state adds to it. */
export const learn = (record: MachineRecord, power: PowerState, now: number): MachineRecord =>
  noteStop(noteOthersBoot(notFromTheFuture(record, now), power, now), power, now);

/** A machine that runs while no boot is noted was started, or let go, by somebody else. */
const noteOthersBoot = (record: MachineRecord, { state }: PowerState, now: number): MachineRecord =>
  (state === 'On' || state === 'Stopping') && ended(record) ? noteBoot(record, now) : record;

/** A guest that crashed and was left paused will never run again: that is its end, whoever cuts its power. */
const isOver = ({ state, reason }: PowerState): boolean => state === 'Off' || (state === 'Paused' && reason === 'Crashed');

/** The record with the end of its last boot noted, if it is over and that was not noted yet. */
function noteStop(record: MachineRecord, power: PowerState, now: number): MachineRecord {
  const { boot, stopRequestedAt } = record;
  if (!isOver(power)) return record;
  if (boot === undefined || ended(record)) return isAtRest(record) ? record : rested(record);
  const cause = stopRequestedAt === undefined ? stopCause(power) : 'Requested';
  const lastStop: LastStop = { boot: boot.number, cause, at: now };
  return { ...rested(record), lastStop, failures: failuresAfter(record, lastStop) };
}

/** Times that a clock which was set back has yet to reach would be waited for, however far away they are. */
function notFromTheFuture(record: MachineRecord, now: number): MachineRecord {
  const { boot, lastStop, stopRequestedAt = 0, pressedAt = 0, resumedAt = 0, live } = record;
  const asked = Object.entries(live ?? {});
  if (Math.max(boot?.at ?? 0, lastStop?.at ?? 0, stopRequestedAt, pressedAt, resumedAt, ...asked.map(([, { at }]) => at)) <= now)
    return record;
  return {
    ...record,
    ...(boot === undefined ? {} : { boot: { ...boot, at: Math.min(boot.at, now) } }),
    ...(lastStop === undefined ? {} : { lastStop: { ...lastStop, at: Math.min(lastStop.at, now) } }),
    ...(stopRequestedAt === 0 ? {} : { stopRequestedAt: Math.min(stopRequestedAt, now) }),
    ...(pressedAt === 0 ? {} : { pressedAt: Math.min(pressedAt, now) }),
    ...(resumedAt === 0 ? {} : { resumedAt: Math.min(resumedAt, now) }),
    ...(live === undefined ? {} : { live: Object.fromEntries(asked.map(([key, one]) => [key, { ...one, at: Math.min(one.at, now) }])) }),
  };
}

/** The record of a machine whose start the host refused: an action that asked for it fails. */
export function noteFailedStart(record: MachineRecord, reason: unknown, now: number): MachineRecord {
  const lastStop: LastStop = {
    boot: bootNumber(record),
    cause: 'Failed',
    at: now,
    message: recordable(DriverError.from(reason).message),
  };
  const action =
    record.action !== undefined && record.action.outcome === undefined ? { action: { ...record.action, begun: true as const } } : {};
  return { ...rested(record), lastStop, failures: (record.failures ?? 0) + 1, ...action };
}

/** The record before the next start, with which all that was asked of what ran has come about, or is asked anew. */
export const noteBoot = (
  { halted: _halted, resumes: _resumes, live: _live, behind: _behind, ...record }: MachineRecord,
  now: number,
): MachineRecord => ({
  ...rested(record),
  // A stop that is on record is never that of the next boot, whatever a hand has made of the rest.
  boot: { number: Math.max(bootNumber(record), record.lastStop?.boot ?? 0) + 1, at: now },
});

/** Nothing is under way any more: neither a stop nor a pause. */
export function rested(record: MachineRecord): MachineRecord {
  const { stopRequestedAt: _stop, pressedAt: _press, resumedAt: _resume, paused: _paused, ...rest } = record;
  return rest;
}

const isAtRest = ({ stopRequestedAt, pressedAt, resumedAt, paused }: MachineRecord): boolean =>
  stopRequestedAt === undefined && pressedAt === undefined && resumedAt === undefined && paused === undefined;

/** The machine runs as it should: nothing is asked of it. When it was last resumed is kept, for the pace of the next time. */
export const running = ({ resumes: _, ...record }: MachineRecord): MachineRecord => ({
  ...rested(record),
  ...(record.resumedAt === undefined ? {} : { resumedAt: record.resumedAt }),
});

/** The record once a stop was given up. */
export function unasked(record: MachineRecord): MachineRecord {
  const { stopRequestedAt: _stop, pressedAt: _press, ...rest } = record;
  return rest;
}

/** More than a machine has parts to change at a time; the rest would crowd out what else is recorded. */
export const mostLive = 12;

/** As many changes as status tells of at a time, nearly: what does not find room is not restarted for. */
export const mostRestartedFor = 32;
/** What was put back is known by name, so that as much is left for the rest; more than that counts together. */
export const mostPutBack = 8;
/** Fields whose digests as they were found find room; the rest is accepted for as long as that is the policy. */
export const mostAccepted = 64;

/** The record before something is asked of the running machine, under `key`. */
export function noteAsked(record: MachineRecord, key: string, now: number): MachineRecord {
  const { [key]: before, ...others } = record.live ?? {};
  const kept = Object.entries(others).slice(1 - mostLive);
  return { ...record, live: { ...Object.fromEntries(kept), [key]: { at: now, times: (before?.times ?? 0) + 1 } } };
}

/** The record once the host has refused what was asked: for now, or whenever it is asked. */
export function noteRefused(record: MachineRecord, key: string, message: string, forGood: boolean): MachineRecord {
  const { live = {} } = record;
  const asked = live[key];
  if (asked === undefined) return record;
  const refused = { ...asked, refused: message.slice(0, 120), ...(forGood ? { forGood } : {}) };
  return { ...record, live: { ...live, [key]: refused } };
}

export function withoutLive(record: MachineRecord, isDone: (key: string) => boolean): MachineRecord {
  const { live = {}, ...rest } = record;
  const left = Object.entries(live).filter(([key]) => !isDone(key));
  return left.length === 0 ? rest : { ...rest, live: Object.fromEntries(left) };
}

/** When the machine may be started again: at once after the first quick stop, then 10 s to 5 min later. */
export function retryAt({ lastStop, failures = 0 }: MachineRecord): number {
  if (lastStop === undefined || failures < 2 || !countsAsFailure(lastStop.cause)) return 0;
  return lastStop.at + Math.min(firstDelayMs * 2 ** Math.min(failures - 2, 16), longestDelayMs);
}

/** Somebody's hand is no failure; a guest that ends by itself is one only when it keeps doing so. */
const countsAsFailure = (cause: StopCause): boolean => cause === 'Guest' || cause === 'Orderly' || isFailure(cause);

export const isFailure = (cause: StopCause): boolean => cause === 'Crashed' || cause === 'Failed' || cause === 'Unknown';

function failuresAfter({ boot, failures = 0 }: MachineRecord, { cause, at }: LastStop): number {
  if (!countsAsFailure(cause)) return 0;
  return boot !== undefined && at - boot.at >= steadyAfterMs ? 1 : failures + 1;
}

function stopCause({ reason }: PowerState): StopCause {
  switch (reason) {
    case 'Guest':
    case 'Cut':
    case 'Orderly':
    case 'Crashed':
    case 'Failed':
    case 'Saved':
      return reason;
    default:
      return 'Unknown';
  }
}

/** Every host can hold it, and two of it leave room in a record for the rest. */
export const recordable = (message: string): string => message.slice(0, 300).replace(/\p{C}/gu, ' ');
