import { append, withoutChildren } from '#drivers/xml/edit.js';
import { attribute, child, element, isElement, type XmlElement, type XmlNode } from '#drivers/xml/tree.js';

/** There is one console or one serial port, never both; libvirt of before 10 adds the first to the second, so it is the console. */
const isConsole = (node: XmlNode): boolean =>
  isElement(node, 'console') && attribute(node, 'type') === 'pty' && attribute(child(node, 'target'), 'type') === 'virtio';

export const hasVirtioConsole = (devices: XmlElement | undefined): boolean => devices?.children.some(isConsole) ?? false;

export function withVirtioConsole(devices: XmlElement, wanted: boolean): XmlElement {
  if (hasVirtioConsole(devices) === wanted) return devices;
  if (!wanted) return withoutChildren(devices, isConsole);
  return append(devices, element('console', { type: 'pty' }, element('target', { type: 'virtio', port: '0' })));
}
