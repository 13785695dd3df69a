import type { Driver, HostDescription, Machine, MachineId, Network, NetworkId, Pool, PoolId, Volume } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';

/** A host as it was found, and as it would be after what was asked of it since. */
export class RehearsedHost {
  readonly description: HostDescription;
  readonly machines: Map<MachineId, Machine>;
  readonly pools: Map<PoolId, Pool>;
  readonly volumes: Map<PoolId, Map<string, Volume>>;
  readonly networks: Map<NetworkId, Network>;

  private constructor(description: HostDescription, machines: readonly Machine[], pools: readonly Pool[], networks: readonly Network[]) {
    this.description = description;
    this.machines = new Map(machines.map((one) => [one.id, one]));
    this.pools = new Map(pools.map((one) => [one.id, one]));
    this.networks = new Map(networks.map((one) => [one.id, one]));
    this.volumes = new Map(pools.map(({ id }) => [id, new Map()]));
  }

  /** Reads all that there is, and changes nothing. @throws DriverError when a machine cannot be read: whose disks it has would not be known */
  static async of(driver: Driver, signal: AbortSignal): Promise<RehearsedHost> {
    const description = await driver.host.describe(signal);
    const glances = await driver.machines.list(signal);
    const { machines, unread } = await driver.machines.read(
      glances.map(({ id }) => id),
      signal,
    );
    if (unread[0] !== undefined) throw unread[0].reason;
    const host = new RehearsedHost(
      description,
      machines,
      (await driver.pools?.list(signal)) ?? [],
      (await driver.networks?.list(signal)) ?? [],
    );
    for (const { id, active } of host.pools.values()) {
      const volumes = active ? ((await driver.volumes?.list(id, { refresh: false }, signal)) ?? []) : [];
      host.volumes.set(id, new Map(volumes.map((one) => [one.id.nativeName, one])));
    }
    return host;
  }

  machine(id: MachineId): Machine {
    return found(this.machines.get(id), `machine ${id}`);
  }

  pool(id: PoolId): Pool {
    return found(this.pools.get(id), `pool ${id}`);
  }

  network(id: NetworkId): Network {
    return found(this.networks.get(id), `network ${id}`);
  }

  volumesOf(id: PoolId): Map<string, Volume> {
    const { active, nativeName } = this.pool(id);
    if (!active) throw new DriverError('Conflict', `pool "${nativeName}" is not active`);
    return found(this.volumes.get(id), `pool ${id}`);
  }

  changeMachine(id: MachineId, change: Partial<Machine>): void {
    this.machines.set(id, { ...this.machine(id), ...change });
  }
}

function found<T>(one: T | undefined, what: string): T {
  if (one === undefined) throw new DriverError('NotFound', `there is no ${what}`);
  return one;
}
