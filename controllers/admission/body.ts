import type { IncomingMessage } from 'node:http';

/** An API server takes 3 MiB for a request, and stores half of that; it sends the old object and the new one, and what is around them. */
const largestBytes = 4 * 1024 * 1024;
/** Of all that are being read. Whoever reaches the port may ask, and the process has a cluster to lead. */
const mostBytes = 4 * largestBytes;

/** Reads what is sent, from many at a time, and holds no more of it than fits. */
export class Bodies {
  #held = 0;

  /** Gives the text to `use` while it is held. Rejects with a RangeError where it is too long, or others are sending too much. */
  async read<T>(request: IncomingMessage, use: (text: string) => T): Promise<T> {
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) {
        size += chunk.length;
        this.#held += chunk.length;
        if (size > largestBytes) throw new RangeError(`at most ${largestBytes} bytes are read`);
        if (this.#held > mostBytes) throw new RangeError('too much is being sent at a time; ask again');
        chunks.push(chunk);
      }
      return use(Buffer.concat(chunks).toString('utf8'));
    } finally {
      this.#held -= size;
    }
  }
}
