import type { MachineId, OwnerMark, Power, PowerState } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { assertOwner } from '#drivers/owner.js';
import { bringAbout } from './bring.js';
import { checkNetworks, switchesByName } from './cards.js';
import { keptOf } from './identity.js';
import type { Inventory } from './inventory.js';
import { configuredOf, glanceOf, isPlainOff, type NativeMachine, ownedOf } from './native.js';
import { withKept } from './notes.js';
import { bringSeed, mayHaveSeed } from './seeds.js';
import { changeText, notesOf } from './wmi/machine-settings.js';
import type { PowerWish } from './wmi/power.js';
import { isInvalidState } from './wmi/return-code.js';
import { pressPowerButton } from './wmi/shutdown.js';

/**
 * A change of state is waited for, and another machine's goes on meanwhile: a machine that is between two states refuses everything, which
 * is a Conflict.
 */
export class HypervPower implements Power {
  readonly #inventory: Inventory;

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
  }

  /** What was noted for this start is brought about first. One that is saved goes on where it was, with the hardware it had. */
  async start(id: MachineId, { paused }: { readonly paused: boolean }, signal: AbortSignal): Promise<void> {
    await this.#inventory.changing(id, signal, async (native) => {
      const { nativeName, power } = glanceOf(native);
      if (power.state !== 'Off') return;
      if (paused) throw new DriverError('Unsupported', `machine "${nativeName}": Hyper-V cannot start a machine paused`);
      if (isPlainOff(native)) await this.#applyNext(native, signal);
      await this.#unlessAlready(native, 'Start', ({ state }) => state !== 'Off', signal);
    });
  }

  async #applyNext(native: NativeMachine, signal: AbortSignal): Promise<void> {
    const { interfaces } = configuredOf(native);
    if (interfaces.length > 0) checkNetworks(native, interfaces, await switchesByName(this.#inventory, signal));
    const kept = keptOf(native.settings);
    const isHalf = kept?.seed?.whole === false || (kept?.seed === undefined && mayHaveSeed(native));
    if (kept === undefined || (Object.keys(kept.next).length === 0 && !isHalf)) return;
    const { secureBoot, seed } = kept.next;
    // What another seed is only a definition tells; that there is to be none needs no more than this, and half a one is told to nobody.
    const isGone = seed === null || isHalf;
    const told = isGone ? undefined : kept.seed;
    const seeded = isGone ? (await bringSeed(native, undefined, this.#inventory, signal)).native : native;
    const { native: now } = await bringAbout(seeded, kept.next, { ...kept, seed: told }, this.#inventory, signal);
    const notes = withKept(notesOf(now.settings), { ...kept, next: {}, owned: ownedOf(now), seed: told });
    const text = changeText(now.settings, { notes, ...(secureBoot === undefined ? {} : { secureBoot }) });
    if (text !== undefined) await this.#inventory.service.change(now.system.reference, text, signal);
  }

  /** By the guest's integration services. One without them does not hear. */
  async press(id: MachineId, owner: OwnerMark, signal: AbortSignal): Promise<void> {
    const native = await this.#owned(id, owner, signal);
    if (glanceOf(native).power.state === 'On') await pressPowerButton(this.#inventory.wmi, native.system, signal);
  }

  async cut(id: MachineId, owner: OwnerMark, signal: AbortSignal): Promise<void> {
    const native = await this.#owned(id, owner, signal);
    // Of one that is saved, what was saved is dropped.
    if (!isPlainOff(native)) await this.#unlessAlready(native, 'Off', ({ state, reason }) => state === 'Off' && reason !== 'Saved', signal);
  }

  async reset(id: MachineId, owner: OwnerMark, signal: AbortSignal): Promise<void> {
    const native = await this.#owned(id, owner, signal);
    if (glanceOf(native).power.state !== 'On') refuse(native, 'only one that is On is reset');
    await this.#inventory.service.request(native.system.reference, 'Reset', signal);
  }

  async save(id: MachineId, owner: OwnerMark, signal: AbortSignal): Promise<void> {
    const native = await this.#owned(id, owner, signal);
    const { state, reason } = glanceOf(native).power;
    if (reason === 'Saved') return;
    if (state !== 'On') refuse(native, 'only one that is On is saved');
    await this.#unlessAlready(native, 'Save', (power) => power.reason === 'Saved', signal);
  }

  async pause(id: MachineId, signal: AbortSignal): Promise<void> {
    const native = await this.#inventory.settled(id, signal);
    const { state } = glanceOf(native).power;
    if (state === 'Off') refuse(native, 'only one that is On is paused');
    if (state !== 'Paused') await this.#unlessAlready(native, 'Pause', (power) => power.state === 'Paused', signal);
  }

  async resume(id: MachineId, signal: AbortSignal): Promise<void> {
    const native = await this.#inventory.settled(id, signal);
    const { state } = glanceOf(native).power;
    if (state === 'Off') refuse(native, 'only one that is Paused is resumed');
    if (state === 'Paused') await this.#unlessAlready(native, 'Start', (power) => power.state === 'On', signal);
  }

  async #owned(id: MachineId, owner: OwnerMark, signal: AbortSignal): Promise<NativeMachine> {
    const native = await this.#inventory.settled(id, signal);
    assertOwner(glanceOf(native).nativeName, keptOf(native.settings)?.mark, owner);
    return native;
  }

  /** A host that says that it is not the time for it, while the machine is as wanted, has it done already. */
  async #unlessAlready(native: NativeMachine, wish: PowerWish, wanted: (power: PowerState) => boolean, signal: AbortSignal): Promise<void> {
    try {
      await this.#inventory.service.request(native.system.reference, wish, signal);
    } catch (reason) {
      if (!isInvalidState(reason)) throw reason;
      const now = await this.#inventory.native(glanceOf(native).id, signal);
      if (!wanted(glanceOf(now).power)) throw reason;
    }
  }
}

function refuse(native: NativeMachine, accepted: string): never {
  const { nativeName, power } = glanceOf(native);
  throw new DriverError('Conflict', `machine "${nativeName}" is ${power.state}; ${accepted}`);
}
