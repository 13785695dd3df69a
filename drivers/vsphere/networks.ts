import type { Network, NetworkDefinition, NetworkId, NetworkShape, Networks } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { Group, Inventory } from './inventory.js';

/** Port groups, of standard and of distributed switches, as they are. */
export class VsphereNetworks implements Networks {
  readonly #inventory: Inventory;

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
  }

  async list(signal: AbortSignal): Promise<readonly Network[]> {
    return (await this.#inventory.networks(signal)).map(networkOf);
  }

  async define({ nativeName }: NetworkDefinition, _signal: AbortSignal): Promise<NetworkId> {
    throw unsupported(nativeName);
  }

  async start(id: NetworkId, _signal: AbortSignal): Promise<void> {
    throw unsupported(id);
  }

  async update(id: NetworkId, _shape: NetworkShape, _signal: AbortSignal): Promise<void> {
    throw unsupported(id);
  }

  async stop(id: NetworkId, _signal: AbortSignal): Promise<void> {
    throw unsupported(id);
  }

  async undefine(id: NetworkId, _signal: AbortSignal): Promise<void> {
    throw unsupported(id);
  }
}

function unsupported(which: string): DriverError {
  return new DriverError(
    'Unsupported',
    `network "${which}": port groups are neither made nor unmade here; accepted: the name of one that exists`,
  );
}

function networkOf({ ref, name, accessible }: Group): Network {
  return { id: ref.value as NetworkId, nativeName: name, active: accessible };
}
