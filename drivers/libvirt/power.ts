import type { MachineId, OwnerMark, Power, PowerState } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { explained } from './access.js';
import type { Daemon } from './daemon.js';
import type { PowerWays } from './dialects/dialect.js';
import { checkOwner, handleOf, readDomain, readPower } from './domains.js';
import { hasCode, unlessAlready } from './gone.js';
import { Presses } from './presses.js';
import { unknownFlags } from './rpc/driver-error.js';
import { createFlags, destroyFlags } from './rpc/flags.js';
import {
  domainCreateWithFlags,
  domainDestroyFlags,
  domainHasManagedSaveImage,
  domainManagedSave,
  domainManagedSaveRemove,
  domainReset,
  domainResume,
  domainShutdownFlags,
  domainSuspend,
} from './rpc/procedures.js';
import { readIdentity } from './xml/read.js';

const isOff = ({ state }: PowerState) => state === 'Off';
const isStarted = ({ state }: PowerState) => state === 'On' || state === 'Paused';
const isOn = ({ state }: PowerState) => state === 'On';
const isPaused = ({ state }: PowerState) => state === 'Paused';

/** A network on a bridge or a device of the host's starts without it, and machines on it do not. */
function withoutDevice(reason: unknown): DriverError | undefined {
  const message = reason instanceof Error ? reason.message : '';
  const device = /^(?:Cannot get interface MTU on|Unable to get index for interface) '?([^\s':]+)'?: No such device/.exec(message)?.[1];
  if (device === undefined) return undefined;
  const remedy = 'make it there, or mend the network';
  return new DriverError('NotFound', `the host has no device ${device}, which a network of this machine is on; ${remedy}`, {
    cause: reason,
  });
}

/** Who is root in a container is nobody on its host. */
function impassable(reason: unknown): DriverError | undefined {
  const message = reason instanceof Error ? reason.message : '';
  const root = /Failed to create (.+)\/\.oldroot: Permission denied/.exec(message)?.[1];
  if (root === undefined) return undefined;
  const remedy = 'let others pass each folder above it (chmod o+x)';
  return new DriverError('Denied', `root in the container is nobody on the host, and does not reach ${root}; ${remedy}`, {
    cause: reason,
  });
}

/** Each verb waits for QEMU, which may hang, and so goes by the slow lane. */
export class LibvirtPower implements Power {
  readonly #daemon: Daemon;
  readonly #ways: PowerWays;
  readonly #presses = new Presses();

  constructor(daemon: Daemon, ways: PowerWays) {
    this.#daemon = daemon;
    this.#ways = ways;
  }

