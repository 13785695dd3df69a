import { type MachineRecord, mostPutBack, type PutBack } from './record.js';

/** So often it is put back at once: that is a hand which did not know. */
const timesAtOnce = 3;
const firstPauseMs = 30_000;
const longestPauseMs = 30 * 60_000;
/** When another hand has let a field be for so long, the next time is the first. */
export const calmMs = 60 * 60_000;

/** All that found no room by name counts under this, as one field. */
export const unnamed = 'others';

export const backOffOf = ({ putBack = {} }: MachineRecord, field: string): PutBack | undefined => putBack[field] ?? putBack[unnamed];

/** When it may be put back again: of two that change a field in turn, one must give way. */
export function dueAt(before: PutBack | undefined): number {
  if (before === undefined || before.times < timesAtOnce) return 0;
  return before.at + Math.min(firstPauseMs * 2 ** Math.min(before.times - timesAtOnce, 16), longestPauseMs);
}

/** The record before these are put back. */
export function notePutBack(
  record: MachineRecord,
  drift: readonly { readonly field: string; readonly found: string }[],
  now: number,
): MachineRecord {
  if (drift.length === 0) return record;
  const { putBack: before = {} } = record;
  const counted = (path: string, found: string) => [path, { at: now, times: (before[path]?.times ?? 0) + 1, found }] as const;
  const [known, news] = [
    drift.filter(({ field }) => before[field] !== undefined),
    drift.filter(({ field }) => before[field] === undefined),
  ];
  const room = Math.max(0, mostPutBack - Object.keys(before).filter((path) => path !== unnamed).length);
  const named = [...known, ...news.slice(0, room)].map(({ field, found }) => counted(field, found));
  const rest = news.length > room ? [counted(unnamed, '')] : [];
  return { ...record, putBack: { ...before, ...Object.fromEntries([...named, ...rest]) } };
}

/** What has been let be for long is forgotten. Times that a clock which was set back has yet to reach are now. */
export function recentlyPutBack({ putBack = {} }: MachineRecord, now: number): Pick<MachineRecord, 'putBack'> {
  const recent = Object.entries(putBack)
    .map(([path, one]) => [path, { ...one, at: Math.min(one.at, now) }] as const)
    .filter(([, { at }]) => now - at < calmMs);
  return recent.length === 0 ? {} : { putBack: Object.fromEntries(recent) };
}
