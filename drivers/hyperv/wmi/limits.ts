import type { Version } from './class.js';
import type { Bus } from './drives.js';

/** What a version has room for; in bytes where it is about sizes. */
export interface VersionLimits {
  /** 1 is BIOS, 2 is UEFI. */
  readonly generations: readonly (1 | 2)[];
  /** Of Server 2008 R2, and of generation 1 since 2012. */
  readonly maxCpus: number;
  /** Of virtual disks, the best first. */
  readonly formats: readonly ('Vhdx' | 'Vhd')[];
  readonly buses: readonly Bus[];
  /** Whether disks may be on SMB shares, as since Server 2012. */
  readonly shares: boolean;
  /** Of Ignition's configuration. A host tells all items of a machine in one answer, of which 2008 R2 sends 150 KB, and 2012 500. */
  readonly ignitionBytes: number;
  /** Checkpoints of what is not Off: with what runs, or of the disks alone. */
  readonly checkpoints: readonly ('With' | 'Without')[];
}

/** In bytes: what a machine's dynamic memory may become at most, whatever the host has. */
export const maxDynamicBytes = 2 ** 40;

/** Version 1 has dynamic memory since Server 2008 R2 SP1; `windows` as `Win32_OperatingSystem` tells it, `6.1.7601`. */
export function hasDynamicMemory(version: Version, windows: string): boolean {
  const [major = 0, minor = 0, build = 0] = windows.split('.').map(Number);
  return version === 'v2' || major > 6 || (major === 6 && (minor > 1 || (minor === 1 && build >= 7601)));
}

export const versionLimits: Readonly<Record<Version, VersionLimits>> = {
  v1: {
    ...{ generations: [1], maxCpus: 4, formats: ['Vhd'], buses: ['IDE', 'SCSI'] },
    ...{ shares: false, ignitionBytes: 24 << 10, checkpoints: ['With'] },
  },
  v2: {
    ...{ generations: [1, 2], maxCpus: 64, formats: ['Vhdx', 'Vhd'], buses: ['IDE', 'SCSI'] },
    ...{ shares: true, ignitionBytes: 64 << 10, checkpoints: ['With', 'Without'] },
  },
};
