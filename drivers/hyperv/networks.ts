import type { Network, NetworkDefinition, NetworkId, NetworkShape, Networks } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { type Inventory, networkNames } from './inventory.js';

/** Switches, as they are: whoever runs the host makes and unmakes them. */
export class HypervNetworks implements Networks {
  readonly #inventory: Inventory;

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
  }

  async list(signal: AbortSignal): Promise<readonly Network[]> {
    const all = await this.#inventory.switches.list(signal);
    const names = networkNames(all);
    return all.map(({ id, name, isWell }) => ({ id: id as NetworkId, nativeName: names.get(id) ?? name, active: isWell }));
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
    `network "${which}": switches are neither made nor unmade here; accepted: the name of one that exists`,
  );
}
