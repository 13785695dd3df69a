import { randomUUID } from 'node:crypto';
import { crc32c } from './crc32c.js';
import { guidBytes, guidText, type Image, type Layout, type Piece } from './image.js';

const kib = 1024;
const mib = 1024 * kib;
export const vhdxBlockBytes = 32 * mib;

const regions = { bat: '2DC27766-F623-4200-9D64-115E9BFD4A08', metadata: '8B7CA206-4790-4B9A-B8FE-575F050F886E' };
const items = {
  parameters: 'CAA16737-FA36-4D43-B3B6-33F0AA44E76B',
  size: '2FA54224-CD1B-4876-B211-5DBED83BF4B8',
  id: 'BECA12AB-B2E6-4523-93EF-C309E000C746',
  logicalSector: '8141BF1D-A96F-4709-BA47-F233A8FAAB5F',
  physicalSector: 'CDA348C7-445D-4471-9CC9-E9885251C556',
  parent: 'A8D35F2D-B30B-454D-ABF7-D3D84834AB0C',
};
const vhdxParent = 'B04AEFB7-D19E-4A81-B789-25B8E9445913';
/** Flags of an item: of the virtual disk, and required. */
const [ofDisk, required] = [2, 4];
const places = { headers: [64 * kib, 128 * kib], regionTables: [192 * kib, 256 * kib], log: mib, metadata: 2 * mib, bat: 3 * mib } as const;

/** A new, empty disk of Microsoft's second format (MS-VHDX). */
export function layVhdx(image: Image, parentId: string | undefined): Layout {
  const entries = batEntries(image);
  const batBytes = Math.ceil((entries * 8) / mib) * mib;
  const dataAt = places.bat + batBytes;
  const blocks = Math.ceil(image.sizeBytes / image.blockBytes);
  const isFixed = image.type === 'Fixed';
  const pieces: readonly Piece[] = [
    { at: 0, bytes: Buffer.concat([Buffer.from('vhdxfile'), Buffer.from('Virtwright simulator', 'utf16le')]) },
    ...places.headers.map((at, index) => ({ at, bytes: header(BigInt(index + 1)) })),
    ...places.regionTables.map((at) => ({ at, bytes: regionTable(batBytes) })),
    { at: places.metadata, bytes: metadata(image, parentId) },
    ...(isFixed ? [{ at: places.bat, bytes: fullBat(image, blocks, dataAt) }] : []),
  ];
  return { pieces, length: isFixed ? dataAt + blocks * image.blockBytes : dataAt };
}

/** In bytes: how much of a file tells where its metadata is, and how much those are. */
export const vhdxHead = mib;

/** Where a file's metadata begins, by its first MiB. Undefined when that is none of a VHDX. */
export function vhdxMetadataAt(start: Buffer): number | undefined {
  if (start.length < vhdxHead || start.toString('latin1', 0, 8) !== 'vhdxfile') return undefined;
  const table = start.subarray(places.regionTables[0]);
  const count = Math.min(table.readUInt32LE(8), 2047);
  const entries = Array.from({ length: count }, (_, index) => table.subarray(16 + index * 32));
  const found = entries.find((entry) => guidText(entry.subarray(0, 16)) === regions.metadata);
  return found === undefined ? undefined : Number(found.readBigUInt64LE(16));
}

/** `region` is a MiB from there on. */
export function readVhdx(region: Buffer): Image | undefined {
  if (region.length < 64 * kib || region.toString('latin1', 0, 8) !== 'metadata') return undefined;
  const found = readItems(region);
  const [parameters, size, id, logical, physical] = [items.parameters, items.size, items.id, items.logicalSector, items.physicalSector].map(
    (item) => found.get(item),
  );
  if (parameters === undefined || size === undefined || id === undefined) return undefined;
  const flags = parameters.readUInt32LE(4);
  return {
    format: 'VHDX',
    type: flags & 2 ? 'Differencing' : flags & 1 ? 'Fixed' : 'Dynamic',
    sizeBytes: Number(size.readBigUInt64LE()),
    blockBytes: parameters.readUInt32LE(),
    logicalSector: logical?.readUInt32LE() ?? 512,
    physicalSector: physical?.readUInt32LE() ?? 4096,
    id: guidText(id),
  };
}

/** After every so many blocks stands one entry of their bitmap. */
function batEntries({ type, sizeBytes, blockBytes, logicalSector }: Image): number {
  const blocks = Math.ceil(sizeBytes / blockBytes);
  const ratio = chunkRatio({ blockBytes, logicalSector });
  return type === 'Differencing' ? Math.ceil(blocks / ratio) * (ratio + 1) : blocks + Math.floor((blocks - 1) / ratio);
}

const chunkRatio = ({ blockBytes, logicalSector }: Pick<Image, 'blockBytes' | 'logicalSector'>): number =>
  (2 ** 23 * logicalSector) / blockBytes;

