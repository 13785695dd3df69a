import type { BackoffOptions } from './backoff.js';
import type { Clock } from './clock.js';

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
  throw new Error(`${options}`);
}
