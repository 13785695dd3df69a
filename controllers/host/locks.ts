/** One at a time per key, in the order asked. */
export class Locks {
  readonly #tails = new Map<string, Promise<void>>();

  /** Holds all of `keys` while `work` runs. Keys are taken in one order everywhere, so nobody waits in a circle. */
  async hold<T>(keys: readonly string[], work: () => Promise<T>): Promise<T> {
    const [first, ...rest] = [...new Set(keys)].sort();
    if (first === undefined) return work();
    return this.#hold(first, () => this.hold(rest, work));
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
