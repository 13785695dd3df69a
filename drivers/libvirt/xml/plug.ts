import type { Part } from '#drivers/driver.js';
import { withoutChildren } from '#drivers/xml/edit.js';
import { attribute, child, elements, isElement, type XmlElement } from '#drivers/xml/tree.js';
import { diskName } from './disk.js';
import { interfaceName } from './interface.js';

export type DevicePart = Extract<Part, { readonly name: string }>;

/** The device of that name, in a definition or in what runs. */
export function findDevice(domain: XmlElement, { kind, name }: DevicePart): XmlElement | undefined {
  const nameOf = kind === 'disk' ? diskName : interfaceName;
  return elements(child(domain, 'devices'), kind).find((each) => nameOf(each) === name);
}

/**
 * A device of the definition as it can be plugged into what runs: into the slot that it has at the next start, so that a guest finds it in the
 * same place. Where that slot is taken, or its port comes only with the next start, libvirt chooses another.
 */
export function pluggable(device: XmlElement, live: XmlElement): XmlElement {
  const address = child(device, 'address');
  if (address === undefined || (hasPort(address, live) && !isTaken(address, live))) return device;
  return withoutChildren(device, (each) => each === address);
}

function hasPort(address: XmlElement, live: XmlElement): boolean {
  if (attribute(address, 'type') !== 'pci') return true;
  const bus = Number(attribute(address, 'bus'));
  return elements(child(live, 'devices'), 'controller').some(
    (each) => attribute(each, 'type') === 'pci' && Number(attribute(each, 'index')) === bus,
  );
}

/** What tells one slot from another; numbers are written in more than one way. */
const coordinates = ['domain', 'bus', 'slot', 'function', 'controller', 'target', 'unit'];
const placeOf = (address: XmlElement): string =>
  [attribute(address, 'type'), ...coordinates.map((name) => Number(attribute(address, name) ?? 0))].join(' ');

const isTaken = (address: XmlElement, live: XmlElement): boolean =>
  elements(child(live, 'devices')).some((each) =>
    elements(each, 'address').some((other) => isElement(other) && placeOf(other) === placeOf(address)),
  );
