import type { MachineId, OwnerMark, Power, PowerState } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { Daemon } from './daemon.js';
import { checkOwner, handleOf, readPower, unlessAlready } from './domains.js';
import { createFlags, destroyFlags, shutdownFlags } from './rpc/flags.js';
import {
  domainCreateWithFlags,
  domainDestroyFlags,
  domainReset,
  domainResume,
  domainShutdownFlags,
  domainSuspend,
} from './rpc/procedures.js';

const isOff = ({ state }: PowerState) => state === 'Off';
const isStarted = ({ state }: PowerState) => state === 'On' || state === 'Paused';
const isOn = ({ state }: PowerState) => state === 'On';
const isPaused = ({ state }: PowerState) => state === 'Paused';

/** Each verb waits for QEMU, which may hang, and so goes by the slow lane. */
export class LibvirtPower implements Power {
  readonly #daemon: Daemon;

  constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  async start(id: MachineId, { paused }: { readonly paused: boolean }, signal: AbortSignal): Promise<void> {
    const flags = paused ? createFlags.paused : 0;
    const started = this.#daemon.order(domainCreateWithFlags, { domain: handleOf(id), flags }, signal, id);
    await unlessAlready(this.#daemon, id, isStarted, started, signal);
  }

  async press(id: MachineId, owner: OwnerMark, signal: AbortSignal): Promise<void> {
    const { active } = await checkOwner(this.#daemon, id, owner, signal);
    if (!active) return;
    const pressed = this.#daemon.order(domainShutdownFlags, { domain: handleOf(id), flags: shutdownFlags.acpiPowerButton }, signal, id);
    await unlessAlready(this.#daemon, id, isOff, pressed, signal);
  }

  async cut(id: MachineId, owner: OwnerMark, signal: AbortSignal): Promise<void> {
    const { active } = await checkOwner(this.#daemon, id, owner, signal);
    if (!active) return;
    // In no row with the other verbs: the host kills a QEMU that hangs, and only that ends what waits for it.
    const cut = this.#daemon.order(domainDestroyFlags, { domain: handleOf(id), flags: destroyFlags.default }, signal, `${id}: cut`);
    await unlessAlready(this.#daemon, id, isOff, cut, signal);
  }

  async reset(id: MachineId, owner: OwnerMark, signal: AbortSignal): Promise<void> {
    await checkOwner(this.#daemon, id, owner, signal);
    await this.#daemon.order(domainReset, { domain: handleOf(id), flags: 0 }, signal, id);
  }

  async pause(id: MachineId, signal: AbortSignal): Promise<void> {
    const paused = this.#daemon.order(domainSuspend, { domain: handleOf(id) }, signal, id);
    await unlessAlready(this.#daemon, id, isPaused, paused, signal);
  }

  async resume(id: MachineId, signal: AbortSignal): Promise<void> {
    refuseToResume(id, await readPower(this.#daemon, id, signal));
    await unlessAlready(this.#daemon, id, isOn, this.#daemon.order(domainResume, { domain: handleOf(id) }, signal, id), signal);
  }
}

/** libvirt would let them run. */
function refuseToResume(id: MachineId, { reason }: PowerState): void {
  if (reason === 'Busy') throw new DriverError('Busy', `machine ${id} is paused by the host for work of its own`);
  if (reason === 'Crashed') throw new DriverError('Conflict', `machine ${id} has crashed; there is nothing to resume`);
}
