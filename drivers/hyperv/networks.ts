import type { NetworkId, Networks } from '#drivers/driver.js';
import { ExistingNetworks } from '#drivers/existing-networks.js';
import { type Inventory, networkNames } from './inventory.js';

/** The host's switches. */
export const hypervNetworks = (inventory: Inventory): Networks =>
  new ExistingNetworks('switches', async (signal) => {
    const all = await inventory.switches.list(signal);
    const names = networkNames(all);
    return all.map(({ id, name, isWell }) => ({ id: id as NetworkId, nativeName: names.get(id) ?? name, active: isWell }));
  });
