import type { Capability } from '#drivers/driver.js';
import { type Plan, refuse, sayThenAct } from '../plan.js';
import type { MachineAction, Subject } from './action.js';
import { type AllowedClass, classOf, usuallyAllowed } from './classes.js';
import type { Difference } from './difference.js';
import { needsRestart, pendingChanges } from './live.js';
import type { RunStrategy } from './plan-action.js';
import { resuming } from './plan-leaving.js';
import { planStop, type StopPolicy } from './plan-power.js';

interface Updated {
  readonly host: string;
  readonly runStrategy: RunStrategy;
  readonly stop: StopPolicy;
  readonly capabilities: readonly Capability[];
  readonly allow?: readonly AllowedClass[];
}

/**
 * Where a restart was allowed beforehand, the machine is stopped for changes that need one, as its policy says. That it is to be started again is in
 * its mark before it is stopped. What is merely read at a start waits for one; a stop would be the end of what runs once, or was paused by an action.
 */
export function planRestart({ allow = usuallyAllowed, runStrategy, stop, capabilities }: Updated, subject: Subject): Plan<MachineAction> {
  const { machine, record } = subject;
  if (!allow.includes('Restart') || machine.power.state !== 'On') return [];
  const waits = pendingChanges(machine, capabilities).filter((change) => change.class !== 'NextBoot' && needsRestart(change, record));
  const leaving = resuming(subject, runStrategy);
  if (waits.length === 0 || leaving.record.resumes !== true) return [];
  const because = `updatePolicy allows a restart, and ${waits.map(({ field }) => field).join(', ')} needs one`;
  return planStop(stop, leaving).map((decision) => ({ ...decision, because: `${decision.because}: ${because}` }));
}

/** A definition that its host cannot change so is written only in a machine made anew, and that only where it was allowed beforehand. Its disks are no part of it. */
export function planRecreation(desired: Updated, subject: Subject, found: readonly Difference[]): Plan<MachineAction> {
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
  const leaving = resuming(subject, desired.runStrategy);
  const { machine, owner } = leaving;
  const because = `updatePolicy allows it to be made anew, with the same disks: ${anew.join('; ')}`;
  if (machine.power.state === 'Off') return [sayThenAct({ kind: 'leave', id: machine.id, owner }, because)];
  if (leaving.record.resumes !== true) return [refuse('RecreateRequired', `${anew.join('; ')}; it is made anew once it is off`)];
  return planStop(desired.stop, leaving);
}
