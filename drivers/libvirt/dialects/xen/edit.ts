import type { MachineDefinition, Mark } from '#drivers/driver.js';
import type { XmlElement } from '#drivers/xml/tree.js';
import { checkDefinition } from '../../xml/definition.js';
import { withDisks } from '../../xml/disk.js';
import { type Edit, edited, inDevices, inOs } from '../../xml/edit.js';
import { withInterfaces } from '../../xml/interface.js';
import { withKernelBoot } from '../../xml/kernel-boot.js';
import { withSeed } from '../../xml/seed.js';
import { withSerial } from '../../xml/serial.js';
import { withCpuCount, withMemory } from '../../xml/sizes.js';
import { keptFirmware } from '../firmware.js';
import { withConsole } from './console.js';
import { mustBeEmulated } from './drives.js';
import { readMode, withMode } from './mode.js';
import { xenDisks, xenInterfaces } from './words.js';

const always: readonly Edit[] = [
  withCpuCount,
  withMemory,
  withMode,
  inOs((os, { boot }) => withKernelBoot(os, boot)),
  inDevices((devices, { disks, cdroms }) => withDisks(devices, disks, cdroms, xenDisks)),
  inDevices((devices, { interfaces, uuid }) => withInterfaces(devices, interfaces, uuid, xenInterfaces)),
  (domain, { seed }) => withSeed(domain, seed, xenDisks),
];

const paravirtualised: readonly Edit[] = [...always, inDevices((devices, { serial }) => withConsole(devices, serial))];

const ofPc: readonly Edit[] = [
  ...always,
  inOs((os, { firmware }) => keptFirmware(os, firmware)),
  inDevices(mustBeEmulated),
  inDevices((devices, { serial }) => withSerial(devices, serial)),
];

/** @throws DriverError Invalid when the definition cannot be said exactly */
export function editDomain(domain: XmlElement, definition: MachineDefinition, mark: Mark): XmlElement {
  checkDefinition(definition);
  return edited(domain, definition, mark, readMode(domain) === 'HVM' ? ofPc : paravirtualised);
}
