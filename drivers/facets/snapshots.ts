import type { MachineId } from './ids.js';
import type { OwnerMark } from './mark.js';

/**
 * What a machine was at a time, kept on its host: hardware and disks, and, where it ran, what ran. Ours have a key of the caller's; all others are
 * people's: they are told, and left alone. Every verb but `list` is NotOurs unless the machine carries `owner`'s mark.
 */
export interface Snapshots {
  /** All of a machine, ours or not, the eldest first. NotFound when there is no such machine. */
  list(id: MachineId, signal: AbortSignal): Promise<SnapshotTree>;
  /**
   * Takes one under this key, whatever the machine's state; one that is there under the key is it, whatever else is asked for, so that whoever dies midway
   * and asks again has one. Of a machine that is Off there is no memory to be had. Conflict when the machine's state has no room for it; Unsupported where
   * the host cannot (`snapshots.memory` without `With` or `Without`), and then nothing is taken.
   */
  take(id: MachineId, owner: OwnerMark, wanted: SnapshotDefinition, signal: AbortSignal): Promise<void>;
  /**
   * Makes hardware and disks what they were; what was written since goes, unless another snapshot has it. The mark stays as it is. The machine is Off then;
   * `Saved` where the snapshot has memory, and its next start goes on from there. Conflict unless it is Off, what was saved is dropped; NotFound when there is no such key.
   */
  revert(id: MachineId, owner: OwnerMark, key: string, signal: AbortSignal): Promise<void>;
  /**
   * Forgets one; the machine stays as it is, and so do the snapshots that came after. The host may be merging disks for hours after that (`isMerging`). Gone
   * already is success, and so is a machine that is gone.
   */
  remove(id: MachineId, owner: OwnerMark, key: string, signal: AbortSignal): Promise<void>;
}

export interface SnapshotDefinition {
  /** One of the machine's has it: 1 to 200 bytes of text. Invalid otherwise. */
  readonly key: string;
  /** For people. Invalid when the host cannot hold it to the letter. */
  readonly name: string;
  /** With what runs in the machine. */
  readonly memory: boolean;
}

export interface SnapshotTree {
  readonly snapshots: readonly Snapshot[];
  /** The host still brings disks together: until then they are neither grown nor taken out, and the machine is not forgotten. */
  readonly isMerging: boolean;
}

export interface Snapshot {
  /** The host's own; no verb takes it. */
  readonly id: string;
  /** Absent when it is not ours. */
  readonly key?: string;
  readonly name: string;
  /** As ISO 8601 has it, where the host tells. */
  readonly takenAt?: string;
  /** The `id` of the one before it. */
  readonly parent?: string;
  /** Whether what ran is in it, where the host tells. */
  readonly memory?: boolean;
  /** The machine goes on from it. */
  readonly isCurrent: boolean;
}
