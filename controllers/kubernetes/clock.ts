import { setMaxListeners } from 'node:events';

/** Time, so that tests need not wait for it. */
export interface Clock {
  /** Wall time in milliseconds since 1970: for what is written down, never for measuring. */
  now(): number;
  /** Milliseconds that only ever grow: for measuring. */
  monotonic(): number;
  /** Calls back once after `ms`; the returned function takes it back. */
  after(ms: number, callback: () => void): () => void;
}

/** setTimeout fires at once beyond this. */
const longestTimer = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, Math.min(ms, longestTimer));
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms`; rejects with the signal's reason. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const stop = (): void => {
      cancel();
      reject(signal.reason);
    };
    const cancel = clock.after(ms, () => {
      signal.removeEventListener('abort', stop);
      resolve();
    });
    signal.addEventListener('abort', stop, { once: true });
  });
}

/**
 * Does the work with a signal that also comes after `ms`, with a TimeoutError. AbortSignal.any() over AbortSignal.timeout() is not that: it
 * holds what it is made from weakly, so that once garbage was collected the time is never up (nodejs/node#57736).
 */
export async function within<R>(clock: Clock, ms: number, signal: AbortSignal, work: (signal: AbortSignal) => Promise<R>): Promise<R> {
  const controller = new AbortController();
  const stop = (): void => controller.abort(signal.reason);
  if (signal.aborted) stop();
  // One signal may well cover many works at once; the listeners go with them, so there is no leak to warn of.
  setMaxListeners(0, signal);
  signal.addEventListener('abort', stop, { once: true });
  const cancel = clock.after(ms, () => controller.abort(new DOMException(`not done within ${ms} ms`, 'TimeoutError')));
  try {
    return await work(controller.signal);
  } finally {
    cancel();
    signal.removeEventListener('abort', stop);
  }
}
