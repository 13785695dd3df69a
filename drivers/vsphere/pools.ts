import type { Pool, PoolDefinition, PoolId, Pools } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { checkName } from './config/definition.js';
import type { Datastore, Inventory } from './inventory.js';

/** Datastores, as they are: an administrator of storage makes and unmakes them, not we. */
export class VspherePools implements Pools {
  readonly #inventory: Inventory;

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
  }

  async list(signal: AbortSignal): Promise<readonly Pool[]> {
    return (await this.#inventory.datastores(signal)).map(poolOf);
  }

  async define({ nativeName }: PoolDefinition, _signal: AbortSignal): Promise<PoolId> {
    checkName('nativeName', nativeName, 80);
    throw unsupported(nativeName);
  }

  async start(id: PoolId, _signal: AbortSignal): Promise<void> {
    throw unsupported(id);
  }

  async undefine(id: PoolId, _signal: AbortSignal): Promise<void> {
    throw unsupported(id);
  }
}

function unsupported(which: string): DriverError {
  return new DriverError(
    'Unsupported',
    `pool "${which}": datastores are neither made nor unmade here; accepted: the name of one that exists`,
  );
}

/** A datastore's URL ends in the uuid of its volume; where it does not, the host's own number must do. */
function poolOf({ ref, name, url, accessible, capacityBytes, freeBytes }: Datastore): Pool {
  return {
    id: ref.value as PoolId,
    uuid: /([^/]+)\/?$/.exec(url)?.[1]?.toLowerCase() ?? ref.value,
    nativeName: name,
    active: accessible,
    path: `[${name}]`,
    formats: ['Vmdk'],
    can: ['create', 'delete', 'grow'],
    capacityBytes,
    allocationBytes: capacityBytes - freeBytes,
    availableBytes: freeBytes,
  };
}
