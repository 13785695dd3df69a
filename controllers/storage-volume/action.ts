import type { Capability, MachineId, Pool, Volume, VolumeDefinition, VolumeFormat, VolumeId } from '#drivers/driver.js';
import type { Adopting } from '../adoption.js';
import type { JobState } from '../host/jobs.js';
import type { FillSource } from './plan-source.js';
import type { Source, User } from './source.js';

/** How the volume was filled, as its status says: the only proof that what is there is ours, and whole. */
export interface FillRecord {
  readonly startedAt?: number;
  readonly completedAt?: number;
  readonly failures: number;
  readonly retryAt: number;
}

export interface DesiredVolume {
  readonly want: 'present' | 'absent';
  readonly host: string;
  /** The job's key. */
  readonly uid: string;
  /** Of the StoragePoolInstance on the host. */
  readonly poolUuid: string;
  readonly poolName: string;
  /** Whether the pool, where it is not active, is waited for: not when it is stalled or on its way out. */
  readonly poolComes: boolean;
  readonly nativeName: string;
  /** Whose users may meet in directories: those of one namespace of one cluster. */
  readonly tenant: string;
  /** All of its room is taken at once. */
  readonly allocation?: 'Full';
  /** What native names of other volumes of this object's name begin with. */
  readonly familyName: string;
  /** As recorded or asked for. */
  readonly format?: VolumeFormat;
  /** The source's: had where nothing else is asked for and the pool has it. Absent: the pool's best. */
  readonly preferred?: VolumeFormat | 'Vhdx';
  /** Which field asks for it. */
  readonly formatField: string;
  readonly sizeBytes: number;
  /** The native name of what the store has already. */
  readonly existing?: string;
  /** Another StorageVolume, an older one, that is the same. */
  readonly rival?: string;
  readonly source?: Source;
  readonly keep: boolean;
  /** Nothing of it may be readable when it is deleted. */
  readonly wipe: boolean;
  readonly record: FillRecord;
  /** The machine that has claimed it. */
  readonly claim?: { readonly machine: string; readonly uid: string };
  /** StorageVolumes that are made from this one, or keep only what differs from it. */
  readonly clones: readonly string[];
  readonly capabilities: readonly Capability[];
  /** Somebody said that what is there is to be this one. */
  readonly adopt?: Adopting;
  /** The native name of what to take over, `All` or `None`. */
  readonly takeOver?: string;
}

export interface Leftover {
  readonly nativeName: string;
  readonly whole: boolean;
  /** Its header was read, and reaches for nothing outside of it. */
  readonly inspected: boolean;
}

export interface ObservedVolume {
  readonly pool?: Pool;
  readonly volume?: Volume;
  /** It is there, and the host does not tell what it is. */
  readonly unreadVolume?: Volume;
  /** Its header was read, and reaches for nothing outside of it. */
  readonly inspected?: true;
  /** The mark on the host that the volume is not whole yet. */
  readonly marker?: Volume;
  /** When the host last looked for it at its store, as it was not seen. */
  readonly lookedAt?: number;
  /** The pool of the volume that this one is a clone of, and the machines on the host that use that. */
  readonly sourcePool?: Pool;
  readonly sourceUsers: readonly User[];
  /** Somebody is at the door with what it is to be filled with. */
  readonly offered?: boolean;
  /** Volumes in the pool that keep only what differs from this one. */
  readonly linked: readonly string[];
  /** Volumes that earlier objects of this name left. */
  readonly leftovers: readonly Leftover[];
  readonly job?: JobState;
  /** That wipes it. */
  readonly wiping?: JobState;
  /** That deletes it, where that takes long. */
  readonly deleting?: JobState;
  /** Machines on the host, ours or not, that have it as a disk, or boot from it. */
  readonly users: readonly User[];
  /** A disk of its file name elsewhere, which others put into a drive of a machine of ours; of a volume that is not where it was. */
  readonly movedTo?: { readonly machine: string; readonly location: string };
  /** A machine of which nobody knows whether it has it as a disk, and why. */
  readonly unread?: string;
}

export type VolumeAction =
  /** `known`: what of the family was seen, and does not stand in the way. */
  | { readonly kind: 'begin'; readonly id: VolumeId; readonly familyName: string; readonly known: readonly string[] }
  | {
      readonly kind: 'fill';
      readonly uid: string;
      readonly id: VolumeId;
      readonly definition: VolumeDefinition;
      /** Whether volumes of this pool can grow: the others are made at their size. */
      readonly grows: boolean;
      /** Whether the host goes on with an upload that broke. */
      readonly resumes: boolean;
      readonly source?: FillSource;
    }
  | { readonly kind: 'complete'; readonly uid: string; readonly id: VolumeId }
  /** The host looks at its store again: what another hand, or another host, put there is known only then. */
  | { readonly kind: 'look'; readonly id: VolumeId }
  | { readonly kind: 'inspect'; readonly id: VolumeId; readonly format: 'Qcow2' }
  | { readonly kind: 'takeOver'; readonly nativeName: string; readonly pool: VolumeId['pool']; readonly format: VolumeFormat }
  | { readonly kind: 'grow'; readonly id: VolumeId; readonly location: string; readonly sizeBytes: number }
  | {
      readonly kind: 'growAttached';
      readonly id: VolumeId;
      readonly machine: MachineId;
      readonly location: string;
      readonly sizeBytes: number;
    }
  | { readonly kind: 'wipe'; readonly uid: string; readonly id: VolumeId }
  /** What is in a directory goes file by file. */
  | { readonly kind: 'deleteTree'; readonly uid: string; readonly id: VolumeId; readonly location: string }
  | { readonly kind: 'stopDeleting'; readonly uid: string; readonly id: VolumeId }
  | { readonly kind: 'cancel'; readonly uid: string; readonly id: VolumeId }
  | { readonly kind: 'delete'; readonly id: VolumeId; readonly location: string };
