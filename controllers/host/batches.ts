/** What is marked is read in batches, one at a time, each of all that was marked until it began. */
export class Batches<K> {
  readonly #read: (keys: ReadonlySet<K>) => Promise<void>;
  #marks = new Set<K>();
  #reading: Promise<void> | undefined;

  constructor(read: (keys: ReadonlySet<K>) => Promise<void>) {
    this.#read = read;
  }

  mark(...keys: readonly K[]): void {
    for (const key of keys) this.#marks.add(key);
  }

  /**
   * Resolves when all that was marked at the time of the call has been read. A batch that is under way may have taken some of these
   * marks, and is waited for; the next one takes the rest, and what the first one failed to read. One caller giving up ends no batch.
   */
  async settle(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const underWay = this.#reading?.catch(() => {});
    if (underWay !== undefined) await unlessAborted(underWay, signal);
    if (this.#reading === undefined && this.#marks.size === 0) return;
    this.#reading ??= this.#readMarked().finally(() => {
      this.#reading = undefined;
    });
    await unlessAborted(this.#reading, signal);
  }

  async #readMarked(): Promise<void> {
    const keys = this.#marks;
    this.#marks = new Set();
    try {
      await this.#read(keys);
    } catch (reason) {
      this.mark(...keys);
      throw reason;
    }
  }
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let abort: () => void = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
