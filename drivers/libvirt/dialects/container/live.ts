import type { Live, MachineId, OwnerMark, Part } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import { child, elements, type XmlElement } from '#drivers/xml/tree.js';
import type { Daemon } from '../../daemon.js';
import { handleOf } from '../../domains.js';
import { affectFlags, metadataTypes } from '../../rpc/flags.js';
import {
  domainAttachDeviceFlags,
  domainDetachDeviceFlags,
  domainSetBlkioParameters,
  domainSetMemoryFlags,
  domainSetMetadata,
  domainSetSchedulerParametersFlags,
} from '../../rpc/procedures.js';
import { type Running, readRunning } from '../../running.js';
import { giveShares } from '../../shares.js';
import { readInterfaces } from '../../xml/interface.js';
import { namesElement, namesNamespace, namesPrefix } from '../../xml/names-in-metadata.js';
import { findDevice } from '../../xml/plug.js';
import { readMaxCpuCount, readMaxMemory, readMemory } from '../../xml/sizes.js';
import { diskLimitsFor } from './disk-limits.js';
import { cpuPeriod, readContainerCpuCount } from './limits.js';

/** libvirt's LXC driver changes limits, and takes interfaces in and out; it edits none that is there. */
export class ContainerLive implements Live {
  readonly #daemon: Daemon;

  constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  async apply(id: MachineId, owner: OwnerMark, part: Part, signal: AbortSignal): Promise<void> {
    const running = await readRunning(this.#daemon, id, owner, signal);
    switch (part.kind) {
      case 'cpu':
        return this.#giveTime(running, signal);
      case 'cpuShares':
        return giveShares(this.#daemon, running, signal);
      case 'containerLimits':
        return this.#limitDisks(running, signal);
      case 'memory':
        return this.#giveMemory(running, signal);
      case 'interface':
        return this.#applyInterface(running, part.name, signal);
      default:
        throw new DriverError('Unsupported', `${part.kind}: a container has none that could be changed while it runs`);
    }
  }

  async #giveTime({ id, live, configured }: Running, signal: AbortSignal): Promise<void> {
    const [has, count, most = 0] = [readContainerCpuCount(live), readContainerCpuCount(configured) ?? 1, readMaxCpuCount(live)];
    if (has === count) return;
    if (count > most) throw beyond('cpu.count', `${count}`, `${most}`);
    const params = [
      { field: 'vcpu_period', value: { kind: 'ullong' as const, value: BigInt(cpuPeriod) } },
      { field: 'vcpu_quota', value: { kind: 'llong' as const, value: BigInt(cpuPeriod * count) } },
    ];
    const what = { domain: handleOf(id), params, flags: affectFlags.live };
    await this.#daemon.order(domainSetSchedulerParametersFlags, what, signal, id);
  }

  async #limitDisks({ id, live, configured }: Running, signal: AbortSignal): Promise<void> {
    const params = diskLimitsFor(live, configured).map(({ field, value }) => ({ field, value: { kind: 'string' as const, value } }));
    if (params.length === 0) return;
    await this.#daemon.order(domainSetBlkioParameters, { domain: handleOf(id), params, flags: affectFlags.live }, signal, id);
  }

  async #giveMemory({ id, live, configured }: Running, signal: AbortSignal): Promise<void> {
    const [bytes, most] = [readMemory(configured) ?? 0, readMaxMemory(live) ?? 0];
    if (readMemory(live) === bytes) return;
    if (bytes > most) throw beyond('memory.size', `${bytes} bytes`, `${most}`);
    const what = { domain: handleOf(id), memory: bytes / 1024, flags: affectFlags.live };
    await this.#daemon.order(domainSetMemoryFlags, what, signal, id);
  }

  async #applyInterface(running: Running, name: string, signal: AbortSignal): Promise<void> {
    const part = { kind: 'interface', name } as const;
    const [has, wanted] = [findDevice(running.live, part), findDevice(running.configured, part)];
    if (has === undefined && wanted !== undefined) return this.#attach(running, wanted, signal);
    if (has !== undefined && wanted === undefined) return this.#send(domainDetachDeviceFlags, running.id, has, signal);
    if (JSON.stringify(asInterface(has)) !== JSON.stringify(asInterface(wanted)))
      throw new DriverError('Unsupported', `interfaces[${name}]: what a container has of it changes only with the container off`);
  }

  /** Its name first: a name of none is nobody's, and an interface without one would be plugged in again. */
  async #attach({ id, live }: Running, wanted: XmlElement, signal: AbortSignal): Promise<void> {
    const named = namesElement([...elements(child(live, 'devices')), wanted]);
    const what = { type: metadataTypes.element, metadata: serializeXml(named), key: namesPrefix, uri: namesNamespace };
    await this.#daemon.order(domainSetMetadata, { domain: handleOf(id), ...what, flags: affectFlags.live }, signal, id);
    await this.#send(domainAttachDeviceFlags, id, wanted, signal);
  }

  async #send(procedure: typeof domainAttachDeviceFlags, id: MachineId, device: XmlElement, signal: AbortSignal): Promise<void> {
    await this.#daemon.order(procedure, { domain: handleOf(id), xml: serializeXml(device), flags: affectFlags.live }, signal, id);
  }
}

const asInterface = (device: XmlElement | undefined) => device && readInterfaces({ ...device, name: 'devices', children: [device] });

const beyond = (field: string, given: string, most: string): DriverError =>
  new DriverError('Unsupported', `${field}: ${given} given; it was started with at most ${most}, which changes only with it off`);
