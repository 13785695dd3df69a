/** UCS-2, the higher byte first. */
export const wide = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();

/** Numbers stand in both orders of their bytes. */
export function both16(into: Buffer, offset: number, value: number): void {
  into.writeUInt16LE(value, offset);
  into.writeUInt16BE(value, offset + 2);
}

export function both32(into: Buffer, offset: number, value: number): void {
  into.writeUInt32LE(value, offset);
  into.writeUInt32BE(value, offset + 4);
}
