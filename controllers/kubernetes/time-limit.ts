import { setMaxListeners } from 'node:events';
import type { Clock } from './clock.js';
import { ApiError } from './error.js';

/** Ends a request when its time or its caller's patience is over, and says which of the two it was. */
export class TimeLimit {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal;
  readonly #ms: number;
  readonly #stop = (): void => this.#controller.abort(this.#outer.reason);
  readonly #cancel: () => void;

  constructor(clock: Clock, timeoutMs: number, outer: AbortSignal) {
    this.#outer = outer;
    this.#ms = timeoutMs;
    this.#cancel = clock.after(timeoutMs, () => this.#controller.abort());
    // One signal may well end hundreds of requests at once.
    setMaxListeners(0, outer);
    if (outer.aborted) this.#stop();
    else outer.addEventListener('abort', this.#stop, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** What came of the work, or why it ended: the caller's reason, or an ApiError. */
  async race<R>(work: Promise<R>, what: string): Promise<R> {
    const { signal } = this;
    let stop = (): void => {};
    const ended = new Promise<never>((_, reject) => {
      stop = () => reject(new Error('ended'));
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
    });
    try {
      return await Promise.race([work, ended]);
    } catch (error) {
      work.catch(() => {});
      if (this.#outer.aborted) throw this.#outer.reason;
      if (error instanceof ApiError) throw error;
      throw unavailable(what, signal.aborted ? `no answer within ${this.#ms} ms` : networkCode(error), error);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** From here on nothing is ended any more. */
  lift(): void {
    this.#cancel();
    this.#outer.removeEventListener('abort', this.#stop);
  }
}

export function unavailable(what: string, why: string, cause?: unknown): ApiError {
  return new ApiError(`${what}: ${why}`, { status: 0, reason: 'Unavailable', cause });
}

export function networkCode(error: unknown): string {
  if (!(error instanceof Error)) return 'the connection failed';
  return 'code' in error && typeof error.code === 'string' ? `the connection failed (${error.code})` : 'the connection failed';
}
