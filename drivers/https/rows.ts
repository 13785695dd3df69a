import { Gate } from './gate.js';

/** One at a time of those of one key, in the order they came. */
export class Rows {
  readonly #rows = new Map<string, { readonly gate: Gate; users: number }>();

  /** What the key names need not be there yet. Rejects with `gaveUp` when the signal ends before it is its turn. */
  async through<T>(key: string, act: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const row = this.#rows.get(key) ?? { gate: new Gate(1), users: 0 };
    this.#rows.set(key, row);
    row.users += 1;
    try {
      return await row.gate.through(act, signal);
    } finally {
      row.users -= 1;
      if (row.users === 0) this.#rows.delete(key);
    }
  }
}
