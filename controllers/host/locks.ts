/** One at a time per key, in the order asked. */
export class Locks {
  readonly #occupied = new Map<string, Set<{ readonly why: string }>>();
  readonly #tails = new Map<string, Promise<void>>();

  /** Holds all of `keys` while `work` runs. Keys are taken in one order everywhere, so nobody waits in a circle. */
  async hold<T>(keys: readonly string[], work: () => Promise<T>): Promise<T> {
    const [first, ...rest] = [...new Set(keys)].sort();
    if (first === undefined) return work();
    return this.#hold(first, () => this.hold(rest, work));
  }

  /** Says of a key why it cannot be used, until the function that comes back is called: for what takes longer than anybody would wait. */
  occupy(key: string, why: string): () => void {
    const reasons = this.#occupied.get(key) ?? new Set();
    const mine = { why };
    this.#occupied.set(key, reasons.add(mine));
    return () => {
      reasons.delete(mine);
      if (reasons.size === 0) this.#occupied.delete(key);
    };
  }

  /** Why one of the keys cannot be used. */
  occupied(keys: readonly string[]): string | undefined {
    return keys.flatMap((key) => [...(this.#occupied.get(key) ?? [])])[0]?.why;
  }

  async #hold<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    const result = before.then(work);
    const tail = result.then(
      () => {},
      () => {},
    );
    this.#tails.set(key, tail);
    try {
      return await result;
    } finally {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    }
  }
}
