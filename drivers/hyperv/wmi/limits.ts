import type { Version } from './class.js';

/** What a version has room for; in bytes where it is about sizes. */
export interface VersionLimits {
  /** 1 is BIOS, 2 is UEFI. */
  readonly generations: readonly (1 | 2)[];
  /** Of Server 2008 R2, and of generation 1 since 2012. */
  readonly maxCpus: number;
}

export const versionLimits: Readonly<Record<Version, VersionLimits>> = {
  v1: { generations: [1], maxCpus: 4 },
  v2: { generations: [1, 2], maxCpus: 64 },
};
