import { DriverError } from '#drivers/error.js';

/** Work that outlives a pass. Done and failed ones are kept until they are forgotten: the next pass tells of them. */
export type JobState =
  | { readonly kind: 'running'; readonly startedAt: number; readonly progressBytes: number }
  | { readonly kind: 'done' }
  | {
      readonly kind: 'failed';
      readonly at: number;
      readonly verdict: 'retry' | 'stall';
      readonly reason: string;
      readonly message: string;
    };

export type Work = (progress: (bytes: number) => void, signal: AbortSignal) => Promise<void>;

/** Under which the wiping of a volume runs: apart from what filled it. */
export const wipeKey = (uid: string): string => `${uid}/wipe`;

/** The same of its deletion. */
export const deletionKey = (uid: string): string => `${uid}/delete`;

interface Running {
  readonly ended: Promise<void>;
  readonly abort: AbortController;
}

/** Uploads, imports and the like of one host, by key. They live in memory only: what must survive is in a durable record elsewhere. */
export class Jobs {
  readonly #states = new Map<string, JobState>();
  readonly #running = new Map<string, Running>();
  readonly #onEnd: (key: string) => void;

  constructor(onEnd: (key: string) => void) {
    this.#onEnd = onEnd;
  }

  get(key: string): JobState | undefined {
    return this.#states.get(key);
  }

  /** Does nothing while one runs under this key. */
  start(key: string, work: Work, clock: () => number): void {
    if (this.#running.has(key)) return;
    const abort = new AbortController();
    const startedAt = clock();
    // What a work that has ended still tells, because nobody stopped what it had begun, is not heard.
    const progress = (progressBytes: number) => {
      if (this.#running.get(key)?.abort === abort) this.#states.set(key, { kind: 'running', startedAt, progressBytes });
    };
    this.#states.set(key, { kind: 'running', startedAt, progressBytes: 0 });
    const ended = work(progress, abort.signal).then(
      () => this.#end(key, { kind: 'done' }),
      (reason) => this.#end(key, failed(reason, clock())),
    );
    this.#running.set(key, { ended, abort });
  }

  /** Resolves when nothing runs under this key any more; it is then forgotten. */
  async cancel(key: string): Promise<void> {
    const running = this.#running.get(key);
    running?.abort.abort();
    await running?.ended;
    this.#states.delete(key);
  }

  forget(key: string): void {
    if (!this.#running.has(key)) this.#states.delete(key);
  }

  async cancelAll(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((key) => this.cancel(key)));
  }

  #end(key: string, state: JobState): void {
    this.#running.delete(key);
    this.#states.set(key, state);
    this.#onEnd(key);
  }
}

/** Any error of ours tells what it is and what to do next in two fields. */
const isTelling = (reason: unknown): reason is Error & { readonly code: string; readonly verdict: 'retry' | 'stall' } =>
  reason instanceof Error &&
  'code' in reason &&
  typeof reason.code === 'string' &&
  'verdict' in reason &&
  (reason.verdict === 'retry' || reason.verdict === 'stall');

function failed(reason: unknown, at: number): JobState {
  const error = isTelling(reason) ? reason : DriverError.from(reason);
  return { kind: 'failed', at, verdict: error.verdict, reason: error.code, message: error.message };
}
