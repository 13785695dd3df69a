import type { Machine, MachineDefinition, MachineShape, OwnerMark } from '#drivers/driver.js';
import type { Adopting } from '../adoption.js';
import { act, type Plan, refuse } from '../plan.js';
import { type MachineAction, marked } from './action.js';
import { differences, fieldsOf } from './difference.js';
import { noteDefined } from './drift.js';
import { limitsTaken, noteLimits } from './limits.js';
import { seeded, type WantedSeed } from './plan-seed.js';
import { recordable } from './record.js';

interface Adopter extends WantedSeed {
  readonly host: string;
  readonly owner: OwnerMark;
  readonly definition: MachineDefinition;
  readonly adopt?: Adopting;
  readonly adoptedWith?: string;
  readonly doomed?: readonly string[];
}

/** As what it would be taken: as if it were ours. */
export const asTaken = ({ found, live: _, ...stranger }: Machine): Machine =>
  found === undefined ? stranger : { ...stranger, configured: found.shape };

/**
 * Taking a machine changes nothing of it: what the manifest says otherwise is refused, not made so. Once it is ours, it is changed like any other.
 * `desired` is what would be asked of it.
 */
export function planAdoption(desired: Adopter, stranger: Machine): Plan<MachineAction> {
  const { adopt, definition, host } = desired;
  const { id, uuid, nativeName, found } = stranger;
  if (uuid !== definition.uuid.toLowerCase())
    return [
      refuse('NotOurs', `spec.uuid: ${definition.uuid} given, and machine ${nativeName} on ${host} has ${uuid}; say that to adopt it`),
    ];
  if (adopt?.ungranted !== undefined) return [refuse('NotGranted', `machine ${adopt.ungranted}`)];
  if (found === undefined) return [refuse('Unsupported', `${host} does not tell what machine ${nativeName} could be adopted as`)];
  if (found.hindrance !== undefined) return [refuse('Unsupported', `machine ${nativeName} on ${host} is not adopted: ${found.hindrance}`)];
  const wanted = seeded(definition, desired);
  const other = fieldsOf(differences(found.shape, limitsTaken(wanted, {})));
  if (other.length > 0)
    return [
      refuse(
        'Differs',
        `machine ${nativeName} on ${host} has something else in ${other.join(', ')}; say what is there, as virtwright import writes it, and change it once it is adopted`,
      ),
    ];
  const adopted = found.kept.length === 0 ? {} : { kept: recordable(found.kept.join(', ')) };
  const record = noteDefined(noteLimits({ adopted }, wanted), wanted, found.shape, running(stranger, found.shape));
  return [act({ kind: 'adopt', id, mark: marked(desired, record) }, 'adopted, as annotated')];
}

/** What runs has no names for its devices yet: they are taken for those that the definition has. */
function running({ live, ...machine }: Machine, { disks, cdroms, interfaces }: MachineShape): Machine {
  const { cdroms: _, ...rest } = live ?? { cdroms: undefined };
  return live === undefined
    ? machine
    : { ...machine, live: { ...(rest as MachineShape), disks, interfaces, ...(cdroms === undefined ? {} : { cdroms }) } };
}

/** Another is not made in its place. */
export const nothingToAdopt = ({ host }: Adopter, { name }: Adopting): Plan<never>[number] =>
  refuse(
    'NotFound',
    `${host} has no machine ${name} to adopt; name its host in spec.placement.hypervisorRef, and it by spec.uuid, or annotate virtwright.io/adopt=false to have it made`,
  );

/** Another hand took it away, perhaps for a minute: made from its manifest it would be another machine, where its disks were its own an empty one. */
export function lost({ host, adoptedWith }: Adopter): Plan<never> | undefined {
  if (adoptedWith === undefined) return undefined;
  const remedy = 'put it back there, or annotate virtwright.io/adopt=false to have it made anew without';
  return [refuse('Lost', `it was adopted with what no manifest can say (${adoptedWith}), and is gone from ${host}: ${remedy}`)];
}

/** The machine stays as it is, and so must what it is made of. */
export function planRelease({ owner, adopt, doomed = [] }: Adopter, { id }: Machine): Plan<MachineAction> {
  if (adopt?.ungranted !== undefined) return [refuse('NotGranted', `machine ${adopt.ungranted}, nor is it left to itself`)];
  if (doomed.length === 0) return [act({ kind: 'release', id, owner }, 'released, as annotated')];
  const disks = doomed.map((name) => `spec.disks[${name}].volumeTemplate.whenDeleted`).join(', ');
  return [refuse('WouldLoseDisks', `${disks}: Delete given, and the machine is to stay; set it to Retain`)];
}
