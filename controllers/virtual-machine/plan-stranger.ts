import type { Machine } from '#drivers/driver.js';
import { act, type Plan, refuse } from '../plan.js';
import type { MachineAction } from './action.js';
import type { DesiredMachine } from './desired.js';
import { asTaken, planAdoption } from './plan-adoption.js';
import { seededFor } from './plan-seed.js';
import { attachedFor, planWaits } from './plan-waits.js';

/** An object restored from a backup, or re-applied after its cluster was lost, is never run a second time; nobody else's machine is touched. */
export function planStranger(desired: DesiredMachine, stranger: Machine): Plan<MachineAction> {
  const { owner, takeOver, want, host } = desired;
  const { id, nativeName, mark } = stranger;
  if (want === 'absent') return [];
  const theirs = mark?.owner;
  if (theirs === undefined && desired.adopt !== undefined) return planTaking(desired, stranger);
  if (theirs === undefined) {
    return [
      refuse(
        'NotOurs',
        `${host} has a machine ${nativeName} that Virtwright did not make; rename or remove it there, choose another name, or adopt it (virtwright import)`,
      ),
    ];
  }
  if (theirs.cluster !== owner.cluster || theirs.namespace !== owner.namespace || theirs.name !== owner.name) {
    return [
      refuse(
        'NotOurs',
        `${host} has a machine ${nativeName} that belongs to VirtualMachine ${theirs.namespace}/${theirs.name} of cluster "${theirs.cluster}"; choose another name`,
      ),
    ];
  }
  if (takeOver === theirs.uid || takeOver === 'All') {
    return [
      act(
        { kind: 'takeOver', id, from: theirs, mark: { owner, record: mark?.record ?? '' } },
        `taken over from ${theirs.uid}, as annotated`,
      ),
    ];
  }
  return [
    refuse(
      'RestoredOrCopied',
      `${host} has machine ${nativeName} of an earlier VirtualMachine of this name (uid ${theirs.uid}); to take it over as it is, annotate virtwright.io/take-over=${theirs.uid}`,
    ),
  ];
}

/** What the host would give to a new one by itself is not asked of what is there. */
function planTaking(desired: DesiredMachine, stranger: Machine): Plan<MachineAction> {
  const taken = asTaken(stranger);
  const asked = seededFor(attachedFor(desired, taken), { machine: taken, record: {} });
  const waits = planWaits(asked, taken);
  return waits.length > 0 ? waits : planAdoption(asked, stranger);
}
