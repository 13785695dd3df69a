/** Bytes that do not say what they should: a message of the host's that cannot be understood, or an argument that cannot be said. */
export class XdrError extends Error {
  override readonly name = 'XdrError';
}

/**
 * Reads from a message that is there in full; every read is checked against what remains. Numbers and texts are read where they lie:
 * a list of ten thousand machines has a hundred thousand of them, and a view of each would cost more than the reading.
 */
export class Reader {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#pass(4));
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#pass(4));
  }

  int64(): bigint {
    return this.#bytes.readBigInt64BE(this.#pass(8));
  }

  uint64(): bigint {
    return this.#bytes.readBigUInt64BE(this.#pass(8));
  }

  double(): number {
    return this.#bytes.readDoubleBE(this.#pass(8));
  }

  /** `length` bytes as text; UTF-8 that is none becomes U+FFFD. */
  text(length: number, encoding: 'utf8' | 'hex'): string {
    const start = this.#pass(length);
    return this.#bytes.toString(encoding, start, start + length);
  }

  /** A view of the next `length` bytes, not a copy. */
  take(length: number): Buffer {
    const start = this.#pass(length);
    return this.#bytes.subarray(start, start + length);
  }

  skip(length: number): void {
    this.#pass(length);
  }

  /** Where the next `length` bytes begin, which are behind us then. */
  #pass(length: number): number {
    const start = this.#offset;
    if (length > this.#bytes.length - start) throw new XdrError(`at byte ${start}: ${length} bytes expected, ${this.remaining} left`);
    this.#offset = start + length;
    return start;
  }
}

/** Collects a message; grows by doubling. */
export class Writer {
  #bytes = Buffer.allocUnsafe(256);
  #length = 0;

  int32(value: number): void {
    const at = this.#room(4);
    this.#bytes.writeInt32BE(value, at);
  }

  uint32(value: number): void {
    const at = this.#room(4);
    this.#bytes.writeUInt32BE(value, at);
  }

  int64(value: bigint): void {
    const at = this.#room(8);
    this.#bytes.writeBigInt64BE(value, at);
  }

  uint64(value: bigint): void {
    const at = this.#room(8);
    this.#bytes.writeBigUInt64BE(value, at);
  }

  double(value: number): void {
    const at = this.#room(8);
    this.#bytes.writeDoubleBE(value, at);
  }

  /** Room for the next `length` bytes, zeroed, to be filled by the caller at once. */
  reserve(length: number): Buffer {
    const start = this.#room(length);
    return this.#bytes.subarray(start, start + length).fill(0);
  }

  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Where the next `length` bytes begin; the buffer may be another one then. */
  #room(length: number): number {
    const start = this.#length;
    const end = start + length;
    if (end > this.#bytes.length) this.#grow(end);
    this.#length = end;
    return start;
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
