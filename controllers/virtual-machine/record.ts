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
  /** Paused because an action asked for it. */
  readonly paused?: true;
  readonly action?: ActionRecord;
}

export interface LastStop {
  /** Of which boot this was the end. */
  readonly boot: number;
  readonly cause: StopCause;
  readonly at: number;
  /** The host's words, when it could not start the machine. */
  readonly message?: string;
}

/** `Requested`: we asked for it. `Unknown`: nobody was looking and the host forgot. */
export type StopCause = 'Requested' | 'Guest' | 'Cut' | 'Crashed' | 'Failed' | 'Saved' | 'Unknown';

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

const ended = ({ boot, lastStop }: MachineRecord): boolean => boot === undefined || lastStop?.boot === boot.number;

/** The record with the end of its last boot noted, if the machine is off and it was not noted yet. */
export function noteStop(record: MachineRecord, power: PowerState, now: number): MachineRecord {
  const { boot, stopRequestedAt } = record;
  if (power.state !== 'Off' || boot === undefined) return record;
  if (ended(record)) return stopRequestedAt === undefined ? record : rested(record);
  const cause = stopRequestedAt === undefined ? stopCause(power) : 'Requested';
  const lastStop: LastStop = { boot: boot.number, cause, at: now };
  return { ...rested(record), lastStop, failures: failuresAfter(record, lastStop) };
}

/** The record of a machine whose start the host refused. */
export function noteFailedStart(record: MachineRecord, reason: unknown, now: number): MachineRecord {
  const lastStop: LastStop = {
    boot: bootNumber(record),
    cause: 'Failed',
    at: now,
    message: DriverError.from(reason).message.slice(0, 512),
  };
  return { ...rested(record), lastStop, failures: (record.failures ?? 0) + 1 };
}

/** The record before the next start. */
export const noteBoot = (record: MachineRecord, now: number): MachineRecord => ({
  ...rested(record),
  boot: { number: bootNumber(record) + 1, at: now },
});

/** Nothing is under way any more: neither a stop nor a pause. */
export function rested(record: MachineRecord): MachineRecord {
  const { stopRequestedAt: _stop, pressedAt: _press, resumedAt: _resume, paused: _paused, ...rest } = record;
  return rest;
}

/** When the machine may be started again: at once after the first quick stop, then 10 s to 5 min later. */
export function retryAt({ lastStop, failures = 0 }: MachineRecord): number {
  if (lastStop === undefined || failures < 2 || !countsAsFailure(lastStop.cause)) return 0;
  return lastStop.at + Math.min(firstDelayMs * 2 ** Math.min(failures - 2, 16), longestDelayMs);
}

/** Somebody's hand is no failure; a guest that ends by itself is one only when it keeps doing so. */
const countsAsFailure = (cause: StopCause): boolean => cause === 'Guest' || isFailure(cause);

export const isFailure = (cause: StopCause): boolean => cause === 'Crashed' || cause === 'Failed' || cause === 'Unknown';

function failuresAfter({ boot, failures = 0 }: MachineRecord, { cause, at }: LastStop): number {
  if (!countsAsFailure(cause)) return 0;
  return boot !== undefined && at - boot.at >= steadyAfterMs ? 1 : failures + 1;
}

function stopCause({ reason }: PowerState): StopCause {
  switch (reason) {
    case 'Guest':
    case 'Cut':
    case 'Crashed':
    case 'Failed':
    case 'Saved':
      return reason;
    default:
      return 'Unknown';
  }
}

export const encodeRecord = (record: MachineRecord): string => (Object.keys(record).length === 0 ? '' : JSON.stringify(record));

/** A record that cannot be read is no record: it was written by a hand, not by us. */
export function decodeRecord(text: string): MachineRecord {
  if (text === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? sanitized(value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0;
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const causes: ReadonlySet<unknown> = new Set<StopCause>(['Requested', 'Guest', 'Cut', 'Crashed', 'Failed', 'Saved', 'Unknown']);

function sanitized(value: Record<string, unknown>): MachineRecord {
  const boot = value['boot'] as { number?: unknown; at?: unknown } | null | undefined;
  const stop = value['lastStop'] as { boot?: unknown; cause?: unknown; at?: unknown; message?: unknown } | null | undefined;
  const action = value['action'] as Record<string, unknown> | null | undefined;
  return {
    ...(isCount(boot?.number) && isTime(boot.at) ? { boot: { number: boot.number, at: boot.at } } : {}),
    ...(isCount(stop?.boot) && isTime(stop.at) && causes.has(stop.cause)
      ? {
          lastStop: {
            boot: stop.boot,
            cause: stop.cause as StopCause,
            at: stop.at,
            ...(typeof stop.message === 'string' ? { message: stop.message } : {}),
          },
        }
      : {}),
    ...(isCount(value['failures']) ? { failures: value['failures'] } : {}),
    ...(isTime(value['stopRequestedAt']) ? { stopRequestedAt: value['stopRequestedAt'] } : {}),
    ...(isTime(value['pressedAt']) ? { pressedAt: value['pressedAt'] } : {}),
    ...(isTime(value['resumedAt']) ? { resumedAt: value['resumedAt'] } : {}),
    ...(value['paused'] === true ? { paused: true } : {}),
    ...(typeof action?.['uid'] === 'string' && isTime(action['at']) && isCount(action['boot']) ? { action: sanitizedAction(action) } : {}),
  };
}

function sanitizedAction(action: Record<string, unknown>): ActionRecord {
  const { uid, at, boot, begun, outcome, message } = action;
  return {
    uid: uid as string,
    at: at as number,
    boot: boot as number,
    ...(begun === true ? { begun: true } : {}),
    ...(outcome === 'Succeeded' || outcome === 'Failed' ? { outcome } : {}),
    ...(typeof message === 'string' ? { message } : {}),
  };
}
