import { classOf, type Judged } from './classes.js';
import type { DesiredMachine, ObservedMachine } from './desired.js';
import type { KeptBecause } from './kept-seed.js';
import { keptNow, misfitsOf, undefinedYet } from './plan.js';

/** What is asked for and does not get as far as the definition, because its host does not take it, or not in a machine that is there. */
export function unwritten(
  desired: DesiredMachine,
  observed: ObservedMachine,
  now: number,
): readonly (Judged & { readonly field: string })[] {
  const { capabilities, host } = desired;
  const running = observed.machine?.power.state !== 'Off';
  const seed = refusedSeed(keptNow(desired, observed));
  const found = undefinedYet(desired, observed, now);
  if (found.length === 0) return seed;
  const misfits = misfitsOf(desired);
  const others = found
    .map((difference) => ({ field: difference.field, ...classOf(difference, { capabilities, running, misfits, host }) }))
    .filter(({ class: kind }) => kind === 'Impossible' || kind === 'Recreate');
  return [...seed, ...others];
}

const refusedSeed = ({ field, because, isAsAsked }: Partial<KeptBecause> = {}): readonly (Judged & { readonly field: string })[] =>
  field === undefined || because === undefined || isAsAsked === true ? [] : [{ field, class: 'Impossible', reason: because }];
