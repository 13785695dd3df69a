import { append, insertAfterLast, mapChildren, withoutChildren } from '#drivers/xml/edit.js';
import { attribute, child, element, elements, isElement, type XmlElement, type XmlNode } from '#drivers/xml/tree.js';

/** What our name for it is: a container without a terminal does not start, so that every one has one, and only those that asked know of it. */
const alias = 'ua-console';

const isTerminal = (each: XmlNode): each is XmlElement =>
  isElement(each, 'console') && attribute(each, 'type') === 'pty' && (attribute(child(each, 'target'), 'type') ?? 'lxc') === 'lxc';

const isNamed = (terminal: XmlElement): boolean => attribute(child(terminal, 'alias'), 'name') === alias;

export const hasConsole = (devices: XmlElement | undefined): boolean => elements(devices, 'console').filter(isTerminal).some(isNamed);

/** What a machine has as its serial port is a container's terminal. */
export function withConsole(devices: XmlElement, wanted: boolean): XmlElement {
  const first = devices.children.find(isTerminal);
  if (first === undefined) return append(devices, named(newTerminal, wanted));
  if (hasConsole(devices) === wanted) return devices;
  return mapChildren(devices, (each) =>
    isTerminal(each) && (each === first || isNamed(each)) ? named(each, wanted && each === first) : each,
  );
}

const newTerminal = element('console', { type: 'pty' }, element('target', { type: 'lxc', port: '0' }));

function named(terminal: XmlElement, wanted: boolean): XmlElement {
  const bare = withoutChildren(terminal, (each) => each.name === 'alias');
  return wanted ? insertAfterLast(bare, (each) => each.name === 'target', element('alias', { name: alias })) : bare;
}
