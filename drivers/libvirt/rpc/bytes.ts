/** Bytes that do not say what they should: a message of the host's that cannot be understood, or an argument that cannot be said. */
export class XdrError extends Error {
  override readonly name = 'XdrError';
}

/** Reads from a message that is there in full; every read is checked against what remains. */
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

  /** A view of the next `length` bytes, not a copy. */
  take(length: number): Buffer {
    if (length > this.remaining) throw new XdrError(`at byte ${this.#offset}: ${length} bytes expected, ${this.remaining} left`);
    this.#offset += length;
    return this.#bytes.subarray(this.#offset - length, this.#offset);
  }
}

/** Collects a message; grows by doubling. */
export class Writer {
  #bytes = Buffer.allocUnsafe(256);
  #length = 0;

  /** Room for the next `length` bytes, zeroed, to be filled by the caller at once. */
  reserve(length: number): Buffer {
    const end = this.#length + length;
    if (end > this.#bytes.length) this.#grow(end);
    const room = this.#bytes.subarray(this.#length, end).fill(0);
    this.#length = end;
    return room;
  }

  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