/** Every block is there, one after the other. */
function fullBat(image: Image, blocks: number, dataAt: number): Buffer {
  const bat = Buffer.alloc(batEntries(image) * 8);
  const ratio = chunkRatio(image);
  const fullyPresent = 6n;
  for (let block = 0; block < blocks; block++) {
    const entry = block + Math.floor(block / ratio);
    bat.writeBigUInt64LE(BigInt(dataAt + block * image.blockBytes) | fullyPresent, entry * 8);
  }
  return bat;
}

function header(sequence: bigint): Buffer {
  const bytes = Buffer.alloc(4 * kib);
  bytes.write('head', 0, 'latin1');
  bytes.writeBigUInt64LE(sequence, 8);
  guidBytes(randomUUID()).copy(bytes, 16);
  guidBytes(randomUUID()).copy(bytes, 32);
  bytes.writeUInt16LE(1, 66);
  bytes.writeUInt32LE(mib, 68);
  bytes.writeBigUInt64LE(BigInt(places.log), 72);
  bytes.writeUInt32LE(crc32c(bytes), 4);
  return bytes;
}

function regionTable(batBytes: number): Buffer {
  const bytes = Buffer.alloc(64 * kib);
  bytes.write('regi', 0, 'latin1');
  bytes.writeUInt32LE(2, 8);
  const entry = (at: number, guid: string, offset: number, length: number) => {
    guidBytes(guid).copy(bytes, at);
    bytes.writeBigUInt64LE(BigInt(offset), at + 16);
    bytes.writeUInt32LE(length, at + 24);
    bytes.writeUInt32LE(1, at + 28);
  };
  entry(16, regions.bat, places.bat, batBytes);
  entry(48, regions.metadata, places.metadata, mib);
  bytes.writeUInt32LE(crc32c(bytes), 4);
  return bytes;
}

function metadata(image: Image, parentId: string | undefined): Buffer {
  const flags = (image.type === 'Fixed' ? 1 : 0) | (image.type === 'Differencing' ? 2 : 0);
  const all: readonly (readonly [item: string, flags: number, value: Buffer])[] = [
    [items.parameters, required, words32(image.blockBytes, flags)],
    [items.size, ofDisk | required, word64(image.sizeBytes)],
    [items.id, ofDisk | required, guidBytes(image.id)],
    [items.logicalSector, ofDisk | required, words32(image.logicalSector)],
    [items.physicalSector, ofDisk | required, words32(image.physicalSector)],
    ...(image.parent === undefined ? [] : [[items.parent, required, locator(image.parent, parentId)] as const]),
  ];
  const bytes = Buffer.alloc(mib);
  bytes.write('metadata', 0, 'latin1');
  bytes.writeUInt16LE(all.length, 10);
  let place = 64 * kib;
  for (const [index, [item, flag, value]] of all.entries()) {
    const at = 32 + index * 32;
    guidBytes(item).copy(bytes, at);
    bytes.writeUInt32LE(place, at + 16);
    bytes.writeUInt32LE(value.length, at + 20);
    bytes.writeUInt32LE(flag, at + 24);
    value.copy(bytes, place);
    place += value.length;
  }
  return bytes;
}

function readItems(region: Buffer): ReadonlyMap<string, Buffer> {
  const count = Math.min(region.readUInt16LE(10), 2047);
  const found = Array.from({ length: count }, (_, index) => {
    const at = 32 + index * 32;
    const [place, length] = [region.readUInt32LE(at + 16), region.readUInt32LE(at + 20)];
    return [guidText(region.subarray(at, at + 16)), region.subarray(place, place + length)] as const;
  });
  return new Map(found);
}

/** Where the parent is: names and values in UTF-16, after a table of where they stand. */
function locator(parent: string, parentId: string | undefined): Buffer {
  const pairs = [
    ['parent_linkage', `{${parentId ?? randomUUID()}}`],
    ['absolute_win32_path', parent],
  ] as const;
  const head = Buffer.alloc(20 + pairs.length * 12);
  guidBytes(vhdxParent).copy(head);
  head.writeUInt16LE(pairs.length, 18);
  let place = head.length;
  const texts = pairs.flatMap(([name, value], index) => {
    const [key, text] = [Buffer.from(name, 'utf16le'), Buffer.from(value, 'utf16le')];
    const at = 20 + index * 12;
    head.writeUInt32LE(place, at);
    head.writeUInt32LE(place + key.length, at + 4);
    head.writeUInt16LE(key.length, at + 8);
    head.writeUInt16LE(text.length, at + 10);
    place += key.length + text.length;
    return [key, text];
  });
  return Buffer.concat([head, ...texts]);
}

function words32(...words: readonly number[]): Buffer {
  const bytes = Buffer.alloc(words.length * 4);
  for (const [index, word] of words.entries()) bytes.writeUInt32LE(word, index * 4);
  return bytes;
}

function word64(word: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(word));
  return bytes;
}
