import { DriverError } from '#drivers/error.js';
import { judgeVhdxHeaders, vhdxHeaders } from '#drivers/vhdx-header.js';
import type { WrittenFile } from './contents.js';

type Format = 'Vhdx' | 'Vhd';

const kib = 1024;
const sector = 512;
/** Of the VHD specification 1.0. */
const vhdTypes = { fixed: 2, dynamic: 3, differencing: 4 } as const;
/** Of MS-VHDX: both copies of the region table. */
const regionTables = [192 * kib, 256 * kib];
const tableBytes = 64 * kib;
const metadataRegion = '8b7ca206-4790-4b9a-b8fe-575f050f886e';
const fileParameters = 'caa16737-fa36-4d43-b3b6-33f0aa44e76b';
const parentLocator = 'a8d35f2d-b30b-454d-abf7-d3d84834ab0c';
const hasParent = 2;

/**
 * That a file is a virtual disk of that format which stands alone: one with a parent would have the host read whatever file it names. Hyper-V itself
 * looks at the rest.
 * @throws DriverError Invalid
 */
export async function checkDiskFile(nativeName: string, format: Format, file: WrittenFile): Promise<void> {
  const wrong = format === 'Vhdx' ? await wrongInVhdx(file) : await wrongInVhd(file);
  if (wrong === undefined) return;
  throw new DriverError(
    'Invalid',
    `volume "${nativeName}": ${file.sizeBytes} bytes were uploaded, ${wrong}; accepted: a ${format.toUpperCase()} that stands alone${await hint(format, file)}`,
  );
}

async function wrongInVhd(file: WrittenFile): Promise<string | undefined> {
  const footer = await file.read(Math.max(0, file.sizeBytes - sector), sector);
  if (!isFooter(footer)) return 'and they do not end with the footer of a VHD';
  const start = await file.read(0, sector);
  const type = footer.readUInt32BE(60);
  // A dynamic one has a copy at its beginning, by which Windows goes where the other is broken.
  const types = [type, ...(type !== vhdTypes.fixed && isFooter(start) ? [start.readUInt32BE(60)] : [])];
  if (types.includes(vhdTypes.differencing)) return 'a differencing disk, which has a parent';
  if (types.some((each) => each !== type) || (type !== vhdTypes.fixed && type !== vhdTypes.dynamic))
    return 'of no type of disk that there is';
  if (type === vhdTypes.dynamic) return (await isSparse(file, footer)) ? undefined : 'a dynamic disk without its header';
  const sizeBytes = footer.readBigUInt64BE(48);
  return BigInt(file.sizeBytes - sector) === sizeBytes ? undefined : `a fixed disk that says it has ${sizeBytes}, and 512 for its footer`;
}

const isFooter = (bytes: Buffer): boolean =>
  bytes.length === sector && bytes.toString('latin1', 0, 8) === 'conectix' && bytes.readUInt32BE(64) === checksum(bytes, 64);

async function isSparse(file: WrittenFile, footer: Buffer): Promise<boolean> {
  const at = Number(footer.readBigUInt64BE(16));
  if (at > file.sizeBytes) return false;
  return (await file.read(at, 8)).toString('latin1') === 'cxsparse';
}

/** The ones' complement of the sum of all other bytes. */
function checksum(bytes: Buffer, at: number): number {
  let sum = 0;
  for (const [index, byte] of bytes.entries()) if (index < at || index >= at + 4) sum += byte;
  return ~sum >>> 0;
}

async function wrongInVhdx(file: WrittenFile): Promise<string | undefined> {
  if ((await file.read(0, 8)).toString('latin1') !== 'vhdxfile') return 'and they do not begin with "vhdxfile"';
  const headers: Buffer[] = [];
  for (const at of vhdxHeaders.at) headers.push(await file.read(at, vhdxHeaders.bytes));
  const header = judgeVhdxHeaders(headers);
  if (header === 'Broken') return 'a VHDX without a header that is whole';
  if (header === 'Logged') return 'a VHDX that was in use when it was copied, as its log is not empty (attach and detach it)';
  let tables = 0;
  for (const at of regionTables) {
    const table = await file.read(at, tableBytes);
    if (table.toString('latin1', 0, 4) !== 'regi') continue;
    const wrong = await wrongInMetadata(file, entriesIn(table, 8, 16));
    if (wrong !== undefined) return wrong;
    tables += 1;
  }
  return tables === 0 ? 'a VHDX without a table of its regions' : undefined;
}

/** Of two copies, neither may say otherwise. */
async function wrongInMetadata(file: WrittenFile, regions: readonly Buffer[]): Promise<string | undefined> {
  const [region, another] = regions.filter((entry) => guidOf(entry) === metadataRegion);
  const at = Number(region?.readBigUInt64LE(16) ?? 0n);
  if (region === undefined || another !== undefined || at > file.sizeBytes) return 'a VHDX whose metadata are not found';
  const table = await file.read(at, tableBytes);
  if (table.toString('latin1', 0, 8) !== 'metadata') return 'a VHDX whose metadata are not where it says';
  const items = entriesIn(table, 10, 32);
  const parameters = items.find((entry) => guidOf(entry) === fileParameters);
  const value = await file.read(at + (parameters?.readUInt32LE(16) ?? 0), 8);
  if (parameters === undefined || value.length < 8) return 'a VHDX that does not tell of which kind it is';
  const isChild = (value.readUInt32LE(4) & hasParent) !== 0 || items.some((entry) => guidOf(entry) === parentLocator);
  return isChild ? 'a differencing disk, which has a parent' : undefined;
}

/** Each of 32 bytes, beginning with a GUID; no more than there is room for. */
function entriesIn(table: Buffer, countAt: number, from: number): readonly Buffer[] {
  if (table.length < from) return [];
  const count = Math.min(table.readUInt16LE(countAt), Math.floor((table.length - from) / 32));
  return Array.from({ length: count }, (_, index) => table.subarray(from + index * 32, from + (index + 1) * 32));
}

/** Its first three parts are stored turned round. */
function guidOf(entry: Buffer): string {
  const hex = (from: number, to: number, turned: boolean) => {
    const part = Buffer.from(entry.subarray(from, to));
    return (turned ? part.reverse() : part).toString('hex');
  };
  return [hex(0, 4, true), hex(4, 6, true), hex(6, 8, true), hex(8, 10, false), hex(10, 16, false)].join('-');
}

async function hint(format: Format, file: WrittenFile): Promise<string> {
  if (format === 'Vhd') return (await file.read(0, 8)).toString('latin1') === 'vhdxfile' ? '; this one is a VHDX' : '';
  const footer = await file.read(Math.max(0, file.sizeBytes - sector), sector);
  return isFooter(footer) ? '; this one is a VHD' : '';
}
