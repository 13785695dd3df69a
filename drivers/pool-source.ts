import { normalize } from 'node:path/posix';
import type { Credentials } from './credentials.js';
import type { PoolSource } from './driver.js';

/** Which store this is, for people: two sources of which this says the same are one store. */
export function describeSource(source: PoolSource): string {
  switch (source.kind) {
    case 'directory':
      return `directory ${asFolder(source.path)}`;
    case 'filesystem':
      return `the file system on ${source.device}`;
    case 'nfs':
      return `NFS export ${source.server}:${asFolder(source.export)}`;
    case 'gluster':
      return `Gluster volume ${source.server}:${source.volume}`;
    case 'smb':
      return `SMB share ${uncOf(source)}`;
    case 'lvm':
      return `volume group ${source.volumeGroup}`;
    case 'zfs':
      return `ZFS dataset ${source.dataset}`;
    case 'disk':
      return `the partitions of ${source.device}`;
    case 'iscsi':
      return `iSCSI target ${source.target} on ${source.server}`;
    case 'rbd':
      return `Ceph pool ${source.pool} on ${source.monitors.join(', ')}`;
  }
}

/** In lower case: neither servers nor Windows tell cases apart. */
export const uncOf = ({ server, share, folder }: Extract<PoolSource, { readonly kind: 'smb' }>): string =>
  `\\\\${[server, share, ...(folder === undefined ? [] : [folder])].join('\\')}`.toLowerCase();

/** Where its files are in the host's file system; undefined when its volumes are devices. */
export const pathOf = (source: PoolSource): string | undefined => ('path' in source ? source.path : undefined);

/** As whom the host comes to the store. */
export const userOf = (source: PoolSource, credentials: Credentials | undefined): string | undefined =>
  source.kind === 'rbd' ? source.user : credentials?.text('username');

/** Whether they would be in each other's way: the same store, or the same place for it. */
export function collide(one: PoolSource, other: PoolSource): boolean {
  const [path, otherPath] = [pathOf(one), pathOf(other)];
  const samePath = path !== undefined && otherPath !== undefined && asFolder(path) === asFolder(otherPath);
  return samePath || describeSource(one) === describeSource(other);
}

export interface Moved {
  /** As `nfs.server`. */
  readonly field: string;
  readonly given: string;
  readonly is: string;
}

/** The first field in which a pool is another than asked for. What is not asked for is as it is. */
export function movedFrom(wanted: PoolSource, is: PoolSource | undefined): Moved | undefined {
  if (is?.kind !== wanted.kind) {
    const kind = is === undefined ? 'another kind of store' : describeSource(is);
    return { field: wanted.kind, given: describeSource(wanted), is: kind };
  }
  const found: Readonly<Record<string, unknown>> = is;
  for (const [name, given] of Object.entries(wanted))
    if (given !== undefined && textOf(given) !== textOf(found[name]))
      return { field: `${wanted.kind}.${name}`, given: textOf(given), is: textOf(found[name]) };
  return undefined;
}

const textOf = (value: unknown): string => {
  const text = Array.isArray(value) ? value.join(', ') : String(value ?? 'nothing');
  return text.startsWith('/') ? asFolder(text) : text;
};

/** Written in one way, whatever slashes there are. */
const asFolder = (path: string): string => (normalize(`${path}/`) === '/' ? '/' : normalize(`${path}/`).slice(0, -1));
