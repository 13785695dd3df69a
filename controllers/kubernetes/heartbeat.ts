import { sleep, within } from './clock.js';
import type { HeartbeatOptions } from './lease.js';
import { LeaseHolder } from './lease-holder.js';
import { tell } from './tell.js';

/**
 * Renews until the signal, whatever fails; then leaves the lease to expire, so that a quick restart goes unnoticed.
 * Never takes a lease that another identity keeps alive: that is reported through `onError`.
 */
export async function heartbeat(options: HeartbeatOptions, signal: AbortSignal): Promise<void> {
  const { durationMs = 40_000, periodMs = 10_000, identity, namespace, name } = options;
  const holder = new LeaseHolder(options, durationMs);
  while (!signal.aborted) {
    const wait = await within(holder.clock, periodMs, signal, (limited) => holder.tryHold(limited)).then(
      (winner) => {
        tell(() => options.onHolder?.(winner));
        if (winner !== identity)
          tell(() => options.onError?.(new Error(`lease ${namespace}/${name} is kept alive by ${winner}, not by ${identity}`)));
        return periodMs;
      },
      (error: unknown) => {
        if (!signal.aborted) tell(() => options.onError?.(error));
        return periodMs / 5;
      },
    );
    await sleep(holder.clock, wait, signal).catch(() => {});
  }
}
