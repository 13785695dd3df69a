import type { MachineDefinition, Mark } from '#drivers/driver.js';
import type { XmlElement } from '#drivers/xml/tree.js';
import { checkDefinition } from '../../xml/definition.js';
import { withDisks } from '../../xml/disk.js';
import { type Edit, edited, inDevices, inOs } from '../../xml/edit.js';
import { withInterfaces } from '../../xml/interface.js';
import { withKernelBoot } from '../../xml/kernel-boot.js';
import { withSeed } from '../../xml/seed.js';
import { withCpuCount, withMemory } from '../../xml/sizes.js';
import { withConsole } from './console.js';
import { withMode } from './mode.js';
import { xenDisks, xenInterfaces } from './words.js';

const edits: readonly Edit[] = [
  withCpuCount,
  withMemory,
  withMode,
  inOs((os, { boot }) => withKernelBoot(os, boot)),
  inDevices((devices, { disks }) => withDisks(devices, disks, [], xenDisks)),
  inDevices((devices, { interfaces, uuid }) => withInterfaces(devices, interfaces, uuid, xenInterfaces)),
  inDevices((devices, { serial }) => withConsole(devices, serial)),
  (domain, { seed }) => withSeed(domain, seed, xenDisks),
];

/** @throws DriverError Invalid when the definition cannot be said exactly */
export function editDomain(domain: XmlElement, definition: MachineDefinition, mark: Mark): XmlElement {
  checkDefinition(definition);
  return edited(domain, definition, mark, edits);
}
