import type { Daemon } from './daemon.js';
import { handleOf } from './domains.js';
import { affectFlags } from './rpc/flags.js';
import { domainSetSchedulerParametersFlags } from './rpc/procedures.js';
import type { Running } from './running.js';
import { readShares } from './xml/shares.js';

/** What runs gets the weight that its definition says. */
export async function giveShares(daemon: Daemon, { id, live, configured }: Running, signal: AbortSignal): Promise<void> {
  const shares = readShares(configured);
  if (shares === undefined || readShares(live) === shares) return;
  const params = [{ field: 'cpu_shares', value: { kind: 'ullong' as const, value: BigInt(shares) } }];
  await daemon.order(domainSetSchedulerParametersFlags, { domain: handleOf(id), params, flags: affectFlags.live }, signal, id);
}
