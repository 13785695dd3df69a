import type { Capability, Driver, Machine, Network, Pool, Volume } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';

/** What is on a host, as its driver tells it. */
export interface Inventory {
  readonly pools: readonly PoolAndVolumes[];
  readonly networks: readonly Network[];
  readonly machines: readonly Machine[];
  /** What it accepts of machines; absent where nobody asked. */
  readonly capabilities?: readonly Capability[];
  /** What could not be read, each in words. */
  readonly unread: readonly string[];
}

export interface PoolAndVolumes {
  readonly pool: Pool;
  readonly volumes: readonly Volume[];
}

/** Nothing is changed on the host; its stores are looked at anew. */
export async function takeInventory({ host, machines, pools, volumes, networks }: Driver, signal: AbortSignal): Promise<Inventory> {
  const all = await machines.list(signal);
  const readings = await machines.read(
    all.map(({ id }) => id),
    signal,
  );
  const stores = await Promise.all(((await pools?.list(signal)) ?? []).map((pool) => storeOf(pool, volumes, signal)));
  return {
    pools: stores,
    networks: (await networks?.list(signal)) ?? [],
    machines: readings.machines,
    capabilities: (await host.describe(signal)).capabilities,
    unread: [
      ...readings.unread.map(({ glance, reason }) => `machine ${glance.nativeName}: ${reason.message}`),
      ...stores.flatMap(({ trouble }) => trouble ?? []),
    ],
  };
}

interface Store extends PoolAndVolumes {
  readonly trouble?: string;
}

/** A store that cannot be looked at hides no other. */
async function storeOf(pool: Pool, volumes: Driver['volumes'], signal: AbortSignal): Promise<Store> {
  if (!pool.active || volumes === undefined) return { pool, volumes: [] };
  try {
    return { pool, volumes: await volumes.list(pool.id, { refresh: true }, signal) };
  } catch (reason) {
    return { pool, volumes: [], trouble: `pool ${pool.nativeName}: ${DriverError.from(reason).message}` };
  }
}
