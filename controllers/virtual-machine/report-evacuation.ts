import type { VirtualMachineStatus } from '#crds/types.js';
import { type Finding, isFalse, isTrue, timestamp } from '../conditions.js';
import type { Findings } from '../reconcile.js';
import type { MachineAction } from './action.js';
import type { DesiredMachine, ObservedMachine } from './desired.js';

type Evacuation = VirtualMachineStatus['evacuation'];

/** The controller's word, and the host's that nothing of the machine is there: it was looked for, is not there, and nothing is left to do. */
export function evacuationTold(
  before: Evacuation,
  { desired, observed, plan, failure, now }: Findings<DesiredMachine, ObservedMachine, MachineAction>,
): Evacuation {
  if (before === undefined || before.leftAt !== undefined || desired?.want !== 'away') return before;
  const isSeenGone = failure === undefined && observed !== undefined && observed.machine === undefined;
  const isDone = plan?.every(({ kind }) => kind === 'wait') === true;
  return isSeenGone && isDone ? { ...before, leftAt: timestamp(now) } : before;
}

export function evacuating(evacuation: Evacuation): { readonly Evacuating?: Finding } {
  if (evacuation === undefined) return {};
  const { from, requestedAt, reason = 'Stays', message } = evacuation;
  if (requestedAt === undefined) return { Evacuating: isFalse(reason, message) };
  return { Evacuating: isTrue('Leaving', `${from} is to be emptied`) };
}
