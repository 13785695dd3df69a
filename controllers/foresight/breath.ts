import { setImmediate } from 'node:timers/promises';

/** Gives leases, consoles and machines of this process their turn. Rejects once nobody waits for the answer any more. */
export async function breath(signal: AbortSignal): Promise<void> {
  await setImmediate();
  signal.throwIfAborted();
}
