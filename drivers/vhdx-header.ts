/** Of MS-VHDX: where the two copies of the header are, and how much of a file each has, in bytes. */
export const vhdxHeaders = { at: [64 * 1024, 128 * 1024], bytes: 4096 } as const;

/** `Logged`: what was written last lies in the log. `Broken`: neither copy is whole. */
export type VhdxHeader = 'Clean' | 'Logged' | 'Broken';

/** By the copy that counts: of those whose checksum holds, the one that was written last. Of two of one age, either may say that there is a log. */
export function judgeVhdxHeaders(copies: readonly Uint8Array[]): VhdxHeader {
  const whole = copies.map((bytes) => Buffer.from(bytes)).filter(isWhole);
  const [last] = whole.map(sequenceOf).sort((one, other) => (one > other ? -1 : 1));
  const current = whole.filter((header) => sequenceOf(header) === last);
  if (current.length === 0) return 'Broken';
  return current.some((header) => header.subarray(48, 64).some((byte) => byte !== 0)) ? 'Logged' : 'Clean';
}

const sequenceOf = (header: Buffer): bigint => header.readBigUInt64LE(8);

/** The checksum is reckoned with zeros in its own place. */
function isWhole(header: Buffer): boolean {
  if (header.length !== vhdxHeaders.bytes || header.toString('latin1', 0, 4) !== 'head') return false;
  const summed = Buffer.from(header).fill(0, 4, 8);
  return header.readUInt32LE(4) === castagnoli(summed);
}

/** CRC-32C, bit by bit: it is but for a few KiB. */
function castagnoli(bytes: Uint8Array): number {
  let sum = ~0;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0x82f63b78 : 0);
  }
  return ~sum >>> 0;
}
