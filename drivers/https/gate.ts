import { gaveUp, onAbort } from '#drivers/deadline.js';

/** Lets in so many at a time, in the order they came. */
export class Gate {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(places: number) {
    this.#free = places;
  }

  /** Rejects with `gaveUp` when the signal ends before there is a place. */
  async through<T>(act: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#enter(signal);
    try {
      return await act();
    } finally {
      this.#free += 1;
      this.#next();
    }
  }

  #enter(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = () => {
        stop();
        resolve();
      };
      this.#waiting.push(enter);
      const stop = onAbort(signal, () => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1);
        reject(gaveUp(signal));
      });
      if (!signal.aborted) this.#next();
    });
  }

  #next(): void {
    if (this.#free === 0) return;
    const enter = this.#waiting.shift();
    if (enter === undefined) return;
    this.#free -= 1;
    enter();
  }
}
