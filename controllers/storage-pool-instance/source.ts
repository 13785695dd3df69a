import type { StoragePool } from '#crds/types.js';
import type { PoolSource } from '#drivers/driver.js';

/** What a pool of ours is made of; undefined for one that was there before. `path` is where its store is mounted when nothing is said of it. */
export function sourceOf({ spec }: StoragePool, path: string): PoolSource | undefined {
  const { directory, filesystem, nfs, lvm } = spec;
  if (directory !== undefined) return { kind: 'directory', ...directory };
  if (filesystem !== undefined) return { kind: 'filesystem', path, ...filesystem };
  if (nfs !== undefined) return { kind: 'nfs', path, ...nfs };
  return lvm === undefined ? undefined : { kind: 'lvm', ...lvm };
}

/** Where a host keeps what it mounts for us. */
export const mountPoint = (nativeName: string): string => `/var/lib/virtwright/pools/${nativeName}`;
