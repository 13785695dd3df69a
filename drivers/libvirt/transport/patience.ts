import { anyOf, gaveUp } from '#drivers/deadline.js';
import { DriverError } from '#drivers/error.js';

/** In milliseconds, for a connection that is ready for the first call. */
const patience = 15_000;

/** Connects with a signal of its own, which ends with the caller's, or when the time is up: whoever answers there may well say nothing. */
export async function timely<T>(peer: string, signal: AbortSignal, connect: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const late = new AbortController();
  const why = `${peer}: no connection within ${patience / 1000} s; check the port, network and firewall`;
  const timer = setTimeout(() => late.abort(new DriverError('TimedOut', why)), patience);
  using ending = anyOf([signal, late.signal]);
  try {
    return await connect(ending.signal);
  } catch (reason) {
    throw ending.signal.aborted ? gaveUp(ending.signal) : reason;
  } finally {
    clearTimeout(timer);
  }
}
