import type { Image, Layout } from './image.js';

const types = { Fixed: 2, Dynamic: 3, Differencing: 4 } as const;
const blockBytes = 2 * 2 ** 20;
const sector = 512;
const nowhere = 0xffff_ffff_ffff_ffffn;

/** A new, empty disk of Microsoft's first format (Virtual Hard Disk Image Format Specification 1.0). */
export function layVhd(image: Image, parentId: string | undefined): Layout {
  const footer = footerOf(image);
  if (image.type === 'Fixed') return { pieces: [{ at: image.sizeBytes, bytes: footer }], length: image.sizeBytes + sector };
  const entries = Math.ceil(image.sizeBytes / blockBytes);
  const tableBytes = Math.ceil((entries * 4) / sector) * sector;
  const end = 3 * sector + tableBytes;
  const pieces = [
    { at: 0, bytes: footer },
    { at: sector, bytes: headerOf(image, entries, parentId) },
    { at: 3 * sector, bytes: Buffer.alloc(tableBytes, 0xff) },
    { at: end, bytes: footer },
  ];
  return { pieces, length: end + sector };
}

/** `tail` is the last sector of a file. Undefined when that is none of a VHD. */
export function readVhd(tail: Buffer): Image | undefined {
  if (tail.length < sector || tail.toString('latin1', 0, 8) !== 'conectix' || tail.readUInt32BE(64) !== checksum(tail, 64))
    return undefined;
  const [type] = Object.entries(types).find(([, number]) => number === tail.readUInt32BE(60)) ?? [];
  if (type === undefined) return undefined;
  const id = tail.toString('hex', 68, 84).toUpperCase();
  return {
    format: 'VHD',
    type: type as Image['type'],
    sizeBytes: Number(tail.readBigUInt64BE(48)),
    blockBytes,
    logicalSector: sector,
    physicalSector: sector,
    id: id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
  };
}

function footerOf({ type, sizeBytes, id }: Image): Buffer {
  const footer = Buffer.alloc(sector);
  footer.write('conectix', 0, 'latin1');
  footer.writeUInt32BE(2, 8);
  footer.writeUInt32BE(0x10000, 12);
  footer.writeBigUInt64BE(type === 'Fixed' ? nowhere : BigInt(sector), 16);
  footer.writeUInt32BE(secondsSince2000(), 24);
  footer.write('win ', 28, 'latin1');
  footer.writeUInt32BE(0x000a0000, 32);
  footer.write('Wi2k', 36, 'latin1');
  footer.writeBigUInt64BE(BigInt(sizeBytes), 40);
  footer.writeBigUInt64BE(BigInt(sizeBytes), 48);
  geometry(sizeBytes).copy(footer, 56);
  footer.writeUInt32BE(types[type], 60);
  Buffer.from(id.replaceAll('-', ''), 'hex').copy(footer, 68);
  footer.writeUInt32BE(checksum(footer, 64), 64);
  return footer;
}

function headerOf({ parent }: Image, entries: number, parentId: string | undefined): Buffer {
  const header = Buffer.alloc(2 * sector);
  header.write('cxsparse', 0, 'latin1');
  header.writeBigUInt64BE(nowhere, 8);
  header.writeBigUInt64BE(BigInt(3 * sector), 16);
  header.writeUInt32BE(0x10000, 24);
  header.writeUInt32BE(entries, 28);
  header.writeUInt32BE(blockBytes, 32);
  if (parentId !== undefined) Buffer.from(parentId.replaceAll('-', ''), 'hex').copy(header, 40);
  if (parent !== undefined) Buffer.from(parent.slice(0, 255), 'utf16le').swap16().copy(header, 64);
  header.writeUInt32BE(checksum(header, 36), 36);
  return header;
}

/** The complement of the sum of all bytes but its own. */
function checksum(of: Buffer, at: number): number {
  const sum = of.reduce((total, byte, index) => (index >= at && index < at + 4 ? total : total + byte), 0);
  return ~sum >>> 0;
}

const secondsSince2000 = (): number => Math.floor(Date.now() / 1000) - 946_684_800;

/** Cylinders, heads and sectors, as the specification's appendix reckons them. */
function geometry(sizeBytes: number): Buffer {
  const sectors = Math.min(Math.floor(sizeBytes / sector), 65_535 * 16 * 255);
  const [heads, perTrack] = shape(sectors);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16BE(Math.floor(Math.floor(sectors / perTrack) / heads), 0);
  bytes[2] = heads;
  bytes[3] = perTrack;
  return bytes;
}

function shape(sectors: number): readonly [heads: number, perTrack: number] {
  if (sectors >= 65_535 * 16 * 63) return [16, 255];
  let perTrack = 17;
  let timesHeads = Math.floor(sectors / perTrack);
  let heads = Math.max(4, Math.floor((timesHeads + 1023) / 1024));
  for (const more of [31, 63]) {
    if (timesHeads < heads * 1024 && heads <= 16) break;
    [perTrack, heads] = [more, 16];
    timesHeads = Math.floor(sectors / perTrack);
  }
  return [heads, perTrack];
}
