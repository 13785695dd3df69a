import type { MachineDefinition, Mark } from '#drivers/driver.js';
import { element, type XmlElement } from '#drivers/xml/tree.js';
import { withDisks } from '../../xml/disk.js';
import { type Edit, edited, inDevices, inOs } from '../../xml/edit.js';
import { withGraphics } from '../../xml/graphics.js';
import { withInterfaces } from '../../xml/interface.js';
import { withSeed } from '../../xml/seed.js';
import { withCpuCount, withMemory } from '../../xml/sizes.js';
import type { DiskWords, GraphicsWords } from '../../xml/words.js';
import { keptFirmware } from '../firmware.js';
import { skeleton } from '../skeleton.js';
import { type BhyveOffer, uefiOf } from './capabilities.js';
import { checkBhyve } from './check.js';
import { withNmdm } from './nmdm.js';

const disks: DiskWords = { driver: () => undefined, bus: 'VirtioBlk', cdromBus: 'SATA' };
/** A tablet would need a USB controller of its own. */
const screen: GraphicsWords = { video: element('model', { type: 'gop' }), tablet: false };

const edits: readonly Edit[] = [
  withCpuCount,
  withMemory,
  inOs((os, { firmware }) => keptFirmware(os, firmware)),
  inDevices((devices, { disks: wanted, cdroms }) => withDisks(devices, wanted, cdroms, disks)),
  inDevices((devices, { interfaces, uuid }) => withInterfaces(devices, interfaces, uuid)),
  inDevices((devices, { graphics }) => withGraphics(devices, graphics, screen)),
  inDevices((devices, { serial, uuid }) => withNmdm(devices, serial, uuid)),
  (domain, { seed }) => withSeed(domain, seed, disks),
];

export function editDomain(domain: XmlElement, definition: MachineDefinition, mark: Mark): XmlElement {
  checkBhyve(definition);
  return edited(domain, definition, mark, edits);
}

/** UEFI is the host's best, where it has any. */
export function createDomain(definition: MachineDefinition, mark: Mark, offer: BhyveOffer): XmlElement {
  const uefi = uefiOf(offer);
  const os = uefi === undefined ? [] : [element('loader', { readonly: 'yes', type: 'pflash' }, uefi)];
  const base = { domainType: 'bhyve', architecture: offer.guest.architecture, os, features: ['acpi', 'apic'] };
  return editDomain(skeleton(definition, base), definition, mark);
}
