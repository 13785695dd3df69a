/** What a virtual disk says of itself. */
export interface Image {
  readonly format: 'VHD' | 'VHDX';
  readonly type: 'Fixed' | 'Dynamic' | 'Differencing';
  /** What a guest sees. */
  readonly sizeBytes: number;
  readonly blockBytes: number;
  readonly logicalSector: number;
  readonly physicalSector: number;
  /** A GUID in upper case. */
  readonly id: string;
  /** As Windows writes it. */
  readonly parent?: string;
}

/** A piece of a file; all else in it is zeros, and takes no room. */
export interface Piece {
  readonly at: number;
  readonly bytes: Buffer;
}

/** A file that is `length` long. */
export interface Layout {
  readonly pieces: readonly Piece[];
  readonly length: number;
}

/** A GUID as Windows stores it: the first three parts turned round. */
export function guidBytes(guid: string): Buffer {
  const hex = Buffer.from(guid.replaceAll('-', ''), 'hex');
  return Buffer.concat([hex.subarray(0, 4).reverse(), hex.subarray(4, 6).reverse(), hex.subarray(6, 8).reverse(), hex.subarray(8)]);
}

export function guidText(bytes: Buffer): string {
  const hex = guidBytes(bytes.toString('hex')).toString('hex').toUpperCase();
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
