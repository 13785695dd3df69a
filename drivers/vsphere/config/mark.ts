import type { Mark } from '#drivers/driver.js';
import { asciiJson, decodeOwner, markRecord, parseJson } from '#drivers/owner.js';

/** Where we keep things in a machine, among its extraConfig. An empty text there means that the key is not there at all. */
export const keys = {
  owner: 'virtwright.owner',
  record: 'virtwright.record',
  /** Disk's name to its place, `scsi0:1`; a device has a label, but the host writes it. */
  disks: 'virtwright.disks',
  /** Interface's name to its place, `ethernet0`. */
  interfaces: 'virtwright.interfaces',
  /** The hardware of the next start, where it differs: vSphere has but one definition, and a running machine lives by it. */
  next: 'virtwright.next',
} as const;

export type Key = (typeof keys)[keyof typeof keys];
export type Extra = Readonly<Partial<Record<Key, string>>>;

/** Who manages the machine, as the clients of vSphere show it. */
export const managedBy = { extensionKey: 'io.virtwright', type: 'machine' } as const;

/** The mark of a machine; undefined when it carries none that is whole. */
export function readMark(extra: Extra): Mark | undefined {
  const owner = decodeOwner(parseJson(extra[keys.owner]));
  const record = parseJson(extra[keys.record]);
  return owner === undefined ? undefined : { owner, record: typeof record === 'string' ? record : '' };
}

/** @throws DriverError Invalid for a record that is too long */
export function markExtra({ owner: { cluster, namespace, name, uid }, record }: Mark): Extra {
  return { [keys.owner]: asciiJson({ cluster, namespace, name, uid }), [keys.record]: asciiJson(markRecord(record)) };
}
