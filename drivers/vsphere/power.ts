import type { MachineId, OwnerMark, Power, PowerState } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { assertOwner } from '#drivers/owner.js';
import { keys, readMark } from './config/mark.js';
import { isOff, type NativeMachine } from './config/native.js';
import { startSpec } from './config/spec.js';
import type { Inventory } from './inventory.js';
import { isFault } from './soap/driver-error.js';
import type { Operation } from './soap/envelope.js';
import { powerOff, powerOn, reset, shutdownGuest, suspend } from './soap/operations.js';
import type { Ref } from './soap/types.js';

type PowerTask = Operation<Record<never, never>, Ref>;

export class VspherePower implements Power {
  readonly #inventory: Inventory;

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
  }

  /** What was noted for this start is brought about first. */
  async start(id: MachineId, { paused }: { readonly paused: boolean }, signal: AbortSignal): Promise<void> {
    await this.#inventory.changing(id, signal, async (native) => {
      if (!isOff(native.glance.power)) return;
      if (paused) throw new DriverError('Unsupported', `machine "${native.glance.nativeName}": vSphere cannot start a machine paused`);
      const spec = startSpec(native, native.extra[keys.next] === undefined ? [] : await this.#inventory.networks(signal));
      if (spec !== undefined) await this.#inventory.reconfigure(native.ref, spec, signal);
      await this.#unlessAlready(native, ({ state }) => state !== 'Off', powerOn, signal);
    });
  }

  /** VMware Tools are the power button; a guest without them does not hear it. */
  async press(id: MachineId, owner: OwnerMark, signal: AbortSignal): Promise<void> {
    await this.#inventory.changing(id, signal, async (native) => {
      assertOwner(native.glance.nativeName, readMark(native.extra), owner);
      if (native.glance.power.state !== 'On') return;
      await this.#inventory.session.ask(shutdownGuest, native.ref, {}, signal).catch(async (reason) => {
        if (isFault(reason, 'ToolsUnavailable')) return;
        if (!isFault(reason, 'InvalidPowerState') || (await this.#power(id, signal)).state === 'On') throw reason;
      });
    });
  }

  /** In no row with the other verbs: cutting the power is what ends those that hang. */
  async cut(id: MachineId, owner: OwnerMark, signal: AbortSignal): Promise<void> {
    const { tasks } = this.#inventory;
    await tasks.patiently(async () => {
      const native = await this.#inventory.native(id, signal);
      assertOwner(native.glance.nativeName, readMark(native.extra), owner);
      if (!isOff(native.glance.power)) await this.#unlessAlready(native, isOff, powerOff, signal);
    }, signal);
  }

  async reset(id: MachineId, owner: OwnerMark, signal: AbortSignal): Promise<void> {
    await this.#inventory.changing(id, signal, async (native) => {
      assertOwner(native.glance.nativeName, readMark(native.extra), owner);
      if (native.glance.power.state !== 'On') refuse(native, 'only one that is On is reset');
      await this.#finished(this.#inventory.session.ask(reset, native.ref, {}, signal), signal);
    });
  }

  /** Its pause is one: it is written to a disk, and is Paused. */
  async save(): Promise<void> {
    throw new DriverError('Unsupported', 'power.save: vSphere has none beside its pause, which writes what runs to a file');
  }

  /** Suspending: what the machine has in memory is written to a file beside its definition. */
  async pause(id: MachineId, signal: AbortSignal): Promise<void> {
    await this.#inventory.changing(id, signal, async (native) => {
      if (isOff(native.glance.power)) refuse(native, 'only one that is On is paused');
      if (native.glance.power.state === 'On') await this.#unlessAlready(native, ({ state }) => state === 'Paused', suspend, signal);
    });
  }

  async resume(id: MachineId, signal: AbortSignal): Promise<void> {
    await this.#inventory.changing(id, signal, async (native) => {
      if (isOff(native.glance.power)) refuse(native, 'only one that is Paused is resumed');
      if (native.glance.power.state === 'Paused') await this.#unlessAlready(native, ({ state }) => state === 'On', powerOn, signal);
    });
  }

  /** A host that says that it is not the time for it, while the machine is as wanted, has it done already. */
  async #unlessAlready(native: NativeMachine, wanted: (power: PowerState) => boolean, task: PowerTask, signal: AbortSignal): Promise<void> {
    try {
      await this.#finished(this.#inventory.session.ask(task, native.ref, {}, signal), signal);
    } catch (reason) {
      if (!isFault(reason, 'InvalidPowerState') || !wanted(await this.#power(native.glance.id, signal))) throw reason;
    }
  }

  async #finished(task: Promise<Ref>, signal: AbortSignal): Promise<void> {
    await this.#inventory.tasks.finished(await task, signal);
  }

  async #power(id: MachineId, signal: AbortSignal): Promise<PowerState> {
    return (await this.#inventory.native(id, signal)).glance.power;
  }
}

function refuse({ glance }: NativeMachine, accepted: string): never {
  throw new DriverError('Conflict', `machine "${glance.nativeName}" is ${glance.power.state}; ${accepted}`);
}
