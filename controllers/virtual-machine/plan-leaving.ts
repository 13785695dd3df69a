import type { Capability } from '#drivers/driver.js';
import { type Plan, sayThenAct, wait } from '../plan.js';
import type { MachineAction, Subject } from './action.js';
import { planRequestedAction, type RequestedAction, type RunStrategy } from './plan-action.js';
import { planStop, type StopPolicy } from './plan-power.js';
import { planUnseeding, type WantedSeed } from './plan-seed.js';

interface Leaver extends WantedSeed {
  readonly host: string;
  readonly runStrategy: RunStrategy;
  readonly stop: StopPolicy;
  readonly capabilities: readonly Capability[];
  readonly action?: RequestedAction;
  readonly forgets?: true;
}

const lookAgainMs = 60_000;
const shortWaitMs = 1_000;

/** What is on is to be on again elsewhere, whatever its strategy makes of a stop. */
export function resuming(subject: Subject, runStrategy: RunStrategy): Subject {
  const { machine, record } = subject;
  const wasOn = machine.power.state !== 'Off' && runStrategy !== 'Halted' && staysFor(runStrategy, subject) === undefined;
  return wasOn ? { ...subject, record: { ...record, resumes: true } } : subject;
}

/**
 * The machine is to be on another host, and on one at a time: it is stopped as its policy says, then this host forgets it. That it is to be
 * started again is in its mark before it is stopped, and in its status before the mark is gone.
 */
export function planLeaving(desired: Leaver, subject: Subject): Plan<MachineAction> {
  const { machine, owner } = subject;
  const { id, power } = machine;
  const stays = staysFor(desired.runStrategy, subject) ?? wouldLose(desired, subject);
  if (stays !== undefined) return [wait('Evacuating', stays, lookAgainMs)];
  if (power.state === 'Off' && power.reason === 'Saved') return planSaved(desired, subject);
  return (
    planTakenUp(desired, subject) ??
    (power.state === 'Off'
      ? [sayThenAct({ kind: 'leave', id, owner }, `${desired.host} is to be emptied`)]
      : planStop(desired.stop, subject))
  );
}

/** Only the host that saved it can go on from there. What becomes of it, an action says. */
function planSaved({ action, ...policy }: Leaver, subject: Subject): Plan<MachineAction> {
  const requested = action === undefined ? undefined : planRequestedAction(action, policy, subject);
  const because = 'what was saved of it is on this host: it leaves once it is started, or stopped with mode Hard';
  return requested ?? [wait('Evacuating', because, lookAgainMs)];
}

/** A stop would be the end of the one, and the other has no place to be paused in. */
function staysFor(runStrategy: RunStrategy, { machine: { power }, record }: Subject): string | undefined {
  if (power.state === 'Off') return undefined;
  if (runStrategy === 'Once') return 'it runs once and would not be started again: it leaves when it is off';
  return record.paused === true ? 'an action paused it: it leaves once it is resumed, or off' : undefined;
}

/** Elsewhere, or anew, it is made from its manifest, which cannot say all that others gave it. */
export function wouldLose({ forgets }: Pick<Leaver, 'forgets'>, { record: { adopted } }: Subject): string | undefined {
  if (adopted?.kept === undefined || forgets === true) return undefined;
  return `it was adopted with what no manifest can say (${adopted.kept}), and would be made without: annotate virtwright.io/adopt=false to have it so, or release it`;
}

/** An action that was taken up here is seen through and told of here: nobody elsewhere knows what was done for it. */
function planTakenUp({ action, ...policy }: Leaver, subject: Subject): Plan<MachineAction> | undefined {
  if (action === undefined || subject.record.action?.uid !== action.uid) return undefined;
  return planRequestedAction(action, policy, subject) ?? [wait('Evacuating', 'it leaves once its action is told of', shortWaitMs)];
}

/** Nothing of it is here but perhaps what its guest was told. */
export function planAbsence(desired: Leaver, { seedKept }: { readonly seedKept?: boolean }): Plan<MachineAction> {
  const unseeding = planUnseeding(desired, seedKept);
  if (unseeding.length > 0) return unseeding;
  return [wait('Evacuating', `it has left ${desired.host}, and gets another host`, lookAgainMs)];
}
