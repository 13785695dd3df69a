import { append, mapChildren, withChild, withoutChildren } from '#drivers/xml/edit.js';
import { attribute, child, element, elements, isElement, type XmlElement, type XmlNode } from '#drivers/xml/tree.js';

/** No disk's name begins so: aliases are one set for all devices of a machine. */
const alias = 'ua-console_xen';

const isConsole = (node: XmlNode): node is XmlElement => isElement(node, 'console');
const isAskedFor = (console: XmlElement): boolean => attribute(child(console, 'alias'), 'name') === alias;

/** Every machine has one, whoever wants it. One that was asked for carries our alias. */
export const hasConsole = (devices: XmlElement | undefined): boolean => elements(devices, 'console').some(isAskedFor);

export function withConsole(devices: XmlElement, wanted: boolean): XmlElement {
  if (hasConsole(devices) === wanted) return devices;
  const first = devices.children.find(isConsole);
  if (!wanted) return mapChildren(devices, (node) => (isConsole(node) && isAskedFor(node) ? withoutChildren(node, isAlias) : node));
  if (first === undefined) return append(devices, newConsole());
  return mapChildren(devices, (node) => (node === first ? withChild(first, element('alias', { name: alias }), (each) => each) : node));
}

const isAlias = (node: XmlNode): boolean => isElement(node, 'alias');

const newConsole = (): XmlElement =>
  element('console', { type: 'pty' }, element('target', { type: 'xen', port: '0' }), element('alias', { name: alias }));
