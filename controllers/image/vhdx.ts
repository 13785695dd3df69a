import { judgeVhdxHeaders, vhdxHeaders } from '#drivers/vhdx-header.js';
import { looksLike } from './hint.js';
import { checkVirtualSize, type HeaderLimits, type HeaderVerdict, type Refused, refuse } from './refusal.js';

/** Gives `length` bytes from `offset` on; fewer only where the image ends. */
export type ReadAt = (offset: number, length: number) => Promise<Uint8Array>;

/** MS-VHDX: little-endian, at fixed places each in two copies. */
const signature = 'vhdxfile';
const regionsAt = [192 * 1024, 256 * 1024];
const regionBytes = 64 * 1024;
const mostEntries = 2047;
const metadataRegion = '8b7ca206-4790-4b9a-b8fe-575f050f886e';
const items = {
  fileParameters: 'caa16737-fa36-4d43-b3b6-33f0aa44e76b',
  virtualSize: '2fa54224-cd1b-4876-b211-5dbed83bf4b8',
  parentLocator: 'a8d35f2d-b30b-454d-abf7-d3d84834ab0c',
} as const;
const hasParent = 2;
const convert = 'merge it into one disk ("Convert-VHD", or "qemu-img convert -O qcow2")';

/** By its first bytes alone: enough to refuse what is no VHDX before all of it is fetched. */
export function inspectVhdxHead(head: Uint8Array): HeaderVerdict {
  if (Buffer.from(head.subarray(0, 8)).toString('latin1') === signature) return { kind: 'accepted' };
  return refuse(
    'NotThisFormat',
    `the image is declared Vhdx but does not begin with "${signature}"${looksLike(head)}; declare its real format`,
  );
}

/** Accepts a VHDX that stands alone: closed properly, without a parent, and no larger than the volume. Of the header the copy counts that was written last; of the tables, neither copy may say otherwise. */
export async function inspectVhdx(read: ReadAt, limits: HeaderLimits): Promise<HeaderVerdict> {
  const headers: Uint8Array[] = [];
  for (const at of vhdxHeaders.at) headers.push(await read(at, vhdxHeaders.bytes));
  const header = judgeVhdxHeaders(headers);
  if (header === 'Broken') return corrupt('of its two copies neither is whole');
  if (header === 'Logged')
    return refuse(
      'Dirty',
      'the image was in use when it was copied: its log is not empty; attach and detach it on Windows, and publish it again',
    );
  const sizes: bigint[] = [];
  for (const at of regionsAt) {
    const found = await inspectRegions(Buffer.from(await read(at, regionBytes)), read);
    if (typeof found === 'object') return found;
    if (found !== undefined) sizes.push(found);
  }
  const [size] = sizes.sort((a, b) => (a > b ? -1 : 1));
  if (size === undefined) return corrupt('no region table names its metadata');
  return checkVirtualSize(size, limits) ?? { kind: 'accepted', virtualSizeBytes: Number(size) };
}

/** The virtual size by this copy of the region table; undefined when it is no such table. */
async function inspectRegions(table: Buffer, read: ReadAt): Promise<bigint | Refused | undefined> {
  if (table.length < 16 || table.toString('latin1', 0, 4) !== 'regi') return undefined;
  const entries = entriesOf(table, table.readUInt32LE(8), 16);
  if (entries === undefined) return corrupt('its region table is longer than there is room');
  const metadata = entries.filter(({ id }) => id === metadataRegion);
  const [region] = metadata;
  if (region === undefined || metadata.length > 1) return corrupt('it has no metadata, or twice');
  const [offset, length] = [Number(region.bytes.readBigUInt64LE(16)), region.bytes.readUInt32LE(24)];
  if (!Number.isSafeInteger(offset)) return corrupt('its metadata are beyond all bounds');
  return inspectMetadata(offset, length, read);
}

async function inspectMetadata(offset: number, length: number, read: ReadAt): Promise<bigint | Refused> {
  const table = Buffer.from(await read(offset, Math.min(length, regionBytes)));
  if (table.length < 32 || table.toString('latin1', 0, 8) !== 'metadata') return corrupt('its metadata table is missing');
  const entries = entriesOf(table, table.readUInt16LE(10), 32);
  if (entries === undefined) return corrupt('its metadata table is longer than there is room');
  const valueAt = async (item: string, bytes: number) => {
    const entry = entries.find(({ id }) => id === item);
    const value = entry === undefined ? undefined : Buffer.from(await read(offset + entry.bytes.readUInt32LE(16), bytes));
    return value?.length === bytes ? value : undefined;
  };
  const flags = (await valueAt(items.fileParameters, 8))?.readUInt32LE(4);
  const size = (await valueAt(items.virtualSize, 8))?.readBigUInt64LE(0);
  if (flags === undefined || size === undefined) return corrupt('its metadata do not say how large it is');
  if ((flags & hasParent) !== 0 || entries.some(({ id }) => id === items.parentLocator))
    return refuse(
      'BackingFile',
      `the image is a differencing disk, it has a parent; only images that stand alone are accepted: ${convert}`,
    );
  return size;
}

interface Entry {
  readonly id: string;
  readonly bytes: Buffer;
}

/** Entries of 32 bytes, each beginning with a GUID. */
function entriesOf(table: Buffer, count: number, from: number): readonly Entry[] | undefined {
  if (count > mostEntries || from + count * 32 > table.length) return undefined;
  return Array.from({ length: count }, (_, index) => {
    const bytes = table.subarray(from + index * 32, from + (index + 1) * 32);
    return { id: guidOf(bytes), bytes };
  });
}

/** Its first three parts are stored little-endian. */
function guidOf(bytes: Buffer): string {
  const hex = [
    bytes.readUInt32LE(0).toString(16).padStart(8, '0'),
    ...[4, 6].map((at) => bytes.readUInt16LE(at).toString(16).padStart(4, '0')),
  ];
  return [...hex, bytes.toString('hex', 8, 10), bytes.toString('hex', 10, 16)].join('-');
}

const corrupt = (what: string): Refused => refuse('Corrupt', `the image's VHDX header is broken: ${what}; publish a good copy`);
