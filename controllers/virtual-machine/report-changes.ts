import { classOf, type Judged } from './classes.js';
import type { DesiredMachine, ObservedMachine } from './desired.js';
import { misfitsOf, undefinedYet } from './plan.js';

/** What is asked for and does not get as far as the definition, because its host does not take it, or not in a machine that is there. */
export function unwritten(
  desired: DesiredMachine,
  observed: ObservedMachine,
  now: number,
): readonly (Judged & { readonly field: string })[] {
  const { capabilities, host } = desired;
  const running = observed.machine?.power.state !== 'Off';
  const found = undefinedYet(desired, observed, now);
  if (found.length === 0) return [];
  const misfits = misfitsOf(desired);
  return found
    .map((difference) => ({ field: difference.field, ...classOf(difference, { capabilities, running, misfits, host }) }))
    .filter(({ class: kind }) => kind === 'Impossible' || kind === 'Recreate');
}
