export const blockBytes = 512;

export type EntryKind =
  | 'file'
  | 'hardLink'
  | 'symbolicLink'
  | 'directory'
  | 'device'
  | 'fifo'
  | 'pax'
  | 'global'
  | 'longName'
  | 'longLink'
  | 'unknown';

export interface Header {
  readonly kind: EntryKind;
  readonly path: string;
  /** Of a link. */
  readonly target: string;
  /** Permissions, with the bits above them. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  /** In seconds since the epoch. */
  readonly modified: number;
}

const kinds: Readonly<Record<string, EntryKind>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  '1': 'hardLink',
  '2': 'symbolicLink',
  '3': 'device',
  '4': 'device',
  '5': 'directory',
  '6': 'fifo',
  x: 'pax',
  g: 'global',
  L: 'longName',
  K: 'longLink',
};

/** Undefined when its checksum is wrong: then it is something else. */
export function readHeader(block: Buffer): Header | undefined {
  if (numberAt(block, 148, 8) !== checksumOf(block)) return undefined;
  const [name, prefix] = [textAt(block, 0, 100), block.toString('latin1', 257, 262) === 'ustar' ? textAt(block, 345, 155) : ''];
  // GNU's own has other things where POSIX has the rest of a long name.
  const isGnu = block.toString('latin1', 257, 265) === 'ustar  \0';
  return {
    kind: kinds[String.fromCharCode(block[156] ?? 0)] ?? 'unknown',
    path: prefix === '' || isGnu ? name : `${prefix}/${name}`,
    target: textAt(block, 157, 100),
    mode: numberAt(block, 100, 8) & 0o7777,
    uid: numberAt(block, 108, 8),
    gid: numberAt(block, 116, 8),
    sizeBytes: numberAt(block, 124, 12),
    modified: numberAt(block, 136, 12),
  };
}

/** Of all bytes, its own eight as blanks. */
function checksumOf(block: Buffer): number {
  let sum = 8 * 0x20;
  for (const [at, byte] of block.entries()) if (at < 148 || at >= 156) sum += byte;
  return sum;
}

function textAt(block: Buffer, at: number, length: number): string {
  const field = block.subarray(at, at + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? length : end);
}

/** In octal; where that has no room, GNU's tar sets the first bit and writes the number as it is. */
function numberAt(block: Buffer, at: number, length: number): number {
  const field = block.subarray(at, at + length);
  if (((field[0] ?? 0) & 0x80) !== 0) return Number(field.subarray(1).reduce((sum, byte) => sum * 256n + BigInt(byte), 0n));
  const text = field.toString('latin1').replace(/\0.*$/s, '').trim();
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : 0;
}
