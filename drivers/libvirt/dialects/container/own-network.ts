import type { MachineShape } from '#drivers/driver.js';
import { withChild } from '#drivers/xml/edit.js';
import { child, element, elements, type XmlElement } from '#drivers/xml/tree.js';
import { interfaceName } from '../../xml/interface.js';

/**
 * A container that others made may have no network of its own but by its interfaces: without the last of them it would have the host's. Comes
 * before the interfaces are edited.
 */
export function withOwnNetwork(domain: XmlElement, { interfaces }: MachineShape): XmlElement {
  const had = elements(child(domain, 'devices'), 'interface');
  const losesAll = had.length > 0 && interfaces.length === 0 && had.every((each) => interfaceName(each) !== undefined);
  return losesAll ? withChild(domain, element('features'), (features) => withChild(features, element('privnet'), (each) => each)) : domain;
}
