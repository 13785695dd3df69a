/** The time of a fake host: it passes when it is told to, so that no test waits for it. */
export interface Clock {
  /** Milliseconds since the host came up. */
  now(): number;
  /** Calls `act` once, `ms` milliseconds from now. */
  after(ms: number, act: () => void): void;
}

export class ManualClock implements Clock {
  #now = 0;
  #due: { readonly at: number; readonly act: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(ms: number, act: () => void): void {
    this.#due.push({ at: this.#now + ms, act });
    this.#due.sort((one, other) => one.at - other.at);
  }

  /** Lets `ms` milliseconds pass; what falls due meanwhile happens in its order, also what that makes due. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (let next = this.#due[0]; next !== undefined && next.at <= until; next = this.#due[0]) {
      this.#due.shift();
      this.#now = next.at;
      next.act();
    }
    this.#now = until;
  }
}

const up = performance.now();

/** Real time, for whoever looks on. */
export const systemClock: Clock = {
  now: () => performance.now() - up,
  after: (ms, act) => void setTimeout(act, ms),
};
