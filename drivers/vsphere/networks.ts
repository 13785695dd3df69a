import type { NetworkId, Networks } from '#drivers/driver.js';
import { ExistingNetworks } from '#drivers/existing-networks.js';
import type { Inventory } from './inventory.js';

/** Port groups, of standard and of distributed switches. */
export const vsphereNetworks = (inventory: Inventory): Networks =>
  new ExistingNetworks('port groups', async (signal) => {
    const groups = await inventory.networks(signal);
    return groups.map(({ ref, name, accessible }) => ({ id: ref.value as NetworkId, nativeName: name, active: accessible }));
  });
