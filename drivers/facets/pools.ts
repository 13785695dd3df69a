import type { Credentials } from '../credentials.js';
import type { PoolId } from './ids.js';
import type { VolumeFormat } from './volumes.js';

/**
 * A pool is ours by its uuid, which we gave it; one that the host had before (capability `pools.existing`) is found by its native name in
 * the list, and no verb but those of its volumes is called on it. Which kinds can be made is told by `pools.<kind>`, as `pools.directory`;
 * of a host that makes none, the verbs that make and unmake are Unsupported.
 */
export interface Pools {
  /** All pools, ours or not. */
  list(signal: AbortSignal): Promise<readonly Pool[]>;
  /**
   * Defines the pool if need be, and makes the directory that it is, or is mounted on; it is not started. Nothing is written into a store: file
   * systems, volume groups and partition tables are there, or `start` fails. A pool is found by its uuid, keeps the native name it has,
   * and is never moved: Invalid when it has another source. NotOurs when the native name, the path or the store belongs to another uuid.
   */
  define(definition: PoolDefinition, signal: AbortSignal): Promise<PoolId>;
  /** What is stored in the pool is known from then on. NotFound when there is no such pool. */
  start(id: PoolId, signal: AbortSignal): Promise<void>;
  /** Stops and forgets the pool; what is stored in it stays. Gone already is success. */
  undefine(id: PoolId, signal: AbortSignal): Promise<void>;
}

export interface PoolDefinition {
  readonly uuid: string;
  readonly nativeName: string;
  readonly source: PoolSource;
  /** `username` and `password`, where the store asks for them; of Ceph `password` alone, as the user is part of the source; of SMB, for looking into the share. They are set anew with every `define`, kept by the host, and given back by nobody. */
  readonly credentials?: Credentials;
}

/** What a pool is made of, in the API's words; `path` is where its files are, or where its store is mounted. */
export type PoolSource =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'filesystem'; readonly device: string; readonly format?: FilesystemFormat; readonly path: string }
  | { readonly kind: 'nfs'; readonly server: string; readonly export: string; readonly version?: NfsVersion; readonly path: string }
  | { readonly kind: 'gluster'; readonly server: string; readonly volume: string; readonly path: string }
  /** A folder of a share, which the host reaches by its UNC path; without `folder`, all of the share. */
  | { readonly kind: 'smb'; readonly server: string; readonly share: string; readonly folder?: string }
  | { readonly kind: 'lvm'; readonly volumeGroup: string }
  | { readonly kind: 'zfs'; readonly dataset: string }
  | { readonly kind: 'disk'; readonly device: string; readonly label: PartitionLabel }
  | { readonly kind: 'iscsi'; readonly server: string; readonly target: string; readonly initiator?: string }
  | { readonly kind: 'rbd'; readonly monitors: readonly string[]; readonly pool: string; readonly user?: string };

export type PoolKind = PoolSource['kind'];
export type PartitionLabel = 'GPT' | 'DOS';
export type FilesystemFormat = 'Ext4' | 'XFS';
export type NfsVersion = 'V3' | 'V4' | 'V4.1' | 'V4.2';

export interface Pool {
  readonly id: PoolId;
  readonly uuid: string;
  readonly nativeName: string;
  readonly active: boolean;
  readonly path?: string;
  /** Absent for a store of a kind that we make no pools of. */
  readonly source?: PoolSource;
  /** That volumes made here can have, the host's best first; none where we cannot make volumes. */
  readonly formats: readonly VolumeFormat[];
  /** What can be done with volumes here; the other verbs are Unsupported, and change nothing. */
  readonly can: readonly VolumeVerb[];
  /** Where `stream` is not among them: why, and what helps. */
  readonly noStream?: string;
  /** It does not answer, as when the server behind it is away; all else is as it was last seen. */
  readonly silent?: true;
  readonly capacityBytes: number;
  readonly allocationBytes: number;
  readonly availableBytes: number;
}

/** `stream` is upload and download. A store whose volumes cannot grow has them at their full size from the first, and what was there before is in them until an upload. */
export type VolumeVerb = 'create' | 'delete' | 'grow' | 'stream';
