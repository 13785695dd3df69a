import { isDeepStrictEqual } from 'node:util';
import type { DiskLimits, Live, MachineId, OwnerMark, Part } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import { attribute, child, type XmlElement } from '#drivers/xml/tree.js';
import type { Daemon } from './daemon.js';
import { handleOf } from './domains.js';
import { hasCode } from './gone.js';
import { affectFlags } from './rpc/flags.js';
import {
  domainAttachDeviceFlags,
  domainDetachDeviceAlias,
  domainDetachDeviceFlags,
  domainSetBlockIoTune,
  domainSetMemoryFlags,
  domainSetVcpusFlags,
  domainUpdateDeviceFlags,
} from './rpc/procedures.js';
import { type Running, readRunning } from './running.js';
import { giveShares } from './shares.js';
import { isCdrom } from './xml/cdrom.js';
import { readGraphics, withPasswordOf } from './xml/graphics.js';
import { type DevicePart, findDevice, missingController, placedAs, pluggable, sameBesideLimits } from './xml/plug.js';
import { readCpuCount, readMemory } from './xml/sizes.js';
import { nativeLimits, readTuning } from './xml/tuning.js';

/** Each change waits for QEMU, and so goes by the slow lane. */
export class LibvirtLive implements Live {
  readonly #daemon: Daemon;

  constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  async apply(id: MachineId, owner: OwnerMark, part: Part, signal: AbortSignal): Promise<void> {
    const running = await readRunning(this.#daemon, id, owner, signal);
    switch (part.kind) {
      case 'cpu':
        return this.#plugCpus(running, signal);
      case 'cpuShares':
        return giveShares(this.#daemon, running, signal);
      case 'memory':
        return this.#balloon(running, signal);
      case 'graphics':
        return this.#changePassword(running, signal);
      case 'containerLimits':
        throw new DriverError('Unsupported', 'container.limits: a machine is none');
      default:
        return this.#applyDevice(running, part, signal);
    }
  }

  async #plugCpus({ id, live, configured }: Running, signal: AbortSignal): Promise<void> {
    const [has, count] = [readCpuCount(live) ?? 1, readCpuCount(configured) ?? 1];
    if (has === count) return;
    const asking = this.#daemon.order(domainSetVcpusFlags, { domain: handleOf(id), count, flags: affectFlags.live }, signal, id);
    await asking.catch((reason) => {
      throw isFixedCpu(reason) ? fixedCpus(has, count, reason) : reason;
    });
  }

  async #balloon({ id, live, configured }: Running, signal: AbortSignal): Promise<void> {
    const bytes = readMemory(configured) ?? 0;
    if (readMemory(live) === bytes) return;
    const what = { domain: handleOf(id), memory: bytes / 1024, flags: affectFlags.live };
    await this.#daemon.order(domainSetMemoryFlags, what, signal, id);
  }

  async #changePassword({ id, live, configured }: Running, signal: AbortSignal): Promise<void> {
    const [has, wanted] = [live, configured].map((domain) => readGraphics(child(domain, 'devices')));
    if (has?.type !== wanted?.type) throw new DriverError('Unsupported', 'devices.graphics: comes and goes only with the machine off');
    if (has?.password === wanted?.password) return;
    const server = withPasswordOf(live, configured);
    if (server !== undefined) await this.#send(domainUpdateDeviceFlags, id, server, signal);
  }

  async #applyDevice({ id, live, configured }: Running, part: DevicePart, signal: AbortSignal): Promise<void> {
    const [has, wanted] = [findDevice(live, part), findDevice(configured, part)];
    if (has === undefined && wanted !== undefined) await this.#plug({ id, live, configured }, wanted, signal);
    else if (has !== undefined && wanted === undefined) await this.#detach(id, has, signal);
    else if (has !== undefined && wanted !== undefined) await this.#change(id, has, wanted, signal);
  }

  async #plug({ id, live, configured }: Running, device: XmlElement, signal: AbortSignal): Promise<void> {
    refuseDrive(device);
    const controller = missingController(device, configured, live);
    if (controller !== undefined) await this.#send(domainAttachDeviceFlags, id, pluggable(controller, live), signal);
    await this.#send(domainAttachDeviceFlags, id, pluggable(device, live), signal);
  }

  /** Limits have a call of their own; the other one would refuse them. */
  async #change(id: MachineId, has: XmlElement, wanted: XmlElement, signal: AbortSignal): Promise<void> {
    const { limits } = readTuning(wanted);
    if (!isDeepStrictEqual(readTuning(has).limits, limits)) await this.#limit(id, has, limits, signal);
    if (sameBesideLimits(has, wanted)) return;
    await this.#send(domainUpdateDeviceFlags, id, placedAs(wanted, has), signal).catch((reason) => {
      if (!isHeldTray(reason)) throw reason;
    });
  }

  async #limit(id: MachineId, disk: XmlElement, limits: DiskLimits | undefined, signal: AbortSignal): Promise<void> {
    const params = nativeLimits(limits).map(({ field, most }) => ({ field, value: { kind: 'ullong' as const, value: most } }));
    const target = attribute(child(disk, 'target'), 'dev') ?? '';
    const what = { domain: handleOf(id), disk: target, params, flags: affectFlags.live };
    await this.#daemon.order(domainSetBlockIoTune, what, signal, id);
  }

  async #send(
    procedure: typeof domainAttachDeviceFlags | typeof domainUpdateDeviceFlags | typeof domainDetachDeviceFlags,
    id: MachineId,
    device: XmlElement,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#daemon.order(procedure, { domain: handleOf(id), xml: serializeXml(device), flags: affectFlags.live }, signal, id);
  }

  async #detach(id: MachineId, device: XmlElement, signal: AbortSignal): Promise<void> {
    refuseDrive(device);
    const alias = attribute(child(device, 'alias'), 'name') ?? '';
    await this.#daemon
      .order(domainDetachDeviceAlias, { domain: handleOf(id), alias, flags: affectFlags.live }, signal, id)
      .catch((reason) => {
        if (!hasCode(reason, 'Unsupported')) throw reason;
        return this.#send(domainDetachDeviceFlags, id, device, signal);
      });
  }
}

/** In libvirt's words there are no "hotpluggable vcpus" among those that would have to go. */
const isFixedCpu = (reason: unknown): reason is DriverError => reason instanceof DriverError && /hotpluggable vcpu/i.test(reason.message);

const fixedCpus = (has: number, count: number, cause: DriverError): DriverError =>
  new DriverError('Unsupported', `cpu.count: ${count} given, it has ${has}; CPUs that it was started with go only with the machine off`, {
    cause,
  });

/** The guest has locked the tray, and was asked to open it: that it will, or not, is seen afterwards. */
const isHeldTray = (reason: unknown): boolean =>
  reason instanceof DriverError && /tray .*locked|waiting for disk tray/i.test(reason.message);

/** Of a drive that is plugged in, libvirt 9.0 does not know that it has a tray, and never opens it; an empty one it cannot plug in at all. */
function refuseDrive(device: XmlElement): void {
  if (isCdrom(device)) throw new DriverError('Unsupported', 'disks.cdrom: a drive comes and goes only with the machine off');
}
