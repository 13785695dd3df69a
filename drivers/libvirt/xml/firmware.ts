import { dirname } from 'node:path/posix';
import type { Firmware, MachineDefinition } from '#drivers/driver.js';
import { append, withAttribute, withoutChildren } from '#drivers/xml/edit.js';
import { attribute, child, element, elements, textOf, type XmlElement } from '#drivers/xml/tree.js';

/** Chosen by libvirt, or named by hand as a file of flash. */
export function readFirmware(os: XmlElement | undefined): Firmware {
  return attribute(os, 'firmware') === 'efi' || attribute(child(os, 'loader'), 'type') === 'pflash' ? 'UEFI' : 'BIOS';
}

/** Asked of libvirt, or of a file that was named by hand. */
export function hasSecureBoot(os: XmlElement | undefined): boolean {
  const asked = elements(child(os, 'firmware'), 'feature').find((each) => attribute(each, 'name') === 'secure-boot');
  return (attribute(asked, 'enabled') ?? attribute(child(os, 'loader'), 'secure')) === 'yes';
}

const ofFirmware: ReadonlySet<string> = new Set(['firmware', 'loader', 'nvram']);

type Wanted = Pick<MachineDefinition, 'firmware' | 'secureBoot' | 'nativeName'>;

/** The operating system's element with that firmware; what is absent was left to the host, and stays. Which file it is, libvirt chooses. */
export function withFirmware(os: XmlElement, { firmware = readFirmware(os), secureBoot, nativeName }: Wanted): XmlElement {
  const isSecure = hasSecureBoot(os);
  const secure = firmware === 'UEFI' && (secureBoot ?? isSecure);
  if (firmware === readFirmware(os) && secure === isSecure) return os;
  const bare = withoutChildren(os, (each) => ofFirmware.has(each.name));
  if (firmware === 'BIOS') return withAttribute(bare, 'firmware', undefined);
  const chosen = secure ? [signedOnly, secureVariables(os, nativeName)] : [unsigned];
  return append(withAttribute(bare, 'firmware', 'efi'), ...chosen);
}

/** Left to itself libvirt prefers one with secure boot and keys in it, which boots nothing that is not signed: nobody asked for that. */
const unsigned = element('firmware', {}, element('feature', { enabled: 'no', name: 'secure-boot' }));

/** Without keys it would boot everything all the same. */
const signedOnly = element(
  'firmware',
  {},
  element('feature', { enabled: 'yes', name: 'secure-boot' }),
  element('feature', { enabled: 'yes', name: 'enrolled-keys' }),
);

const usualFolder = '/var/lib/libvirt/qemu/nvram';

/**
 * The keys lie among the variables, and libvirt fills a file of them only when it is not there: one that was begun without keys stays without,
 * and nothing would be verified. So this one is never the file that UEFI has without secure boot, not even that of an earlier machine.
 */
function secureVariables(os: XmlElement, nativeName: string): XmlElement {
  const path = textOf(child(os, 'nvram'));
  return element('nvram', {}, `${path?.startsWith('/') ? dirname(path) : usualFolder}/${nativeName}_SB.fd`);
}
