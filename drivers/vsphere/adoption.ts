import type { Adoption, MachineId, Mark, OwnerMark } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { assertOwner } from '#drivers/owner.js';
import { foundNames } from './config/found.js';
import { readMark } from './config/mark.js';
import { adoptSpec, releaseSpec } from './config/spec.js';
import { assertUnmanaged, type Inventory } from './inventory.js';

/** By extraConfig alone, which changes while a machine runs, and which no guest sees; all of it in one reconfiguration. */
export class VsphereAdoption implements Adoption {
  readonly #inventory: Inventory;

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
  }

  async adopt(id: MachineId, mark: Mark, signal: AbortSignal): Promise<void> {
    await this.#inventory.changing(id, signal, async (native) => {
      const carried = readMark(native.extra);
      if (carried !== undefined) assertOwner(native.glance.nativeName, carried, mark.owner);
      assertUnmanaged(native);
      const names = carried === undefined ? foundNames(native, await this.#inventory.networks(signal)) : {};
      const spec = adoptSpec(native, mark, names);
      if (spec !== undefined) await this.#inventory.reconfigure(native.ref, spec, signal);
    });
  }

  /** What was noted for its next start goes, too: the machine is as it is. */
  async release(id: MachineId, owner: OwnerMark, signal: AbortSignal): Promise<void> {
    try {
      await this.#inventory.changing(id, signal, async (native) => {
        const carried = readMark(native.extra);
        if (carried === undefined) return;
        assertOwner(native.glance.nativeName, carried, owner);
        await this.#inventory.reconfigure(native.ref, releaseSpec(native), signal);
      });
    } catch (reason) {
      if (!(reason instanceof DriverError && reason.code === 'NotFound')) throw reason;
    }
  }
}
