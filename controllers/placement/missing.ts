import type { StorageVolume, VirtualMachine } from '#crds/types.js';
import { isToBeAdopted } from '../adoption.js';
import type { Binder } from '../binder.js';
import { clonesOf, isLinked, isTwice, networksOf, volumesOf } from '../stores.js';
import type { Explanation } from './rejections.js';

/** Why a machine has no host. */
export interface Unplaced {
  readonly reason: string;
  readonly message: string;
  readonly reasons?: Explanation['reasons'];
  readonly rejected?: Explanation['rejected'];
}

type Claim = NonNullable<NonNullable<StorageVolume['status']>['claim']>;

/** The volumes that it names, each once. */
export function namesOf(machine: VirtualMachine): readonly string[] {
  const { disks, readOnly } = volumesOf(machine);
  return [...new Set([...disks, ...readOnly])];
}

const volumeOf = ({ watched }: Binder, { metadata }: VirtualMachine, name: string): StorageVolume | undefined =>
  watched.volumes.store.get(`${metadata.namespace}/${name}`);

export const presentVolumes = (binder: Binder, machine: VirtualMachine): readonly StorageVolume[] =>
  namesOf(machine)
    .map((name) => volumeOf(binder, machine, name))
    .filter((volume) => volume !== undefined);

/**
 * Claimed for an earlier object of its name, which gave back the machine that this one is to adopt: with the machine comes its disk. It is made
 * nowhere, so the disk has no second writer.
 */
export const isInherited = (claim: Claim, machine: VirtualMachine): boolean =>
  isToBeAdopted(machine) && claim.machine === machine.metadata.name && claim.uid !== machine.metadata.uid;

/** What is wrong with them; `unmade`: those from templates that cannot be made, and why. */
export function missingVolumes(binder: Binder, machine: VirtualMachine, unmade: ReadonlyMap<string, string>): Unplaced | undefined {
  const { disks } = volumesOf(machine);
  const problems = namesOf(machine).flatMap((name) => {
    if (isTwice(name, disks)) return [`StorageVolume "${name}": two disks name it, and a volume is one disk of one machine`];
    const because = unmade.get(name);
    if (because !== undefined) return [because];
    const volume = volumeOf(binder, machine, name);
    const claim = volume?.status?.claim;
    if (volume === undefined) return [`StorageVolume "${name}": there is none`];
    if (volume.metadata.deletionTimestamp !== undefined) return [`StorageVolume "${name}" is being deleted`];
    if (!disks.includes(name)) return [];
    const [linked] = clonesOf(volume, binder.watched.volumes.store).filter(({ spec }) => isLinked(spec));
    if (linked !== undefined)
      return [`StorageVolume "${name}": "${linked.metadata.name}" is a linked clone of it, so no machine may write to it; clone it, too`];
    return claim !== undefined && claim.uid !== machine.metadata.uid && !isInherited(claim, machine)
      ? [`StorageVolume "${name}" is in use by machine "${claim.machine}"`]
      : [];
  });
  return problems.length === 0 ? undefined : { reason: 'WaitingForVolumes', message: `waiting for ${problems.join(', ')}` };
}

export function missingNetworks({ watched }: Binder, machine: VirtualMachine): Unplaced | undefined {
  const absent = networksOf(machine).filter((name) => watched.networks.store.get(`${machine.metadata.namespace}/${name}`) === undefined);
  const words = absent.map((name) => `VirtualNetwork "${name}": there is none`);
  return absent.length === 0 ? undefined : { reason: 'WaitingForNetworks', message: `waiting for ${words.join(', ')}` };
}
