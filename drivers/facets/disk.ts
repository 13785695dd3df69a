import type { VolumeFormat } from './volumes.js';

export interface MachineDisk {
  /** The disk's name in the manifest, carried by the native device. */
  readonly name: string;
  /** As `Volume.location` gives it. */
  readonly location: string;
  readonly format: VolumeFormat;
  /** Absent: the host's best, chosen when the disk is first defined and kept from then on. */
  readonly bus?: DiskBus;
  readonly serial?: string;
  /** How the host caches what is written; absent, like the next two: its own choice, or as it is. */
  readonly cache?: DiskCache;
  readonly io?: DiskIo;
  /** Whether what the guest discards is given back to the store. */
  readonly discard?: 'Ignore' | 'Unmap';
  /** Absent: as they are; what it does not name is not limited. */
  readonly limits?: DiskLimits;
}

export type DiskCache = 'None' | 'WriteBack' | 'WriteThrough' | 'DirectSync' | 'Unsafe';
export type DiskIo = 'Native' | 'Threads' | 'IoUring';

/** The most that the guest may do per second, more than 0. Totals are instead of reads and writes. */
export interface DiskLimits {
  readonly totalIops?: number;
  readonly readIops?: number;
  readonly writeIops?: number;
  readonly totalBytes?: number;
  readonly readBytes?: number;
  readonly writeBytes?: number;
}

export interface MachineCdrom {
  readonly name: string;
  /** Of a raw image, as `Volume.location` gives it. Absent: the tray is empty. */
  readonly location?: string;
  /** As a disk's. */
  readonly bus?: DiskBus;
}

export type DiskBus = 'VirtioBlk' | 'VirtioScsi' | 'SATA' | 'NVMe' | 'Pvscsi' | 'LsiLogic' | 'IDE' | 'SCSI' | 'XenBlk';
