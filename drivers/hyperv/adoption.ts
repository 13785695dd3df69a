import type { Adoption, MachineId, Mark, OwnerMark } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { assertOwner } from '#drivers/owner.js';
import { namesFor } from './found.js';
import { isOfUuid, keptOf } from './identity.js';
import type { Inventory } from './inventory.js';
import { glanceOf, idOf, type NativeMachine } from './native.js';
import { type Adopted, type Kept, withKept, withoutKept } from './notes.js';
import { bringSeed } from './seeds.js';
import { notesOf, uuidOf } from './wmi/machine-settings.js';
import type { Startup } from './wmi/startup.js';

/** By the notes, which change while a machine runs, and which no guest sees. */
export class HypervAdoption implements Adoption {
  readonly #inventory: Inventory;

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
  }

  /** What the host did with it when it starts is noted before it is taken off: who starts what is ours is decided elsewhere. */
  async adopt(id: MachineId, mark: Mark, signal: AbortSignal): Promise<void> {
    const { service } = this.#inventory;
    await this.#inventory.changing(id, signal, async (native) => {
      const notes = notesOf(native.settings);
      const carried = keptOf(native.settings);
      if (carried !== undefined) assertOwner(glanceOf(native).nativeName, carried.mark, mark.owner);
      else await this.#assertNoCopy(native, signal);
      const startup = await service.startupOf(native, signal);
      const kept = carried === undefined ? taken(native, mark, startup) : { ...carried, id, mark };
      const never = startup === 'Never' ? {} : { startup: 'Never' as const };
      await service.changeSettings(native, { notes: withKept(notes, kept), ...never }, signal);
    });
  }

  /** Two of one uuid would be one machine to us, with one's discs the other's. */
  async #assertNoCopy(native: NativeMachine, signal: AbortSignal): Promise<void> {
    const uuid = uuidOf(native.settings);
    const { id, nativeName } = glanceOf(native);
    const other = (await this.#inventory.glances(signal)).find(({ system, settings }) => idOf(system) !== id && isOfUuid(settings, uuid));
    if (uuid === '' || other === undefined) return;
    throw new DriverError(
      'Conflict',
      `machine "${nativeName}" has the uuid ${uuid}, and so has "${glanceOf(other).nativeName}" (${idOf(other.system)}), as a copy does; give the copy one of its own (BIOSGUID)`,
    );
  }

  /** What its guest is told by us goes, too: it may be secret, and nobody else would ever take it away. Our line last: as long as it is there, whoever comes after us goes on. */
  async release(id: MachineId, owner: OwnerMark, signal: AbortSignal): Promise<void> {
    const { service } = this.#inventory;
    try {
      await this.#inventory.changing(id, signal, async (native) => {
        const kept = keptOf(native.settings);
        if (kept === undefined) return;
        assertOwner(glanceOf(native).nativeName, kept.mark, owner);
        const startup = kept.adopted?.startup;
        if (startup !== undefined) await service.changeSettings(native, { startup }, signal);
        const { native: untold } = await bringSeed(native, undefined, this.#inventory, signal);
        await service.changeSettings(untold, { notes: withoutKept(notesOf(untold.settings)) }, signal);
      });
    } catch (reason) {
      if (!(reason instanceof DriverError && reason.code === 'NotFound')) throw reason;
    }
  }
}

function taken(native: NativeMachine, mark: Mark, startup: Startup): Kept {
  const uuid = uuidOf(native.settings);
  const { owned, cards, disc } = namesFor(native, uuid);
  const adopted: Adopted = { ...(startup === 'Never' ? {} : { startup }), ...(Object.keys(cards).length === 0 ? {} : { cards }) };
  // Of which of the two kinds it is nothing tells, and which is not asked of what is not whole.
  const seed = disc === undefined ? {} : { seed: { kind: 'CloudInit' as const, location: disc, whole: false as const, files: [disc] } };
  const kept = { uuid, id: glanceOf(native).id, mark, next: {}, owned, ...seed };
  return Object.keys(adopted).length === 0 ? kept : { ...kept, adopted };
}
