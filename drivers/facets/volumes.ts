import type { MachineId, PoolId, VolumeId } from './ids.js';

/** Every verb: NotFound when there is no such pool; Conflict when the pool is not active. */
export interface Volumes {
  /** Everything in the pool as the host knows it. With `refresh` the host looks at its store first. */
  list(pool: PoolId, options: { readonly refresh: boolean }, signal: AbortSignal): Promise<readonly Volume[]>;
  /** Makes an empty volume; Invalid or Unsupported in a format that the pool has not, but every pool takes a `Raw` one of 0 bytes, an empty file. Conflict when one of that name exists, however alike: look at it. Exhausted when the pool has no room. */
  create(definition: VolumeDefinition, signal: AbortSignal): Promise<Volume>;
  /**
   * Makes a volume with what the guest sees of `from`, in the definition's format and grown to its size; it stands alone. Nobody may write to
   * `from` meanwhile. Resolves when all of it is there, which may take hours; when it breaks midway, a part is left, which the host may still be
   * at work on: until it has given up, `delete` is a Conflict. Conflict when a volume of that name exists; NotFound when `from` is gone; Invalid
   * when it is larger, or holds something that the host takes for another format than it was made with; Unsupported where the host cannot (`volumes.clone` without `Full`).
   */
  copy(definition: VolumeDefinition, from: VolumeSource, signal: AbortSignal): Promise<Volume>;
  /**
   * Makes a volume, in the pool of `base`, that keeps only what differs from it: `base` may not be written to, nor deleted, as long as there is
   * one. It is Qcow2, or a Vhdx or Vhd as `base` is, and then a Vhd has its size, too. Conflict, NotFound and Invalid as with `copy`;
   * Unsupported where the host cannot (`volumes.clone` without `Linked`).
   */
  link(definition: VolumeDefinition, base: VolumeSource, signal: AbortSignal): Promise<Volume>;
  /**
   * Replaces the content, from the first byte on, then resolves when the host has all of it. Nothing longer that was there before is left:
   * the stored file is then exactly `content`, which brings its own size. When it breaks midway, a part is left, and uploading again heals it.
   * NotFound when there is no such volume; Exhausted when the pool has no room. A source that throws rejects the upload, its error as `cause`.
   */
  upload(id: VolumeId, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void>;
  /**
   * Goes on with an upload that broke: writes `content` from byte `offset` on, and resolves as `upload` does. What is stored before stays, and
   * so does what is longer. Invalid when less than `offset` is stored; Unsupported where the host cannot (no `volumes.resume`), or volumes of the pool do not grow.
   */
  resume(id: VolumeId, offset: number, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void>;
  /** The raw content of the stored file, as is: for a Qcow2 volume its header comes first. A range beyond the end gives what there is; a signal that ends rejects, so a cut stream never looks whole. */
  download(id: VolumeId, range: { readonly offset: number; readonly length: number }, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Grows what the guest sees to `sizeBytes`; never shrinks. Invalid when the volume is larger; NotFound when it is gone; Exhausted when the pool has no room. */
  grow(id: VolumeId, sizeBytes: number, signal: AbortSignal): Promise<void>;
  /**
   * The same for a disk of a machine that is not Off, whose guest is told of it; Unsupported where the host cannot (no `volumes.growAttached`).
   * Conflict when the machine is Off; NotFound when it, or the volume, is gone, or the volume is no disk of it.
   */
  growAttached(id: VolumeId, machine: MachineId, sizeBytes: number, signal: AbortSignal): Promise<void>;
  /**
   * Leaves nothing of the content to be read, so that the volume can be deleted: in its place are zeros, or nothing. Resolves when it is done, which may take
   * hours. NotFound when it is gone; Unsupported where the host cannot (no `volumes.wipe`).
   */
  wipe(id: VolumeId, signal: AbortSignal): Promise<void>;
  /** Gone already is success. */
  delete(id: VolumeId, signal: AbortSignal): Promise<void>;
}

export interface VolumeDefinition {
  readonly pool: PoolId;
  readonly nativeName: string;
  readonly format: VolumeFormat;
  /** What the guest sees. For a volume that is about to be filled: 0, and the content brings its own. */
  readonly sizeBytes: number;
  /** All of its room is taken at once. Absent: as the pool usually does. Unsupported where the host cannot (no `volumes.allocation`). */
  readonly allocation?: 'Full';
  /** Whose a `Directory` is: users in containers of one tenant are the same on the host, and strangers to those of another. Absent: nobody's in particular. */
  readonly tenant?: string;
}

/** What another volume is made from. */
export interface VolumeSource {
  readonly id: VolumeId;
  /** As it was made, whatever it looks like: its guest may have written anything. */
  readonly format: VolumeFormat;
}

export interface Volume {
  readonly id: VolumeId;
  /** What a machine's disk is given: a path, never a reference into a pool. */
  readonly location: string;
  readonly format?: VolumeFormat;
  readonly sizeBytes: number;
  readonly allocationBytes: number;
  /** All of its room was taken at once, where the host tells. */
  readonly allocation?: 'Full';
  /** Location of the volume that this one keeps only its differences from. */
  readonly base?: string;
  /** It is there, and the host does not tell what it is: why not, and what helps. Its size is the file's then, and a base is not known. */
  readonly unread?: string;
}

/**
 * A `Directory` is a tree of files, for containers: what is uploaded into it is a tar archive, which becomes the tree, with the owners of its
 * entries as the host maps them. It has no size of its own, and nothing of it is downloaded, copied or wiped.
 */
export type VolumeFormat = 'Raw' | 'Qcow2' | 'Vmdk' | 'Vhdx' | 'Vhd' | 'Directory';
