import { append, withoutChildren } from '#drivers/xml/edit.js';
import { attribute, element, isElement, type XmlElement, type XmlNode } from '#drivers/xml/tree.js';

/** FreeBSD's null-modem cables: the guest has end A, whoever opens the console has end B. */
const isNmdm = (node: XmlNode): boolean => (isElement(node, 'serial') || isElement(node, 'console')) && attribute(node, 'type') === 'nmdm';

export const hasNmdm = (devices: XmlElement | undefined): boolean => devices?.children.some(isNmdm) ?? false;

/** Named after the machine, as libvirt itself does where it chooses one: a cable is had by one machine. */
export function withNmdm(devices: XmlElement, wanted: boolean, uuid: string): XmlElement {
  if (hasNmdm(devices) === wanted) return devices;
  if (!wanted) return withoutChildren(devices, isNmdm);
  const end = (letter: 'A' | 'B') => `/dev/nmdm${uuid}${letter}`;
  return append(devices, element('serial', { type: 'nmdm' }, element('source', { master: end('A'), slave: end('B') })));
}
