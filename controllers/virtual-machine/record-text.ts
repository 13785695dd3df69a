import {
  type ActionRecord,
  type LiveRecord,
  type MachineRecord,
  mostLive,
  mostPutBack,
  mostRestartedFor,
  type PutBack,
  recordable,
  type StopCause,
} from './record.js';

/** The same facts are the same text, in whatever order they were learnt. */
export function encodeRecord(record: MachineRecord): string {
  const ordered = sanitized({ ...record });
  if (Object.keys(ordered).length === 0) return '';
  const text = JSON.stringify(ordered);
  if (fits(text)) return text;
  const texts = shorter(ordered).map((one) => JSON.stringify(one));
  return texts.find(fits) ?? texts.at(-1) ?? '';
}

/** Of the 4 KiB that a mark may hold. */
const mostBytes = 4_000;
const fits = (text: string): boolean => Buffer.byteLength(text) <= mostBytes;

/** What makes room, one after the other: words for people, what is known of other hands, and at last what was asked of what runs. */
function shorter(record: MachineRecord): readonly MachineRecord[] {
  const brief = briefly(record);
  const { behind: _behind, putBack: _putBack, ...settled } = brief;
  const { applied: _applied, accepted: _accepted, ...own } = settled;
  const { live: _live, ...least } = own;
  return [brief, settled, own, least];
}

function briefly(record: MachineRecord): MachineRecord {
  const { live, lastStop, action } = record;
  const brief = <T extends object, K extends keyof T>(one: T, key: K, most: number): T =>
    typeof one[key] === 'string' ? { ...one, [key]: one[key].slice(0, most) } : one;
  return {
    ...record,
    ...(lastStop === undefined ? {} : { lastStop: brief(lastStop, 'message', 80) }),
    ...(action === undefined ? {} : { action: brief(action, 'message', 80) }),
    ...(live === undefined ? {} : { live: Object.fromEntries(Object.entries(live).map(([key, one]) => [key, brief(one, 'refused', 24)])) }),
  };
}

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

/** What can be written as a date, and counted on from. */
const latestTime = Date.UTC(9999, 0);
const isTime = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value < latestTime;
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 52;
const isUid = (value: unknown): value is string => typeof value === 'string' && value.length <= 64;
const causes: ReadonlySet<unknown> = new Set<StopCause>(['Requested', 'Guest', 'Cut', 'Orderly', 'Crashed', 'Failed', 'Saved', 'Unknown']);

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
            ...(typeof stop.message === 'string' ? { message: recordable(stop.message) } : {}),
          },
        }
      : {}),
    ...(isCount(value['failures']) ? { failures: value['failures'] } : {}),
    ...(isTime(value['stopRequestedAt']) ? { stopRequestedAt: value['stopRequestedAt'] } : {}),
    ...(isTime(value['pressedAt']) ? { pressedAt: value['pressedAt'] } : {}),
    ...(isTime(value['resumedAt']) ? { resumedAt: value['resumedAt'] } : {}),
    ...(value['halted'] === true ? { halted: true } : {}),
    ...(value['resumes'] === true ? { resumes: true } : {}),
    ...(value['paused'] === true ? { paused: true } : {}),
    ...(value['told'] === true ? { told: true } : {}),
    ...sanitizedLive(value['live']),
    ...sanitizedLimited(value['limited']),
    ...sanitizedRestartedFor(value['restartedFor']),
    ...sanitizedAdopted(value['adopted']),
    ...sanitizedDigests(value),
    ...sanitizedPutBack(value['putBack']),
    ...(isUid(action?.['uid']) && isTime(action['at']) && isCount(action['boot']) ? { action: sanitizedAction(action) } : {}),
  };
}

function sanitizedLive(value: unknown): Pick<MachineRecord, 'live'> {
  if (typeof value !== 'object' || value === null) return {};
  const read = Object.entries(value).flatMap(([key, one]: [string, Partial<LiveRecord> | null]) => {
    if (!isTime(one?.at) || !isCount(one.times) || one.times < 1 || key.length > 64) return [];
    const refused = typeof one.refused === 'string' ? { refused: recordable(one.refused).slice(0, 120) } : {};
    const forGood = one.forGood === true ? { forGood: true as const } : {};
    return [[key, { at: one.at, times: one.times, ...refused, ...forGood }] as const];
  });
  return read.length === 0 ? {} : { live: Object.fromEntries(read.slice(-mostLive)) };
}

const mostLimited = 24;

function sanitizedLimited(value: unknown): Pick<MachineRecord, 'limited'> {
  const names = Array.isArray(value) ? value.filter((name): name is string => typeof name === 'string' && name.length <= 20) : [];
  return names.length === 0 ? {} : { limited: names.slice(0, mostLimited) };
}

function sanitizedRestartedFor(value: unknown): Pick<MachineRecord, 'restartedFor'> {
  const digests = Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string' && /^[0-9a-f]{8}$/.test(one)) : [];
  return digests.length === 0 ? {} : { restartedFor: digests.slice(0, mostRestartedFor) };
}

function sanitizedAdopted(value: unknown): Pick<MachineRecord, 'adopted'> {
  if (typeof value !== 'object' || value === null) return {};
  const { kept } = value as { readonly kept?: unknown };
  return { adopted: typeof kept === 'string' ? { kept: recordable(kept) } : {} };
}

const digests = { applied: /^([\w-]{6}){0,150}$/, behind: /^([\w-]{2}){1,150}$/, accepted: /^([\w-]{6}){1,64}$/ } as const; // `mostAccepted`

function sanitizedDigests(value: Record<string, unknown>): Pick<MachineRecord, keyof typeof digests> {
  const read = Object.entries(digests).filter(([key, pattern]) => typeof value[key] === 'string' && pattern.test(value[key]));
  return Object.fromEntries(read.map(([key]) => [key, value[key]]));
}

function sanitizedPutBack(value: unknown): Pick<MachineRecord, 'putBack'> {
  if (typeof value !== 'object' || value === null) return {};
  const read = Object.entries(value).flatMap(([path, one]: [string, Partial<PutBack> | null]) => {
    if (!isTime(one?.at) || !isCount(one.times) || one.times < 1 || typeof one.found !== 'string' || path.length > 128) return [];
    return [[path, { at: one.at, times: one.times, found: recordable(one.found).slice(0, 48) }] as const];
  });
  return read.length === 0 ? {} : { putBack: Object.fromEntries(read.slice(0, mostPutBack + 1)) };
}

function sanitizedAction(action: Record<string, unknown>): ActionRecord {
  const { uid, at, boot, begun, outcome, message } = action;
  return {
    uid: uid as string,
    at: at as number,
    boot: boot as number,
    ...(begun === true ? { begun: true } : {}),
    ...(outcome === 'Succeeded' || outcome === 'Failed' ? { outcome } : {}),
    ...(typeof message === 'string' ? { message: recordable(message) } : {}),
  };
}
