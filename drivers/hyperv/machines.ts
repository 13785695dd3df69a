import type { Draft, Glance, MachineDefinition, MachineId, Machines, Mark, OwnerMark, Readings } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { assertOwner, sameOwner } from '#drivers/owner.js';
import { bringAbout } from './bring.js';
import { checkDefinition, generationFor } from './definition.js';
import { checkGeneration } from './definition-devices.js';
import { draftOfChange, draftOfNew } from './draft.js';
import { checkMerged, ownDrives } from './drives.js';
import { hardwareDifference } from './hardware.js';
import { checkCapacity } from './host.js';
import { isOfUuid, keptOf } from './identity.js';
import type { Inventory } from './inventory.js';
import { firstNotes, keptChange } from './kept.js';
import { glanceOf, idOf, isPlainOff, machineOf, type NativeMachine, ownedOf } from './native.js';
import { nothingOwned } from './notes.js';
import { bringSeed, insertDisc, nextSeed, removeDiscs } from './seeds.js';
import { isHalfMade } from './wmi/machine-service.js';
import { changeText, type SettingsChange, uuidOf } from './wmi/machine-settings.js';

export class HypervMachines implements Machines {
  readonly #inventory: Inventory;

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
  }

  async list(signal: AbortSignal): Promise<readonly Glance[]> {
    return (await this.#inventory.glances(signal)).map(glanceOf);
  }

  async read(ids: readonly MachineId[], signal: AbortSignal): Promise<Readings> {
    return { machines: (await this.#inventory.natives(ids, signal)).map(machineOf), unread: [] };
  }

  async define(definition: MachineDefinition, mark: Mark, signal: AbortSignal): Promise<MachineId> {
    checkDefinition(definition, this.#inventory.limits);
    this.#inventory.discs.check(definition.seed);
    const make = async () => {
      const found = await this.#find(definition.uuid, signal);
      const id = found ?? (await this.#create(definition, mark, signal));
      await this.#edit(id, definition, mark, signal);
      return id;
    };
    // Names are not unique on a host, so that nobody but us keeps two machines from having one.
    return this.#inventory.inRow(`name ${definition.nativeName}`, make, signal);
  }

  /** Two of one uuid are a copy, and nobody knows which. */
  async #find(uuid: string, signal: AbortSignal): Promise<MachineId | undefined> {
    const wanted = uuid.toLowerCase();
    const [found, ...others] = (await this.#inventory.glances(signal)).filter(({ settings }) => isOfUuid(settings, wanted));
    if (others.length === 0) return found && idOf(found.system);
    const which = [found, ...others].flatMap((each) => (each === undefined ? [] : idOf(each.system))).join(', ');
    throw new DriverError(
      'Conflict',
      `uuid ${uuid}: ${others.length + 1} machines have it (${which}); a copy must be given one of its own (BIOSGUID), and notes without our line`,
    );
  }

  /** What `define` would come to. */
  async draft(definition: MachineDefinition, mark: Mark, signal: AbortSignal): Promise<Draft> {
    checkDefinition(definition, this.#inventory.limits);
    this.#inventory.discs.check(definition.seed);
    await checkCapacity(definition, this.#inventory, signal);
    const found = await this.#find(definition.uuid, signal);
    if (found !== undefined) return draftOfChange(await this.#inventory.native(found, signal), definition, mark, this.#inventory, signal);
    const generation = generationFor(definition, this.#inventory.limits);
    checkGeneration(definition, generation);
    await this.#inventory.discs.checkFolder(definition.uuid, definition.seed, undefined, signal);
    await this.#assertFree(definition, mark.owner, signal);
    return draftOfNew(definition, mark, generation);
  }

  async #create(definition: MachineDefinition, mark: Mark, signal: AbortSignal): Promise<MachineId> {
    const { nativeName, uuid } = definition;
    const generation = generationFor(definition, this.#inventory.limits);
    checkGeneration(definition, generation);
    await this.#inventory.discs.checkFolder(uuid, definition.seed, undefined, signal);
    const late = (await this.#inventory.service.othersMade(signal)) ? await this.#find(uuid, signal) : undefined;
    if (late !== undefined) return late;
    await this.#assertFree(definition, mark.owner, signal);
    await checkCapacity(definition, this.#inventory, signal);
    // Whoever deleted the machine on the host left them.
    await this.#inventory.discs.clear(uuid, [], [], signal);
    const [notes = ''] = firstNotes(definition, { ...mark, record: mark.until ?? mark.record });
    await this.#inventory.service.define({ name: nativeName, uuid, notes, generation }, signal);
    const made = await this.#find(uuid, signal);
    if (made === undefined) throw new DriverError('Conflict', `machine "${nativeName}" was made, and is gone again`);
    return made;
  }

  /** @throws DriverError NotOurs or Conflict */
  async #assertFree({ nativeName, uuid }: MachineDefinition, owner: OwnerMark, signal: AbortSignal): Promise<void> {
    const namesake = (await this.#inventory.glances(signal)).find((each) => glanceOf(each).nativeName === nativeName);
    if (namesake === undefined) return;
    assertOwner(nativeName, keptOf(namesake.settings)?.mark, owner);
    throw new DriverError('Conflict', `machine "${nativeName}" on the host has the uuid ${uuidOf(namesake.settings)}, not ${uuid}`);
  }

  #edit(id: MachineId, definition: MachineDefinition, mark: Mark, signal: AbortSignal): Promise<void> {
    return this.#inventory.changing(id, signal, async (native) => {
      const { nativeName } = glanceOf(native);
      assertOwner(nativeName, keptOf(native.settings)?.mark, mark.owner);
      const uuid = definition.uuid.toLowerCase();
      const difference = hardwareDifference(native, definition, this.#inventory);
      if (Object.keys(difference).length > 0) await checkCapacity(definition, this.#inventory, signal);
      const isNow = isPlainOff(native);
      const { seed } = definition;
      await this.#inventory.discs.checkFolder(uuid, seed, keptOf(native.settings)?.seed, signal);
      const seeded = isNow ? await bringSeed(native, seed, this.#inventory, signal) : { native };
      const before = keptOf(seeded.native.settings);
      const kept = { ...before, uuid, id, mark, next: difference, owned: ownedOf(seeded.native) };
      const { native: brought, rest } = isNow
        ? await bringAbout(seeded.native, difference, { ...kept, mark: before?.mark ?? mark }, this.#inventory, signal)
        : { native, rest: { ...difference, ...nextSeed(before, seed) } };
      const now = await insertDisc({ ...seeded, native: brought }, this.#inventory, signal);
      const told = isNow ? { seed: seeded.held } : {};
      await this.#change(
        now,
        {
          ...keptChange(now, { ...kept, ...told, next: rest, owned: ownedOf(now) }),
          ...(uuidOf(now.settings) === uuid ? {} : { uuid }),
          ...(isNow && difference.secureBoot !== undefined && { secureBoot: difference.secureBoot }),
        },
        signal,
      );
      if (isHalfMade(nativeName, uuid)) await this.#inventory.service.rename(native.system.reference, definition.nativeName, signal);
    });
  }

  async mark(id: MachineId, mark: Mark, from: OwnerMark | undefined, signal: AbortSignal): Promise<void> {
    await this.#inventory.changing(id, signal, async (native) => {
      const kept = keptOf(native.settings);
      const isFrom = from === undefined ? kept === undefined : kept !== undefined && sameOwner(kept.mark.owner, from);
      if (!isFrom) assertOwner(glanceOf(native).nativeName, kept?.mark, mark.owner);
      await this.#change(
        native,
        keptChange(native, { uuid: uuidOf(native.settings), next: {}, owned: nothingOwned, ...kept, id, mark }),
        signal,
      );
    });
  }

  /** What its firmware wrote down stands in its configuration alone, and goes with that, whatever is to be kept. */
  async undefine(id: MachineId, owner: OwnerMark, _: { readonly keepState: boolean }, signal: AbortSignal): Promise<void> {
    try {
      await this.#inventory.changing(id, signal, async (native) => {
        const { nativeName, power } = glanceOf(native);
        assertOwner(nativeName, keptOf(native.settings)?.mark, owner);
        if (power.state !== 'Off')
          throw new DriverError('Conflict', `machine "${nativeName}" is not Off; only one that is Off is forgotten`);
        for (const drive of ownDrives(native)) checkMerged(native, drive);
        const ours = ownedOf(native).cards;
        const { switches } = this.#inventory;
        // A saved machine lets nothing of it be changed.
        for (const card of native.parts.cards.filter(({ name }) => ours.includes(name)))
          await (isPlainOff(native) ? switches.unplug(native.system, card, signal) : switches.forget(card, signal));
        await removeDiscs(native, this.#inventory, signal);
        await this.#inventory.service.destroy(native.system.reference, signal);
      });
    } catch (reason) {
      if (!(reason instanceof DriverError && reason.code === 'NotFound')) throw reason;
    }
  }

  async #change({ system, settings }: NativeMachine, change: SettingsChange, signal: AbortSignal): Promise<void> {
    const text = changeText(settings, change);
    if (text !== undefined) await this.#inventory.service.change(system.reference, text, signal);
  }
}
