import { DriverError } from '#drivers/error.js';

/** That a message of the file server's is not what SMB promises. */
export function nonsense(why: string): DriverError {
  return new DriverError('Internal', `what the file server sent makes no sense: ${why}`);
}

/** Reads one message, or a part of it, by offset; SMB has all numbers with the least byte first. @throws DriverError Internal beyond its end */
export class View {
  readonly bytes: Buffer;
  readonly #what: string;

  /** `what` names it in errors. */
  constructor(what: string, bytes: Buffer) {
    this.bytes = bytes;
    this.#what = what;
  }

  u8(at: number): number {
    return this.slice(at, 1).readUInt8();
  }

  u16(at: number): number {
    return this.slice(at, 2).readUInt16LE();
  }

  u32(at: number): number {
    return this.slice(at, 4).readUInt32LE();
  }

  u64(at: number): bigint {
    return this.slice(at, 8).readBigUInt64LE();
  }

  /** A number that we reckon with: a size, or a place in a file. */
  size(at: number, field: string): number {
    const value = this.u64(at);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw nonsense(`${this.#what} has ${value} as ${field}, more than any file has`);
    return Number(value);
  }

  /** A view, not a copy. */
  slice(at: number, length: number): Buffer {
    if (at + length > this.bytes.length)
      throw nonsense(`${this.#what} is ${this.bytes.length} bytes long, and ${length} are said to be at ${at}`);
    return this.bytes.subarray(at, at + length);
  }

  text(at: number, length: number): string {
    return this.slice(at, length).toString('utf16le');
  }

  /** In milliseconds since 1970; Windows counts 100 ns since 1601. */
  time(at: number): Date {
    return new Date(Number(this.u64(at) / 10_000n - 11_644_473_600_000n));
  }
}

export function u8(...values: readonly number[]): Buffer {
  return Buffer.from(values);
}

export function u16(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  for (const [at, value] of values.entries()) bytes.writeUInt16LE(value, at * 2);
  return bytes;
}

export function u32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [at, value] of values.entries()) bytes.writeUInt32LE(value, at * 4);
  return bytes;
}

export function u64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

export const zeros = (length: number): Buffer => Buffer.alloc(length);

export const utf16 = (text: string): Buffer => Buffer.from(text, 'utf16le');

/** Zeros up to the next multiple of eight. */
export const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 7)]);
