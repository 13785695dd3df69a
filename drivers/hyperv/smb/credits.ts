import { gaveUp, onAbort } from '#drivers/deadline.js';
import { DriverError } from '#drivers/error.js';

/** How many we would like to hold: of 64 KiB each, what is under way at once. */
const wanted = 128;
/** More than any server grants. */
const most = 8192;

interface Waiting {
  readonly charge: number;
  readonly go: () => void;
  readonly reject: (error: DriverError) => void;
}

/** What the server allows us to ask before it has answered. Who waits is served in turn. */
export class Credits {
  #free = 1;
  #used = 0;
  readonly #waiting: Waiting[] = [];

  /** All that we hold, free or in use: no request may ever take more. */
  get held(): number {
    return this.#free + this.#used;
  }

  /** How many to ask for with a request that takes so many. */
  asked(charge: number): number {
    return charge + Math.max(0, wanted - this.held);
  }

  /** Resolves when so many are ours to spend. */
  take(charge: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        charge,
        go: () => {
          stop();
          resolve();
        },
        reject: (error) => {
          stop();
          reject(error);
        },
      };
      const stop = onAbort(signal, () => this.#leave(waiting, gaveUp(signal)));
      this.#waiting.push(waiting);
      this.#serve();
    });
  }

  /** `used` were given back by an answer, and `granted` come with it. */
  give(used: number, granted: number): void {
    this.#used -= used;
    this.#free = Math.min(most, this.#free + granted);
    this.#serve();
  }

  drop(error: DriverError): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  #leave(waiting: Waiting, why: DriverError): void {
    const at = this.#waiting.indexOf(waiting);
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    waiting.reject(why);
    this.#serve();
  }

  #serve(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (next.charge > this.#free && this.#used > 0) return;
      this.#waiting.shift();
      if (next.charge > this.#free) next.reject(tooFew(next.charge, this.#free));
      else this.#spend(next);
    }
  }

  #spend({ charge, go }: Waiting): void {
    this.#free -= charge;
    this.#used += charge;
    go();
  }
}

const tooFew = (needed: number, free: number): DriverError =>
  new DriverError(
    'Unavailable',
    `the file server grants ${free} credits where ${needed} are needed, and nothing is under way that could bring more`,
  );
