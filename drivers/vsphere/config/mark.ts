import type { Mark, OwnerMark } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { sameOwner } from '#drivers/owner.js';

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

const maxRecordBytes = 4096;

/** JSON in plain ASCII: a .vmx file keeps neither line breaks nor, in every version, what is beyond ASCII. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(/[^ -~]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

export function parseJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The mark of a machine; undefined when it carries none that is whole. */
export function readMark(extra: Extra): Mark | undefined {
  const owner = decodeOwner(parseJson(extra[keys.owner]));
  const record = parseJson(extra[keys.record]);
  return owner === undefined ? undefined : { owner, record: typeof record === 'string' ? record : '' };
}

function decodeOwner(value: unknown): OwnerMark | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { cluster, namespace, name, uid } = value as Readonly<Record<string, unknown>>;
  if (typeof cluster !== 'string' || typeof namespace !== 'string' || typeof name !== 'string' || typeof uid !== 'string') return undefined;
  return { cluster, namespace, name, uid };
}

/** @throws DriverError Invalid for a record that is too long */
export function markExtra({ owner: { cluster, namespace, name, uid }, record }: Mark): Extra {
  const size = Buffer.byteLength(record);
  if (size > maxRecordBytes)
    throw new DriverError('Invalid', `the record has ${size} bytes; at most ${maxRecordBytes} are kept in a machine`);
  return { [keys.owner]: asciiJson({ cluster, namespace, name, uid }), [keys.record]: asciiJson(record) };
}

export function sameMark(one: Mark | undefined, other: Mark): boolean {
  return one !== undefined && sameOwner(one.owner, other.owner) && one.record === other.record;
}
