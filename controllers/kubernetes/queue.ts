import { type BackoffOptions, backoffMs } from './backoff.js';
import { type Clock, systemClock } from './clock.js';
import { keyOf, type ObjectRef } from './resource.js';
import { tell } from './tell.js';

export interface QueueOptions {
  /** Keys worked on at the same time, never one key twice. */
  readonly workers: number;
  /** One pass over a key. When it throws, the key comes again, rate-limited; call `forget` after success. */
  readonly process: (key: string, signal: AbortSignal) => Promise<void>;
  readonly onError?: (key: string, error: unknown) => void;
  /** Of `addRateLimited`. Default 5 ms to 5 min. */
  readonly backoff?: BackoffOptions;
  readonly clock?: Clock;
  readonly observer?: QueueObserver;
}

export interface QueueObserver {
  added(): void;
  /** By `addRateLimited`. */
  retried(): void;
  /** Keys that wait for a worker. */
  depth(keys: number): void;
  /** From being due to a worker taking it. */
  waited(seconds: number): void;
  processed(seconds: number, outcome: 'ok' | 'error'): void;
}

/**
 * Keys to work on. Each has at most one time at which it is due: adding it again moves that forward, never back.
 * Added while it is worked on, it comes again afterwards, at the end of the line.
 */
export interface Queue {
  add(key: string): void;
  addAfter(key: string, ms: number): void;
  /** After a wait that doubles with every call, until `forget`. */
  addRateLimited(key: string): void;
  /** The key's next `addRateLimited` starts small again. */
  forget(key: string): void;
  /** Consecutive `addRateLimited` calls. */
  failures(key: string): number;
  readonly depth: number;
  /** Works until the signal; resolves when the passes under way have ended. */
  run(signal: AbortSignal): Promise<void>;
}

export function createQueue(options: QueueOptions): Queue {
  return new KeyQueue(options);
}

interface Timer {
  readonly at: number;
  readonly cancel: () => void;
}

class KeyQueue implements Queue {
  readonly #options: QueueOptions;
  readonly #clock: Clock;
  readonly #backoff: BackoffOptions;
  /** Keys to work on, and since when; those being worked on join the line afterwards. */
  readonly #due = new Map<string, number>();
  readonly #line = new Line();
  readonly #timers = new Map<string, Timer>();
  readonly #active = new Set<string>();
  readonly #failures = new Map<string, number>();
  #signal: AbortSignal | undefined;
  #pumping = false;
  #idle: () => void = () => {};

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#backoff = options.backoff ?? { firstMs: 5, maxMs: 300_000 };
  }

  get depth(): number {
    return this.#line.length;
  }

  add(key: string): void {
    this.#options.observer?.added();
    this.#makeDue(key);
  }

  addAfter(key: string, ms: number): void {
    if (ms <= 0) {
      this.add(key);
      return;
    }
    const at = this.#clock.monotonic() + ms;
    const timer = this.#timers.get(key);
    if (this.#due.has(key) || (timer && timer.at <= at) || this.#signal?.aborted) return;
    timer?.cancel();
    this.#timers.set(key, { at, cancel: this.#clock.after(ms, () => this.add(key)) });
  }

  addRateLimited(key: string): void {
    const failures = this.failures(key);
    this.#failures.set(key, failures + 1);
    this.#options.observer?.retried();
    this.addAfter(key, backoffMs(failures, this.#backoff));
  }

  forget(key: string): void {
    this.#failures.delete(key);
  }

  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  async run(signal: AbortSignal): Promise<void> {
    if (this.#signal) throw new Error('a queue runs once');
    this.#signal = signal;
    this.#wake();
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    for (const { cancel } of this.#timers.values()) cancel();
    this.#timers.clear();
    if (this.#active.size > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    this.#options.observer?.depth(0);
  }

  #makeDue(key: string): void {
    this.#timers.get(key)?.cancel();
    this.#timers.delete(key);
    if (this.#due.has(key)) return;
    this.#due.set(key, this.#clock.monotonic());
    if (!this.#active.has(key)) this.#join(key);
  }

  #join(key: string): void {
    this.#line.push(key);
    // Once it has ended nobody waits for anything: what comes in still is not counted.
    if (!this.#signal?.aborted) this.#options.observer?.depth(this.#line.length);
    this.#wake();
  }

  /** Never within the caller's own turn: what is added in one turn is one, and between passes the event loop gets its turn. */
  #wake(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    setImmediate(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    const { workers } = this.#options;
    while (this.#signal && !this.#signal.aborted && this.#active.size < workers) {
      const key = this.#line.shift();
      if (key === undefined) return;
      this.#take(key, this.#signal);
    }
  }

  #take(key: string, signal: AbortSignal): void {
    const { observer } = this.#options;
    const now = this.#clock.monotonic();
    observer?.depth(this.#line.length);
    observer?.waited((now - (this.#due.get(key) ?? now)) / 1000);
    this.#due.delete(key);
    this.#active.add(key);
    this.#pass(key, signal).then(() => this.#leave(key));
  }

  async #pass(key: string, signal: AbortSignal): Promise<void> {
    const { process, observer } = this.#options;
    const start = this.#clock.monotonic();
    const outcome = await (async () => process(key, signal))().then(
      () => 'ok' as const,
      (error: unknown) => this.#failed(key, error, signal),
    );
    observer?.processed((this.#clock.monotonic() - start) / 1000, outcome);
  }

  #failed(key: string, error: unknown, signal: AbortSignal): 'error' {
    if (!signal.aborted) {
      this.addRateLimited(key);
      tell(() => this.#options.onError?.(key, error));
    }
    return 'error';
  }

  #leave(key: string): void {
    this.#active.delete(key);
    if (this.#due.has(key)) this.#join(key);
    this.#wake();
    if (this.#active.size === 0) this.#idle();
  }
}

/** First in, first out, without moving the others. */
class Line {
  #keys: string[] = [];
  #head = 0;

  get length(): number {
    return this.#keys.length - this.#head;
  }

  push(key: string): void {
    this.#keys.push(key);
  }

  shift(): string | undefined {
    const key = this.#keys[this.#head];
    if (key === undefined) return undefined;
    this.#head++;
    if (this.#head * 2 > this.#keys.length) {
      this.#keys = this.#keys.slice(this.#head);
      this.#head = 0;
    }
    return key;
  }
}

/** Adds the keys of these objects. */
export function again(queue: Queue, objects: readonly { readonly metadata: ObjectRef }[]): void {
  for (const { metadata } of objects) queue.add(keyOf(metadata));
}
