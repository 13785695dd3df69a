import type { Network, NetworkId, Networks } from '#drivers/driver.js';
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
}

function networkOf({ ref, name, accessible }: Group): Network {
  return { id: ref.value as NetworkId, nativeName: name, active: accessible };
}
