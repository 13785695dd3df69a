/** The next bytes of a stream, as many as are asked for. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Undefined when there are fewer. */
  async take(count: number): Promise<Buffer | undefined> {
    const parts: Buffer[] = [];
    for (let left = count; left > 0; ) {
      const part = await this.#some(left);
      if (part === undefined) return undefined;
      parts.push(part);
      left -= part.length;
    }
    return Buffer.concat(parts);
  }

  /** So many of the next, or fewer, as they come; `left` of them were not read, or never came. To be read once. */
  content(count: number): AsyncIterable<Uint8Array> & { readonly left: number } {
    const next = this.#some.bind(this);
    const some = {
      left: count,
      async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
        while (some.left > 0) {
          const part = await next(some.left);
          if (part === undefined) return;
          some.left -= part.length;
          yield part;
        }
      },
    };
    return some;
  }

  /** Whoever sends them learns that nobody wants more. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  async drain(): Promise<void> {
    this.#rest = Buffer.alloc(0);
    while ((await this.#chunks.next()).done !== true);
  }

  async #some(most: number): Promise<Buffer | undefined> {
    while (this.#rest.length === 0) {
      const next = await this.#chunks.next();
      if (next.done === true) return undefined;
      this.#rest = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    }
    const part = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(part.length);
    return part;
  }
}
