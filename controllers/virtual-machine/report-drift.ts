import type { VirtualMachineStatus } from '#crds/types.js';
import { type Finding, isTrue, timestamp } from '../conditions.js';
import type { Settled } from './drift.js';
import { type Drifted, describeDrift, isUnwanted } from './drifted.js';
import { whyHeld } from './plan-drift.js';
import { backOffOf, unnamed } from './put-back.js';
import type { MachineRecord, PutBack } from './record.js';
import { textOf, valueAt } from './shape-fields.js';

type Told = NonNullable<VirtualMachineStatus['drift']>[number];

/** As the API has it. */
const mostTold = 64;
const longestReason = 512;

/** What is not as declared, and what was put back of late; each with the time when it was first seen so. */
export function driftTold(
  before: readonly Told[] = [],
  { drift, definition }: Settled,
  record: MachineRecord = {},
  now: number,
): VirtualMachineStatus['drift'] {
  const { putBack = {} } = record;
  const known = (field: string, found: string) => before.find((one) => one.field === field && one.found === found);
  const present = drift.map((one) => {
    const { field, declared, found, treatment } = one;
    const since = known(field, found)?.since ?? timestamp(now);
    const its = one.heldUntil === undefined ? putBack[field] : backOffOf(record, field);
    const reason = whatBecomes(one, its?.times);
    return { field, state: 'Present' as const, declared, found, since, treatment, reason, ...corrected(its) };
  });
  const past = Object.entries(putBack)
    .filter(([path]) => path !== unnamed && !drift.some(({ field }) => field === path))
    .map(([field, its]) => {
      const { at, found } = its;
      const since = before.find((one) => one.field === field)?.since ?? timestamp(at);
      const declared = textOf(field, valueAt(definition, field));
      const reason = 'was put back';
      return { field, state: 'PutBack' as const, declared, found, since, treatment: 'Enforce' as const, reason, ...corrected(its) };
    });
  const told = [...present, ...past].slice(0, mostTold);
  return told.length === 0 ? undefined : told.map((one) => ({ ...one, reason: one.reason.slice(0, longestReason) }));
}

const corrected = (its: PutBack | undefined) => (its === undefined ? {} : { corrections: its.times, correctedAt: timestamp(its.at) });

function whatBecomes({ treatment, where, heldUntil }: Drifted, times?: number): string {
  const what = where === 'Definition' ? 'its definition was changed' : 'it was changed while it runs';
  if (heldUntil !== undefined) return `${what}; ${whyHeld(times, heldUntil)}`;
  if (treatment === 'Enforce') return `${what}, and is put back`;
  if (treatment === 'Accept') return `${what}, which counts until something else is declared`;
  return `${what}, and is left so${where === 'Running' ? ' until its next start' : ''}`;
}

/** Said only while it is so. */
export function drifted(
  before: VirtualMachineStatus['conditions'],
  settled: Settled | undefined,
  record: MachineRecord = {},
): { readonly Drifted?: Finding } {
  if (settled === undefined) {
    const last = before?.find(({ type }) => type === 'Drifted');
    return last === undefined ? {} : { Drifted: { status: last.status, reason: last.reason, message: last.message } };
  }
  const left = settled.drift.filter(isUnwanted);
  if (left.length === 0) return {};
  const held = left.filter(({ heldUntil }) => heldUntil !== undefined);
  const words = left.map((one) =>
    one.heldUntil === undefined
      ? describeDrift(one)
      : `${describeDrift(one)}; ${whyHeld(backOffOf(record, one.field)?.times, one.heldUntil)}`,
  );
  return { Drifted: isTrue(held.length > 0 ? 'Flapping' : 'Observed', words.join('; ')) };
}
