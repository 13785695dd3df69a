import type { Machine, OwnerMark } from '#drivers/driver.js';
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
  if (hasOnlyUuid(desired, stranger)) return [uuidTaken(desired, stranger)];
  if (theirs === undefined && desired.adopt !== undefined) return planTaking(desired, stranger);
  if (theirs === undefined) {
    return [
      refuse(
        'NotOurs',
        `${host} has a machine ${nativeName} that Virtwright did not make; rename or remove it there, choose another name, or adopt it (virtwright import)`,
      ),
    ];
  }
  if (!isOfName(theirs, owner)) {
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

/** Neither its name nor its owner is what is in the way: no other name helps. */
const hasOnlyUuid = ({ adopt, owner, definition }: DesiredMachine, { uuid, nativeName, mark }: Machine): boolean => {
  const isNamesake = nativeName === definition.nativeName || (mark !== undefined && isOfName(mark.owner, owner));
  return uuid === definition.uuid && !isNamesake && !(mark === undefined && adopt !== undefined);
};

const isOfName = (one: OwnerMark, other: OwnerMark): boolean =>
  one.cluster === other.cluster && one.namespace === other.namespace && one.name === other.name;

/** A tenant is told no names of other namespaces. A uuid that is given never changes, nor does one that is not: another object is what helps, or another uuid of the other machine. */
function uuidTaken({ host, owner, definition, givesUuid }: DesiredMachine, { nativeName, mark }: Machine) {
  const isHidden = mark !== undefined && mark.owner.namespace !== owner.namespace;
  const which = isHidden
    ? 'a machine of another namespace'
    : `machine ${nativeName}${mark === undefined ? ', which Virtwright did not make,' : ''}`;
  const { uuid } = definition;
  if (givesUuid !== true)
    return refuse(
      'NotOurs',
      `${which} on ${host} has this machine's uuid ${uuid}, as a copy of it does; give that one another uuid there, or delete it`,
    );
  const remedy = 'make a new VirtualMachine without it, or with another';
  const adopting = mark === undefined ? ', or adopt that machine (virtwright import)' : '';
  return refuse('NotOurs', `spec.uuid: ${uuid} given, and ${which} on ${host} has it; ${remedy}${adopting}`);
}

/** What the host would give to a new one by itself is not asked of what is there. */
function planTaking(desired: DesiredMachine, stranger: Machine): Plan<MachineAction> {
  const taken = asTaken(stranger);
  const asked = seededFor(attachedFor(desired, taken), { machine: taken, record: {} });
  const waits = planWaits(asked, taken);
  return waits.length > 0 ? waits : planAdoption(asked, stranger);
}
