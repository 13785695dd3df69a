import type { StoragePool } from '#crds/types.js';
import type { PoolSource } from '#drivers/driver.js';

/** What a pool of ours is made of; undefined for one that was there before. `path` is where its store is mounted when nothing is said of it. */
export function sourceOf({ spec }: StoragePool, path: string): PoolSource | undefined {
  const { directory, filesystem, nfs, gluster, lvm, zfs, disk } = spec;
  if (directory !== undefined) return { kind: 'directory', ...directory };
  if (filesystem !== undefined) return { kind: 'filesystem', path, ...filesystem };
  if (nfs !== undefined) return { kind: 'nfs', path, ...nfs };
  if (gluster !== undefined) return { kind: 'gluster', path, ...gluster };
  if (lvm !== undefined) return { kind: 'lvm', ...lvm };
  if (zfs !== undefined) return { kind: 'zfs', ...zfs };
  if (disk !== undefined) return { kind: 'disk', ...disk };
  return guardedOf(spec);
}

/** Those that may ask who is there. */
function guardedOf({ iscsi, rbd, smb }: StoragePool['spec']): PoolSource | undefined {
  if (smb !== undefined) {
    const { credentialsSecretName: _, ...source } = smb;
    return { kind: 'smb', ...source };
  }
  if (iscsi !== undefined) {
    const { credentialsSecretName: _, ...source } = iscsi;
    return { kind: 'iscsi', ...source };
  }
  if (rbd === undefined) return undefined;
  const { credentialsSecretName: _, ...source } = rbd;
  return { kind: 'rbd', ...source };
}

/** Where a host keeps what it mounts for us. */
export const mountPoint = (nativeName: string): string => `/var/lib/virtwright/pools/${nativeName}`;
