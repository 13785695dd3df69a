import type { Capability, Host, HostDescription } from '#drivers/driver.js';
import { child, elements, textOf } from '#drivers/xml/tree.js';
import { nativeControllers } from './config/controller.js';
import { maxNameBytes, memoryStepBytes } from './config/definition.js';
import { nativeCards } from './config/interface.js';
import { serialFile } from './config/serial.js';
import type { Inventory } from './inventory.js';
import type { Capacity, Limits } from './limits.js';
import { retrieveOne } from './soap/properties.js';

export class VsphereHost implements Host {
  readonly #inventory: Inventory;
  readonly #limits: Limits;

  constructor(inventory: Inventory, limits: Limits) {
    this.#inventory = inventory;
    this.#limits = limits;
  }

  async describe(signal: AbortSignal): Promise<HostDescription> {
    const { about } = this.#inventory.session.content;
    const product = about.apiType === 'HostAgent' ? 'ESXi' : 'vCenter';
    const [capacity, isReadOnly] = await Promise.all([this.#limits.capacity(signal), this.#isFree(signal)]);
    return {
      hypervisor: product,
      versions: { [product]: about.version },
      architecture: 'x86_64',
      cpuCount: capacity.cpuCount,
      memoryBytes: capacity.memoryBytes,
      provenOn: 'ThirdPartySimulator',
      capabilities: isReadOnly ? [] : [...machineCapabilities(capacity), ...otherCapabilities],
    };
  }

  /** The free licence of ESXi (`esxBasic`) makes its API read-only: nothing can be asked of such a host. */
  async #isFree(signal: AbortSignal): Promise<boolean> {
    const { content } = this.#inventory.session;
    if (content.about.apiType !== 'HostAgent' || content.licenseManager === undefined) return false;
    const found = await retrieveOne(this.#inventory.session, content.licenseManager, ['licenses'], signal);
    const editions = elements(found?.element('licenses')).map((licence) => textOf(child(licence, 'editionKey')));
    return editions.length > 0 && editions.every((edition) => edition === 'esxBasic');
  }
}

function machineCapabilities({ most }: Capacity): readonly Capability[] {
  return [
    { field: 'nativeName', max: maxNameBytes },
    { field: 'cpu.count', min: 1, max: most.cpuCount, reason: `a machine has at most ${most.cpuCount} on this host` },
    { field: 'memory.size', min: memoryStepBytes, max: most.memoryBytes, reason: 'multiples of 4 MiB, and no more than a host has' },
    { field: 'disks.bus', values: Object.keys(nativeControllers) },
    { field: 'disks.format', values: ['Vmdk'] },
    { field: 'interfaces.network' },
    { field: 'interfaces.model', values: Object.keys(nativeCards) },
    { field: 'interfaces.macAddress' },
    { field: 'devices.serial', reason: `what the guest says there is kept in ${serialFile}, in the machine's folder; there is no console` },
    { field: 'firmware.type', values: ['BIOS', 'UEFI'] },
    { field: 'vsphere.guestId' },
    { field: 'power.pause' },
    { field: 'power.reset' },
  ];
}

const otherCapabilities: readonly Capability[] = [
  { field: 'pools.existing' },
  { field: 'networks.existing' },
  { field: 'volumes.format', values: ['Vmdk'] },
];