  async start(id: MachineId, { paused }: { readonly paused: boolean }, signal: AbortSignal): Promise<void> {
    const started = (paused ? this.#startPaused(id, signal) : this.#create(id, 0, signal)).catch((reason) => {
      throw withoutDevice(reason) ?? impassable(reason) ?? reason;
    });
    await this.#unlessAlready(id, isStarted, started, signal).catch(async (reason) => {
      throw await explained(this.#daemon, reason, signal);
    });
  }

  #create(id: MachineId, flags: number, signal: AbortSignal): Promise<unknown> {
    return this.#daemon.order(domainCreateWithFlags, { domain: handleOf(id), flags }, signal, id);
  }

  async #startPaused(id: MachineId, signal: AbortSignal): Promise<void> {
    const { startsPaused } = this.#ways;
    if (startsPaused === 'Never') {
      if (isOff(await readPower(this.#daemon, id, signal))) throw unpausable(id);
      return;
    }
    await this.#create(id, startsPaused === 'Natively' ? createFlags.paused : 0, signal).catch((reason) => {
      throw unknownFlags(reason) === 0 ? reason : unpausable(id, reason);
    });
    if (startsPaused === 'ThenPaused') await this.pause(id, signal);
  }

  async press(id: MachineId, owner: OwnerMark, signal: AbortSignal): Promise<void> {
    const { run } = await checkOwner(this.#daemon, id, owner, signal);
    if (run === undefined) return;
    const what = { domain: handleOf(id), flags: this.#ways.shutdown };
    const order = (row: string, pressing: AbortSignal) => this.#daemon.order(domainShutdownFlags, what, pressing, row);
    const pressed =
      this.#ways.answersShutdown === 'OnlyOnceHeard'
        ? this.#presses.press(id, run, (pressing) => order(`${id}: press`, pressing), signal)
        : order(id, signal);
    // One that goes off just now hears nothing more, and need not.
    await this.#unlessAlready(id, (power) => isOff(power) || power.state === 'Stopping', pressed, signal);
  }

  async cut(id: MachineId, owner: OwnerMark, signal: AbortSignal): Promise<void> {
    const { run } = await checkOwner(this.#daemon, id, owner, signal);
    if (run === undefined) return this.#dropSaved(id, signal);
    // In no row with the other verbs: the host kills a QEMU that hangs, and only that ends what waits for it.
    const cut = this.#daemon.order(domainDestroyFlags, { domain: handleOf(id), flags: destroyFlags.default }, signal, `${id}: cut`);
    await this.#unlessAlready(id, isOff, cut, signal).catch((reason) => this.#explainStuck(id, reason, signal));
  }

  /**
   * A daemon that dies in the middle of a start leaves a machine that is starting up, with no process that it knows of. The next one takes
   * it for running, keeps it busy with that start, and never looks at it again: seen with libvirt 9.0, where no call gets past it.
   */
  async #explainStuck(id: MachineId, cause: unknown, signal: AbortSignal): Promise<never> {
    if (!hasCode(cause, 'Busy') || (await readPower(this.#daemon, id, signal)).reason !== 'StartingUp') throw cause;
    const { nativeName } = readIdentity(await readDomain(this.#daemon, id, 'inactive', signal));
    const message = `libvirt still holds machine "${nativeName}" for a start during which its daemon died, and lets nobody cut it; if this lasts, remove /run/libvirt/qemu/${nativeName}.xml on the host and restart the daemon`;
    throw new DriverError('Busy', message, { cause });
  }

  async reset(id: MachineId, owner: OwnerMark, signal: AbortSignal): Promise<void> {
    await checkOwner(this.#daemon, id, owner, signal);
    await this.#daemon.order(domainReset, { domain: handleOf(id), flags: 0 }, signal, id);
  }

  async save(id: MachineId, owner: OwnerMark, signal: AbortSignal): Promise<void> {
    if (this.#ways.saves !== true)
      throw new DriverError('Unsupported', `power.save: libvirt writes no running machine of this host to its disk`);
    const { run } = await checkOwner(this.#daemon, id, owner, signal);
    if (run === undefined) {
      if (await this.#isSaved(id, signal)) return;
      refuseOff(id);
    }
    const { state } = await readPower(this.#daemon, id, signal);
    if (state !== 'On') throw new DriverError('Conflict', `machine ${id} is ${state}; only one that is On is saved`);
    await this.#daemon.order(domainManagedSave, { domain: handleOf(id), flags: 0 }, signal, id).catch(async (reason) => {
      // A save that failed, for want of room or whatever else, leaves a part of it behind with Xen's driver, from which the next start would go on.
      const isAnswered = !hasCode(reason, 'Unavailable') && !hasCode(reason, 'TimedOut');
      if (isAnswered && !isOff(await readPower(this.#daemon, id, signal))) await this.#dropSaved(id, signal);
      throw reason;
    });
  }

  async #isSaved(id: MachineId, signal: AbortSignal): Promise<boolean> {
    return (await this.#daemon.ask(domainHasManagedSaveImage, { domain: handleOf(id), flags: 0 }, signal, id)) !== 0;
  }

  async #dropSaved(id: MachineId, signal: AbortSignal): Promise<void> {
    if (this.#ways.saves !== true || !(await this.#isSaved(id, signal))) return;
    await this.#daemon.order(domainManagedSaveRemove, { domain: handleOf(id), flags: 0 }, signal, id);
  }

  async pause(id: MachineId, signal: AbortSignal): Promise<void> {
    const paused = this.#daemon.order(domainSuspend, { domain: handleOf(id) }, signal, id).catch(async (reason) => {
      if (hasCode(reason, 'Internal') && isOff(await readPower(this.#daemon, id, signal))) refuseOff(id, reason);
      throw reason;
    });
    await this.#unlessAlready(id, isPaused, paused, signal);
  }

  async resume(id: MachineId, signal: AbortSignal): Promise<void> {
    refuseToResume(id, await readPower(this.#daemon, id, signal));
    await this.#unlessAlready(id, isOn, this.#daemon.order(domainResume, { domain: handleOf(id) }, signal, id), signal);
  }

  #unlessAlready(id: MachineId, wanted: (power: PowerState) => boolean, act: Promise<unknown>, signal: AbortSignal): Promise<void> {
    return unlessAlready(async () => wanted(await readPower(this.#daemon, id, signal)), act);
  }
}

const unpausable = (id: MachineId, cause?: unknown): DriverError =>
  new DriverError('Unsupported', `machine ${id}: this host cannot start it paused`, { cause });

function refuseOff(id: MachineId, cause?: unknown): never {
  throw new DriverError('Conflict', `machine ${id} is Off`, { cause });
}

/** libvirt would let some of them run. */
function refuseToResume(id: MachineId, { state, reason }: PowerState): void {
  if (reason === 'Busy') throw new DriverError('Busy', `machine ${id} is paused by the host for work of its own`);
  if (state === 'Off') refuseOff(id);
  if (reason === 'Crashed') throw new DriverError('Conflict', `machine ${id} has crashed; there is nothing to resume`);
}
