import { DriverError } from '#drivers/error.js';

export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw DriverError.from(signal.reason);
}

/** The promise's outcome, or the signal's reason as a DriverError if that comes first. The promise itself goes on. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  promise.catch(() => {});
  throwIfAborted(signal);
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(DriverError.from(signal.reason));
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** As `unlessAborted`, also giving up after `timeoutMs`. */
export async function within<T>(timeoutMs: number, what: string, promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const timer = new AbortController();
  const late = () => timer.abort(new DriverError('TimedOut', `${what}: no answer within ${timeoutMs / 1000} s`));
  const timeout = setTimeout(late, timeoutMs);
  try {
    return await unlessAborted(unlessAborted(promise, timer.signal), signal);
  } finally {
    clearTimeout(timeout);
  }
}
