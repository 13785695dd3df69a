import { ImageError } from './error.js';
import type { HeaderLimits } from './refusal.js';
import { inspectVhdx } from './vhdx.js';

/** In bytes, what is held while it is judged. All that tells of a disk lies within 3 MiB, as QEMU and Windows write it. */
const mostHeldBytes = 16 * 2 ** 20;

/**
 * Reads a VHDX as far as what it says of itself, and judges that, so that a disk which does not fit is known before the rest is fetched. Gives all of
 * the content on. What tells of the disk further behind is left to those who have the whole file. Rejects with an ImageError.
 */
export async function judgedVhdx(content: AsyncIterable<Uint8Array>, limits: HeaderLimits): Promise<AsyncIterable<Uint8Array>> {
  const head = new Head(content[Symbol.asyncIterator]());
  try {
    const verdict = await inspectVhdx((offset, length) => head.read(offset, length), limits);
    if (verdict.kind === 'refused' && !head.isTooShort) throw new ImageError(verdict.reason, verdict.message);
  } catch (reason) {
    await head.leave();
    throw reason;
  }
  return head.all();
}

/** The beginning of a stream, to be read more than once. */
class Head {
  /** More was asked for than is held. */
  isTooShort = false;
  readonly #rest: AsyncIterator<Uint8Array>;
  #held: Uint8Array[] = [];
  #bytes = 0;

  constructor(rest: AsyncIterator<Uint8Array>) {
    this.#rest = rest;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const end = offset + length;
    if (end > mostHeldBytes) this.isTooShort = true;
    while (!this.isTooShort && this.#bytes < end) {
      const next = await this.#rest.next();
      if (next.done === true) break;
      this.#held.push(next.value);
      this.#bytes += next.value.length;
    }
    return Buffer.concat(this.#held).subarray(offset, end);
  }

  async *all(): AsyncGenerator<Uint8Array> {
    try {
      const held = this.#held;
      this.#held = [];
      yield* held;
      for (let next = await this.#rest.next(); next.done !== true; next = await this.#rest.next()) yield next.value;
    } finally {
      await this.leave();
    }
  }

  async leave(): Promise<void> {
    await this.#rest.return?.();
  }
}
