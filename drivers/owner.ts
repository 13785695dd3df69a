import { inAscii } from './ascii.js';
import type { Mark, OwnerMark } from './driver.js';
import { DriverError } from './error.js';

export function sameOwner(one: OwnerMark, other: OwnerMark): boolean {
  return one.cluster === other.cluster && one.namespace === other.namespace && one.name === other.name && one.uid === other.uid;
}

/** For messages: `shop/db of cluster "c1" (uid 6b1f…)`. */
function ownerText({ cluster, namespace, name, uid }: OwnerMark): string {
  return `${namespace}/${name} of cluster "${cluster}" (uid ${uid})`;
}

/** What is not ours is left alone, and named. @throws DriverError NotOurs unless the machine carries `owner`'s mark */
export function assertOwner(nativeName: string, mark: Mark | undefined, owner: OwnerMark): void {
  if (mark !== undefined && sameOwner(mark.owner, owner)) return;
  const whose = mark === undefined ? 'carries no mark of ours' : `belongs to ${ownerText(mark.owner)}`;
  throw new DriverError('NotOurs', `machine "${nativeName}" on the host ${whose}, not to ${ownerText(owner)}; it is left alone`);
}

export function sameMark(one: Mark | undefined, other: Mark): boolean {
  return one !== undefined && sameOwner(one.owner, other.owner) && one.record === other.record;
}

const maxRecordBytes = 4096;

/** @throws DriverError Invalid for a record that is too long */
export function markRecord(record: string): string {
  const size = Buffer.byteLength(record);
  if (size > maxRecordBytes)
    throw new DriverError('Invalid', `the record has ${size} bytes; at most ${maxRecordBytes} are kept in a machine`);
  return record;
}

/** JSON in plain ASCII, without line breaks: what holds a mark on a host may keep neither those nor what is beyond ASCII. */
export function asciiJson(value: unknown): string {
  return inAscii(JSON.stringify(value));
}

/** Undefined for what is no JSON. */
export function parseJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Undefined for what is no owner in full. */
export function decodeOwner(value: unknown): OwnerMark | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { cluster, namespace, name, uid } = value as Readonly<Record<string, unknown>>;
  if (typeof cluster !== 'string' || typeof namespace !== 'string' || typeof name !== 'string' || typeof uid !== 'string') return undefined;
  return { cluster, namespace, name, uid };
}
