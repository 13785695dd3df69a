import { timestamp } from '../conditions.js';
import { leave, type Plan, quiet } from '../plan.js';
import type { Subject } from './action.js';
import type { Settled } from './drift.js';
import { describeDrift } from './drifted.js';
import { backOffOf, calmMs } from './put-back.js';

/** When it is looked at again, though nobody changes anything: what is held is put back then, and what holds is forgotten. */
export function planDrift({ drift }: Settled, { record, now }: Pick<Subject, 'record' | 'now'>): Plan<never> {
  const held = drift.flatMap((one) =>
    one.heldUntil === undefined
      ? []
      : [leave('Flapping', `${describeDrift(one)}; ${whyHeld(backOffOf(record, one.field)?.times, one.heldUntil)}`, one.heldUntil - now)],
  );
  const known = Object.values(record.putBack ?? {}).map(({ at }) => at + calmMs - now);
  return [
    ...held,
    ...(known.length === 0 ? [] : [leave(quiet, 'what another hand changed was put back', Math.max(1, Math.min(...known)))]),
  ];
}

export const whyHeld = (times = 0, until: number): string =>
  `it was put back ${times} times and changed again, and is put back at ${timestamp(until)}; see who else changes it there, or say driftPolicy Observe`;
