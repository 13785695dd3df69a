import { DriverError } from '#drivers/error.js';
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
  const giving = daemon.order(domainSetSchedulerParametersFlags, { domain: handleOf(id), params, flags: affectFlags.live }, signal, id);
  await giving.catch((reason) => {
    throw lacksCgroups(reason) ? withoutCgroups(shares, reason) : reason;
  });
}

/** In libvirt's words: "cgroup CPU controller is not mounted". It calls that an operation at the wrong time, and there is no right one. */
const lacksCgroups = (reason: unknown): reason is DriverError =>
  reason instanceof DriverError && /cgroup .*not mounted/i.test(reason.message);

const withoutCgroups = (shares: number, cause: DriverError): DriverError =>
  new DriverError('Unsupported', `cpu.shares: ${shares} given, and this daemon has no cgroups`, { cause });
