import type { Firmware } from '#drivers/driver.js';
import { withAttribute, withChild, withoutChildren } from '#drivers/xml/edit.js';
import { attribute, child, element, type XmlElement } from '#drivers/xml/tree.js';

/** Chosen by libvirt, or named by hand as a file of flash. */
export function readFirmware(os: XmlElement | undefined): Firmware {
  return attribute(os, 'firmware') === 'efi' || attribute(child(os, 'loader'), 'type') === 'pflash' ? 'UEFI' : 'BIOS';
}

const ofFirmware: ReadonlySet<string> = new Set(['firmware', 'loader', 'nvram']);

/**
 * The operating system's element with that firmware; what is absent was left to the host, and stays. Which file it is, libvirt chooses.
 * Left to itself it prefers one with secure boot and keys in it, which boots nothing that is not signed: nobody asked for that.
 */
export function withFirmware(os: XmlElement, wanted: Firmware | undefined): XmlElement {
  if (wanted === undefined || wanted === readFirmware(os)) return os;
  const bare = withoutChildren(os, (each) => ofFirmware.has(each.name));
  if (wanted === 'BIOS') return withAttribute(bare, 'firmware', undefined);
  const unsigned = element('feature', { enabled: 'no', name: 'secure-boot' });
  return withChild(withAttribute(bare, 'firmware', 'efi'), element('firmware'), (each) => ({ ...each, children: [unsigned] }));
}
