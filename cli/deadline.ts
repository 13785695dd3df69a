import { systemClock, within } from '#controllers/kubernetes/clock.js';

/** What came of the work, or `late` when the time was over first. 0 ms: no limit. */
export async function before<R>(ms: number, signal: AbortSignal, work: (signal: AbortSignal) => Promise<R>): Promise<R | 'late'> {
  if (ms === 0) return work(signal);
  try {
    return await within(systemClock, ms, signal, work);
  } catch (reason) {
    if (!signal.aborted && reason instanceof DOMException && reason.name === 'TimeoutError') return 'late';
    throw reason;
  }
}
