import { isDeepStrictEqual } from 'node:util';
import type { Part } from '#drivers/driver.js';
import { append, withoutChildren } from '#drivers/xml/edit.js';
import { attribute, child, element, elements, isElement, type XmlElement } from '#drivers/xml/tree.js';
import { controllerOf } from './bus.js';
import { diskName, readCdroms, readDisks } from './disk.js';
import { interfaceName, readInterfaces } from './interface.js';

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

/** A device of the definition in the slot that it has in what runs: by that the host finds it. */
export function placedAs(device: XmlElement, running: XmlElement): XmlElement {
  const address = child(running, 'address');
  const bare = withoutChildren(device, (each) => each.name === 'address');
  return address === undefined ? bare : append(bare, address);
}

/** The controller that the device hangs on, when what runs has none of its number: it is plugged in first. */
export function missingController(device: XmlElement, configured: XmlElement, live: XmlElement): XmlElement | undefined {
  const has = controllerOf(device, child(live, 'devices'));
  return has === undefined ? controllerOf(device, child(configured, 'devices')) : undefined;
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

/** As far as we read them: what runs has much beside that no definition speaks of. */
export function sameBesideLimits(live: XmlElement, wanted: XmlElement): boolean {
  const [has, asked] = [live, wanted].map((device) => {
    const devices = element('devices', {}, device);
    const [disk] = readDisks(devices);
    return [disk === undefined ? undefined : { ...disk, limits: undefined }, readCdroms(devices), readInterfaces(devices)];
  });
  return isDeepStrictEqual(has, asked);
}
