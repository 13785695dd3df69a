import type { MachineInterface, Mark, OwnerMark } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';

const isUuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** What XML 1.0, in which most hosts write things down, cannot hold; and the other control characters, which nobody means. */
const unwritable = /(?![\t\n\r])\p{Cc}|[\ufffe\uffff]|\p{Cs}/u;
const unsafeInName = /[/\p{Cc}]/u;
const recordLimitBytes = 4096;

export function canonicalUuid(given: string): string {
  if (!isUuid.test(given)) throw new DriverError('Invalid', `uuid: ${JSON.stringify(given)} given, RFC 9562 text is accepted`);
  return given.toLowerCase();
}

/** A native name becomes a file's name on the host: one that could lead elsewhere is refused. */
export function mustBeName(given: string): void {
  const safe = given !== '' && given !== '.' && given !== '..' && given.trim() === given && Buffer.byteLength(given) <= 250;
  if (!safe || unsafeInName.test(given) || unwritable.test(given))
    throw new DriverError(
      'Invalid',
      `nativeName: ${JSON.stringify(given)} given, 1 to 250 bytes without "/" or control characters accepted`,
    );
}

/** Every text in it, however deep. */
export function mustBeWritable(value: unknown): void {
  if (typeof value === 'string' && unwritable.test(value))
    throw new DriverError('Invalid', `${JSON.stringify(value)} given, text without control characters accepted`);
  if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) mustBeWritable(part);
}

export function mustBeMark({ owner, record }: Mark): void {
  if (Buffer.byteLength(record) > recordLimitBytes)
    throw new DriverError('Invalid', `mark.record: ${Buffer.byteLength(record)} bytes given, at most ${recordLimitBytes} accepted`);
  mustBeWritable([record, owner]);
}

export const sameOwner = (one: OwnerMark | undefined, other: OwnerMark | undefined): boolean =>
  one?.cluster === other?.cluster && one?.namespace === other?.namespace && one?.name === other?.name && one?.uid === other?.uid;

export function mustBeInterfaces(interfaces: readonly MachineInterface[]): void {
  for (const { name, macAddress = '52:54:00:00:00:00' } of interfaces)
    if (!/^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/.test(macAddress))
      throw new DriverError('Invalid', `interface "${name}": macAddress ${macAddress} given, one interface's in lower case accepted`);
  const twice = interfaces.find(({ name }, at) => interfaces.findIndex((other) => other.name === name) !== at);
  if (twice !== undefined) throw new DriverError('Invalid', `interfaces: "${twice.name}" twice, every name once accepted`);
}
