import type { Live, MachineId, OwnerMark, Part } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import { attribute, child, type XmlElement } from '#drivers/xml/tree.js';
import type { Daemon } from './daemon.js';
import { assertOwner, handleOf, isActive, readDomain } from './domains.js';
import { affectFlags } from './rpc/flags.js';
import {
  domainAttachDeviceFlags,
  domainDetachDeviceAlias,
  domainSetMemoryFlags,
  domainSetVcpusFlags,
  domainUpdateDeviceFlags,
} from './rpc/procedures.js';
import { readMark } from './xml/metadata.js';
import { type DevicePart, findDevice, pluggable } from './xml/plug.js';
import { readCpuCount, readIdentity, readMemory } from './xml/read.js';

/** What runs, beside what its definition says. */
interface Both {
  readonly id: MachineId;
  readonly live: XmlElement;
  readonly configured: XmlElement;
}

/** Each change waits for QEMU, and so goes by the slow lane. */
export class LibvirtLive implements Live {
  readonly #daemon: Daemon;

  constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  async apply(id: MachineId, owner: OwnerMark, part: Part, signal: AbortSignal): Promise<void> {
    const live = await readDomain(this.#daemon, id, 'current', signal);
    const { nativeName } = readIdentity(live);
    assertOwner(nativeName, readMark(live), owner);
    if (!isActive(live)) throw new DriverError('Conflict', `machine "${nativeName}" is Off; nothing runs that could be changed`);
    const both = { id, live, configured: await readDomain(this.#daemon, id, 'inactive', signal) };
    switch (part.kind) {
      case 'cpu':
        return this.#plugCpus(both, signal);
      case 'memory':
        return this.#balloon(both, signal);
      default:
        return this.#applyDevice(both, part, signal);
    }
  }

  async #plugCpus({ id, live, configured }: Both, signal: AbortSignal): Promise<void> {
    const count = readCpuCount(configured) ?? 1;
    if (readCpuCount(live) === count) return;
    await this.#daemon.order(domainSetVcpusFlags, { domain: handleOf(id), count, flags: affectFlags.live }, signal, id);
  }

  async #balloon({ id, live, configured }: Both, signal: AbortSignal): Promise<void> {
    const bytes = readMemory(configured) ?? 0;
    if (readMemory(live) === bytes) return;
    const what = { domain: handleOf(id), memory: bytes / 1024, flags: affectFlags.live };
    await this.#daemon.order(domainSetMemoryFlags, what, signal, id);
  }

  async #applyDevice({ id, live, configured }: Both, part: DevicePart, signal: AbortSignal): Promise<void> {
    const [has, wanted] = [findDevice(live, part), findDevice(configured, part)];
    if (has === undefined && wanted !== undefined) await this.#send(domainAttachDeviceFlags, id, pluggable(wanted, live), signal);
    else if (has !== undefined && wanted === undefined) await this.#detach(id, has, signal);
    else if (has !== undefined && wanted !== undefined) await this.#send(domainUpdateDeviceFlags, id, wanted, signal);
  }

  async #send(
    procedure: typeof domainAttachDeviceFlags | typeof domainUpdateDeviceFlags,
    id: MachineId,
    device: XmlElement,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#daemon.order(procedure, { domain: handleOf(id), xml: serializeXml(device), flags: affectFlags.live }, signal, id);
  }

  async #detach(id: MachineId, device: XmlElement, signal: AbortSignal): Promise<void> {
    const alias = attribute(child(device, 'alias'), 'name') ?? '';
    await this.#daemon.order(domainDetachDeviceAlias, { domain: handleOf(id), alias, flags: affectFlags.live }, signal, id);
  }
}
