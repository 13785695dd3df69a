import { setMaxListeners } from 'node:events';
import { DriverError } from '#drivers/error.js';

/** That nobody waits any more: TimedOut, whatever ended the signal, which is the cause. What we ended ourselves says why it did. */
export function gaveUp({ reason }: AbortSignal): DriverError {
  if (reason instanceof DriverError) return reason;
  return new DriverError('TimedOut', 'given up before the host answered; it may still be at it', { cause: reason });
}

export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw gaveUp(signal);
}

/** Acts once when the signal is aborted, at once if it is already. Returns how to call that off. */
export function onAbort(signal: AbortSignal, act: () => void): () => void {
  // One signal may well cover hundreds of calls; the listeners go with them, so there is no leak to warn of.
  setMaxListeners(0, signal);
  if (signal.aborted) act();
  else signal.addEventListener('abort', act, { once: true });
  return () => signal.removeEventListener('abort', act);
}

/**
 * A signal that ends with any of these, as AbortSignal.any() gives one; but of that something stays in a source that outlives it
 * (nodejs/node#55351), and of this nothing once it is disposed of.
 */
export function anyOf(signals: readonly AbortSignal[]): { readonly signal: AbortSignal } & Disposable {
  const ending = new AbortController();
  const stops = signals.map((signal) => onAbort(signal, () => ending.abort(signal.reason)));
  return {
    signal: ending.signal,
    [Symbol.dispose]() {
      for (const stop of stops) stop();
    },
  };
}

/** The promise's outcome, or `gaveUp` if the signal ends first. The promise itself goes on. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  promise.catch(() => {});
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = onAbort(signal, () => reject(gaveUp(signal)));
  });
  try {
    return await Promise.race([aborted, promise]);
  } finally {
    stop();
  }
}

/** As `unlessAborted`, also giving up after `timeoutMs`: TimedOut, in the words of `late`. */
export async function within<T>(
  timeoutMs: number,
  what: string,
  promise: Promise<T>,
  signal: AbortSignal,
  late = `no answer within ${timeoutMs / 1000} s`,
): Promise<T> {
  const timer = new AbortController();
  const timeout = setTimeout(() => timer.abort(new DriverError('TimedOut', `${what}: ${late}`)), timeoutMs);
  try {
    return await unlessAborted(unlessAborted(promise, timer.signal), signal);
  } finally {
    clearTimeout(timeout);
  }
}
