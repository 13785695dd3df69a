import type { Capability } from '#drivers/driver.js';
import { type Plan, refuse, sayThenAct, wait } from '../plan.js';
import type { MachineAction, Subject } from './action.js';
import { type AllowedClass, classOf, usuallyAllowed } from './classes.js';
import type { Difference } from './difference.js';
import { becauseOf, type Drifted, isLeft, isWithin } from './drifted.js';
import type { KeptBecause } from './kept-seed.js';
import { pendingChanges } from './live.js';
import type { RequestedAction, RunStrategy } from './plan-action.js';
import { resuming, wouldLose } from './plan-leaving.js';
import { planStop, type StopPolicy } from './plan-power.js';
import { notePutBack } from './put-back.js';
import { isCuredByRestart, noteRestart, roomFor, wasRestartedFor } from './restarts.js';

interface Updated {
  readonly host: string;
  readonly runStrategy: RunStrategy;
  readonly stop: StopPolicy;
  readonly capabilities: readonly Capability[];
  readonly allow?: readonly AllowedClass[];
  readonly action?: RequestedAction;
  readonly forgets?: true;
  readonly keptBecause?: KeptBecause;
}

const shortWaitMs = 1_000;

/**
 * Where a restart was allowed beforehand, the machine is stopped for changes that need one, as its policy says. That it is to be started again is in
 * its mark before it is stopped, and what for: what a start does not bring about is not stopped for again. What is merely read at a start waits
 * for one; a stop would be the end of what runs once, or was paused by an action.
 */
export function planRestart(
  { allow = usuallyAllowed, runStrategy, stop, capabilities }: Updated,
  subject: Subject,
  drift: readonly Drifted[] = [],
): Plan<MachineAction> {
  const { machine, record, now } = subject;
  if (!allow.includes('Restart') || machine.power.state !== 'On') return [];
  const cured = pendingChanges(machine, capabilities).filter((change) => isCuredByRestart(change, record));
  const isUnderway = record.stopRequestedAt !== undefined;
  const waits = isUnderway ? cured : cured.filter((change) => !wasRestartedFor(change, record)).slice(0, roomFor(record));
  const stopped = resuming(subject, runStrategy);
  if (waits.length === 0 || stopped.record.resumes !== true) return [];
  // What was asked of it while it ran was counted then.
  const isCounted = (key: string) => isUnderway || record.live?.[key] !== undefined;
  const others = drift.filter(
    (one) => one.where === 'Running' && !isLeft(one) && waits.some(({ field, key }) => !isCounted(key) && isWithin(one.field, field)),
  );
  const leaving = { ...stopped, record: notePutBack(noteRestart(stopped.record, waits), others, now) };
  const because = `updatePolicy allows a restart, and ${waits.map(({ field }) => field).join(', ')} needs one`;
  return planStop(stop, leaving).map((decision) => ({ ...decision, because: `${decision.because}: ${because}` }));
}

/** A definition that its host cannot change so is written only in a machine made anew, and that only where it was allowed beforehand. Its disks are no part of it. */
export function planRecreation(
  desired: Updated,
  subject: Subject,
  found: readonly Difference[],
  others: readonly Drifted[],
): Plan<MachineAction> {
  const { allow = usuallyAllowed, host, capabilities } = desired;
  const anew = found.flatMap((difference) => {
    const { class: kind, reason } = classOf(difference, { capabilities, running: true, host });
    return kind === 'Recreate' ? [`${difference.field}: ${reason}`] : [];
  });
  if (anew.length === 0) return [];
  if (!allow.includes('Recreate'))
    return [
      refuse(
        'RecreateRequired',
        `${anew.join('; ')}; take it back, or have the machine made anew with the same disks: add Recreate to spec.updatePolicy.allow`,
      ),
    ];
  const { keptBecause } = desired;
  const loses = wouldLose(desired, subject) ?? (keptBecause && `made anew it would be told nothing (${keptBecause.because})`);
  if (loses !== undefined) return [refuse('RecreateRequired', `${anew.join('; ')}; ${loses}`)];
  const leaving = resuming(subject, desired.runStrategy);
  const { machine, owner, record, now } = leaving;
  const because = `updatePolicy allows it to be made anew, with the same disks: ${anew.join('; ')}`;
  // The mark, which says what was done for it, goes with the machine.
  if (desired.action !== undefined && record.action?.uid === desired.action.uid)
    return [wait('RecreateRequired', `${because}; once its action is told of`, shortWaitMs)];
  if (machine.power.state === 'Off')
    return [
      sayThenAct({ kind: 'recreate', id: machine.id, owner, record: notePutBack(record, others, now) }, `${because}${becauseOf(others)}`),
    ];
  if (record.resumes !== true) return [refuse('RecreateRequired', `${anew.join('; ')}; it is made anew once it is off`)];
  return planStop(desired.stop, leaving);
}
