import type { Driver } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { Ask } from './ask.js';
import { RehearsedHost } from './host.js';
import { adoptionOf, liveOf, machinesOf, powerOf } from './machines.js';
import { networksOf } from './networks.js';
import { poolsOf, volumesOf } from './stores.js';

/**
 * A driver of the host as it would be: everything is read from `real` once, and what is asked from then on is done to that, in this process's memory.
 * Guests do at once as they are told, and stores that would be made have room. `noted` is told of every call that would have changed something.
 */
export async function rehearse(real: Driver, noted: (call: string) => void, signal: AbortSignal): Promise<Driver> {
  const host = await RehearsedHost.of(real, signal);
  const ask: Ask = async (verb, of, act) => {
    noted(`${verb} ${of}`);
    try {
      return act();
    } catch (reason) {
      throw DriverError.from(reason);
    }
  };
  return {
    host: { describe: async () => host.description },
    machines: machinesOf(host, ask),
    power: powerOf(host, ask),
    ...(real.adoption === undefined ? {} : { adoption: adoptionOf(host, ask) }),
    ...(real.live === undefined ? {} : { live: liveOf(host, ask) }),
    ...(real.pools === undefined ? {} : { pools: poolsOf(host, ask) }),
    ...(real.volumes === undefined ? {} : { volumes: volumesOf(host, real.volumes, ask) }),
    ...(real.networks === undefined ? {} : { networks: networksOf(host, ask) }),
    closed: real.closed,
    [Symbol.asyncDispose]: () => real[Symbol.asyncDispose](),
  };
}
