import type { FilesystemFormat, NfsVersion, PartitionLabel, Pool, PoolKind, PoolSource } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { describeSource } from '#drivers/pool-source.js';
import { meaningOf } from '#drivers/words.js';
import { parseXml } from '#drivers/xml/parse.js';
import { attribute, child, element, elements, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { monitorElement, readMonitors } from './rbd.js';

/** What a pool is made of, in libvirt's words. */
interface NativePool {
  readonly source?: XmlElement;
  readonly path?: string;
}

const nfsVersions: readonly NfsVersion[] = ['V3', 'V4', 'V4.1', 'V4.2'];
const filesystems: Readonly<Record<FilesystemFormat, string>> = { Ext4: 'ext4', XFS: 'xfs' };
/** libvirt mounts SMB shares (`cifs`) as a guest, and Windows lets in none unless it is told to. */
export type LibvirtSource = Exclude<PoolSource, { readonly kind: 'smb' }>;
type LibvirtKind = LibvirtSource['kind'];

/** Which type of libvirt's a kind of pool is. */
const types: Readonly<Record<LibvirtKind, string>> = {
  directory: 'dir',
  filesystem: 'fs',
  nfs: 'netfs',
  gluster: 'netfs',
  lvm: 'logical',
  zfs: 'zfs',
  disk: 'disk',
  iscsi: 'iscsi',
  rbd: 'rbd',
};

/** The kinds that a daemon can make, by what it says of its types of pools. */
export function readPoolKinds(capabilities: string): readonly PoolKind[] {
  const pools = elements(parseXml(capabilities, 'pool capabilities'), 'pool');
  const supported = new Set(pools.filter((pool) => attribute(pool, 'supported') === 'yes').map((pool) => attribute(pool, 'type')));
  return (Object.keys(types) as LibvirtKind[]).filter((kind) => supported.has(types[kind]));
}

const labels: Readonly<Record<PartitionLabel, string>> = { GPT: 'gpt', DOS: 'dos' };
const format = (type: string) => element('format', { type });

/** @throws DriverError Unsupported */
export function libvirtSource(source: PoolSource): LibvirtSource {
  if (source.kind !== 'smb') return source;
  throw new DriverError(
    'Unsupported',
    `spec.smb: ${describeSource(source)} was given; accepted: ${Object.keys(types).join(', ')}, as a directory on which the host has mounted the share`,
  );
}

export const nativeType = ({ kind }: LibvirtSource): string => types[kind];

export function nativePool(source: LibvirtSource): NativePool {
  switch (source.kind) {
    case 'directory':
      return { path: source.path };
    case 'filesystem': {
      const type = source.format === undefined ? 'auto' : filesystems[source.format];
      return { source: element('source', {}, element('device', { path: source.device }), format(type)), path: source.path };
    }
    case 'nfs': {
      const version = source.version === undefined ? undefined : element('protocol', { ver: source.version.slice(1) });
      const from = [element('host', { name: source.server }), element('dir', { path: source.export }), format('nfs'), version];
      return { source: element('source', {}, ...from), path: source.path };
    }
    case 'gluster': {
      const from = [element('host', { name: source.server }), element('dir', { path: source.volume }), format('glusterfs')];
      return { source: element('source', {}, ...from), path: source.path };
    }
    case 'zfs':
      return { source: element('source', {}, element('name', {}, source.dataset)), path: `/dev/zvol/${source.dataset}` };
    case 'disk': {
      const from = [element('device', { path: source.device }), format(labels[source.label])];
      return { source: element('source', {}, ...from), path: '/dev' };
    }
    case 'iscsi': {
      const initiator = source.initiator === undefined ? undefined : element('initiator', {}, element('iqn', { name: source.initiator }));
      const from = [element('host', { name: source.server }), element('device', { path: source.target }), initiator];
      return { source: element('source', {}, ...from), path: '/dev/disk/by-path' };
    }
    case 'rbd': {
      const from = [...source.monitors.map(monitorElement), element('name', {}, source.pool)];
      return { source: element('source', {}, ...from) };
    }
    case 'lvm': {
      const from = element('source', {}, element('name', {}, source.volumeGroup), format('lvm2'));
      return { source: from, path: `/dev/${source.volumeGroup}` };
    }
  }
}

/** Undefined for a pool that is no such thing as we make. */
export function readSource(pool: XmlElement): PoolSource | undefined {
  const source = child(pool, 'source');
  const path = textOf(child(pool, 'target', 'path'));
  const formatIs = attribute(child(source, 'format'), 'type');
  switch (attribute(pool, 'type')) {
    case 'dir':
      return path === undefined ? undefined : { kind: 'directory', path };
    case 'fs':
      return path === undefined ? undefined : readFilesystem(source, formatIs, path);
    case 'netfs':
      return path === undefined ? undefined : readMounted(source, formatIs, path);
    case 'logical': {
      const volumeGroup = textOf(child(source, 'name'));
      return volumeGroup === undefined ? undefined : { kind: 'lvm', volumeGroup };
    }
    case 'zfs': {
      const dataset = textOf(child(source, 'name'));
      return dataset === undefined ? undefined : { kind: 'zfs', dataset };
    }
    case 'disk': {
      const label = (Object.keys(labels) as PartitionLabel[]).find((each) => labels[each] === formatIs);
      const device = attribute(child(source, 'device'), 'path');
      return device === undefined || label === undefined ? undefined : { kind: 'disk', device, label };
    }
    case 'iscsi':
      return readIscsi(source);
    case 'rbd':
      return readRbd(source);
    default:
      return undefined;
  }
}

function readIscsi(source: XmlElement | undefined): PoolSource | undefined {
  const [server, target] = [attribute(child(source, 'host'), 'name'), attribute(child(source, 'device'), 'path')];
  const initiator = attribute(child(source, 'initiator', 'iqn'), 'name');
  if (server === undefined || target === undefined) return undefined;
  return { kind: 'iscsi', server, target, ...(initiator === undefined ? {} : { initiator }) };
}

function readRbd(source: XmlElement | undefined): PoolSource | undefined {
  const [pool, monitors] = [textOf(child(source, 'name')), readMonitors(source)];
  const user = attribute(child(source, 'auth'), 'username');
  if (pool === undefined || monitors.length === 0) return undefined;
  return { kind: 'rbd', monitors, pool, ...(user === undefined ? {} : { user }) };
}

function readFilesystem(source: XmlElement | undefined, native: string | undefined, path: string): PoolSource | undefined {
  const device = attribute(child(source, 'device'), 'path');
  const found = (Object.keys(filesystems) as FilesystemFormat[]).find((each) => filesystems[each] === native);
  return device === undefined ? undefined : { kind: 'filesystem', device, ...(found === undefined ? {} : { format: found }), path };
}

function readMounted(source: XmlElement | undefined, native: string | undefined, path: string): PoolSource | undefined {
  const [server, dir] = [attribute(child(source, 'host'), 'name'), attribute(child(source, 'dir'), 'path')];
  const version = nfsVersions.find((each) => each.slice(1) === attribute(child(source, 'protocol'), 'ver'));
  if (server === undefined || dir === undefined) return undefined;
  if (native === 'glusterfs') return { kind: 'gluster', server, volume: dir, path };
  return native !== 'nfs' ? undefined : { kind: 'nfs', server, export: dir, ...(version === undefined ? {} : { version }), path };
}

type Abilities = Pick<Pool, 'formats' | 'can'>;

const files: Abilities = { formats: ['Qcow2', 'Raw'], can: ['create', 'delete', 'grow', 'stream'] };
/** Made at their size, as libvirt has no word for growing them. */
const devices: Abilities = { formats: ['Raw'], can: ['create', 'delete', 'stream'] };
/** What is there can be read and written, and nothing be made. */
const found: Abilities = { formats: [], can: ['stream'] };

/** Images of a Ceph pool: libvirt hands over nothing of what is in them. */
const images: Abilities = { formats: [], can: [] };

/** Of each type of pool that libvirt has, also of those that we make none of; of others nothing is known but that they are there. */
const abilities: Readonly<Record<string, Abilities>> = {
  dir: files,
  fs: files,
  netfs: files,
  logical: devices,
  zfs: devices,
  disk: found,
  iscsi: found,
  scsi: found,
  mpath: found,
  rbd: images,
};

/** `directories`: whether they can be filled from here. They are where files are. */
export function abilitiesOf(type: string | undefined, directories = false): Abilities {
  const found = meaningOf(abilities, type) ?? { formats: [], can: [] };
  return directories && found === files ? { ...files, formats: [...files.formats, 'Directory'] } : found;
}
