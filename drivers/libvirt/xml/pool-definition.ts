import type { PoolDefinition } from '#drivers/driver.js';
import { checkName, checkPath, maxNameBytes, refuse } from './definition.js';
import { type LibvirtSource, libvirtSource } from './pool-source.js';

/**
 * Refuses what libvirt, or a tool that it runs, would take for something else: a name that begins with "-" is an option to mount.
 * @throws DriverError Unsupported for a kind that libvirt has not, and Invalid, naming the field, what was given, and what would be accepted
 */
export function checkPoolDefinition({ nativeName, source }: PoolDefinition): void {
  libvirtSource(source);
  checkName('nativeName', nativeName, maxNameBytes);
  for (const [name, given] of Object.entries(source))
    for (const one of [given].flat()) checks[`${source.kind}.${name}`]?.(`${source.kind}.${name}`, one);
}

type Check = (field: string, given: string) => void;

const matching =
  (pattern: RegExp, accepted: string): Check =>
  (field, given) => {
    if (!pattern.test(given) || given === '.' || given === '..') refuse(field, JSON.stringify(given), accepted);
  };

const device: Check = (field, given) => {
  checkPath(field, given);
  matching(/^\/dev\/./, 'a device below /dev')(field, given);
};
const server = matching(/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/, 'a host name or an IPv4 address');

const monitor = matching(
  /^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:[1-9][0-9]{0,4})?$/,
  'a host name or an IPv4 address, as mon1 or mon1:6789',
);

const iqn = matching(/^iqn\.[0-9]{4}-(0[1-9]|1[0-2])\.[A-Za-z0-9.-]+(:[A-Za-z0-9._:-]+)?$/, 'a name as iqn.2030-01.org.example:storage');

type LibvirtKind = LibvirtSource['kind'];
type FieldsOf<K extends LibvirtKind> = Exclude<keyof Extract<LibvirtSource, { readonly kind: K }>, 'kind'> & string;
type Field = { [K in LibvirtKind]: `${K}.${FieldsOf<K>}` }[LibvirtKind];

/** Words of ours need none: what is no such word does not compile, nor gets past the border. */
const words = undefined;

const checks: Readonly<Record<string, Check | undefined>> = {
  'directory.path': checkPath,
  'filesystem.device': device,
  'filesystem.path': checkPath,
  'filesystem.format': words,
  'nfs.server': server,
  'nfs.export': checkPath,
  'nfs.version': words,
  'nfs.path': checkPath,
  'gluster.server': server,
  'gluster.volume': matching(/^[A-Za-z0-9_][A-Za-z0-9_-]{0,254}$/, 'the name of a Gluster volume'),
  'gluster.path': checkPath,
  'zfs.dataset': matching(/^[A-Za-z][A-Za-z0-9_.:-]*(\/[A-Za-z0-9_][A-Za-z0-9_.:-]*)*$/, 'a dataset, as tank/machines'),
  'disk.device': device,
  'disk.label': words,
  'rbd.monitors': monitor,
  'rbd.user': matching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,126}$/, 'a user of Ceph, without "client." before it'),
  'rbd.pool': matching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,126}$/, 'the name of a Ceph pool'),
  'iscsi.server': server,
  'iscsi.target': iqn,
  'iscsi.initiator': iqn,
  'lvm.volumeGroup': matching(/^[A-Za-z0-9_.+][A-Za-z0-9_.+-]{0,126}$/, 'the name of a volume group'),
} satisfies Record<Field, Check | undefined>;
