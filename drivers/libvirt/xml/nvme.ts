import { append, mapChildren, withChild, withoutChildren, withText } from '#drivers/xml/edit.js';
import { attribute, child, element, elements, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { controllerAt, controllersIn, indexOf, isController } from './controller.js';

// libvirt 11.5 and newer, https://libvirt.org/formatdomain.html#controllers: what a guest sees as the serial number is the controller's, and
// QEMU starts no controller without one. So every disk has a controller of its own, which says what the disk says.

/** The number of the controller that a disk is on: by its address, else by its target, as nvme1n1 is the first of controller 1. */
function controllerNumber(disk: XmlElement): number | undefined {
  const target = child(disk, 'target');
  if (attribute(target, 'bus') !== 'nvme') return undefined;
  const byName = attribute(target, 'dev')?.match(/^nvme(\d+)n/)?.[1];
  return Number(attribute(child(disk, 'address'), 'controller') ?? byName ?? 0);
}

/** The disks that are on NVMe, by the number of their controller. */
function disksByController(devices: XmlElement): ReadonlyMap<number | undefined, readonly XmlElement[]> {
  const found = new Map<number | undefined, XmlElement[]>();
  for (const disk of elements(devices, 'disk')) {
    const others = found.get(controllerNumber(disk)) ?? [];
    others.push(disk);
    found.set(controllerNumber(disk), others);
  }
  return found;
}

const controllerOn = (devices: XmlElement | undefined, disk: XmlElement): XmlElement | undefined =>
  controllerAt(devices, 'nvme', controllerNumber(disk));

/** The devices with another controller, and the place on it. */
export function withNvmePlace(devices: XmlElement): { readonly devices: XmlElement; readonly place: readonly XmlElement[] } {
  const taken = new Set([...controllersIn(devices, 'nvme').map(indexOf), ...elements(devices, 'disk').map(controllerNumber)]);
  let number = 0;
  while (taken.has(number)) number += 1;
  return {
    devices: append(devices, element('controller', { type: 'nvme', index: `${number}` })),
    place: [element('target', { dev: `nvme${number}n1`, bus: 'nvme' })],
  };
}

/** A disk's own serial number, or its controller's, where libvirt may have moved it. */
export const serialOf = (disk: XmlElement, devices: XmlElement | undefined): string | undefined =>
  textOf(child(disk, 'serial')) ?? textOf(child(controllerOn(devices, disk), 'serial'));

/** The controllers say what their disks say. One with several disks is another hand's, and stays. */
export function withControllerSerials(devices: XmlElement): XmlElement {
  const disks = disksByController(devices);
  return mapChildren(devices, (each) => {
    if (!isController(each, 'nvme')) return each;
    const [disk, other] = disks.get(indexOf(each)) ?? [];
    const serial = textOf(child(disk, 'serial'));
    if (serial === undefined || other !== undefined || serial === textOf(child(each, 'serial'))) return each;
    return withChild(each, element('serial'), (said) => withText(said, serial));
  });
}

/** A controller goes with its last disk. */
export function withoutEmptied(before: XmlElement, after: XmlElement): XmlElement {
  const [had, has] = [before, after].map(disksByController);
  return withoutChildren(
    after,
    (each) => isController(each, 'nvme') && had?.has(indexOf(each)) === true && has?.has(indexOf(each)) !== true,
  );
}
