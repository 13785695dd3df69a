import { attribute, elements, isElement, type XmlElement, type XmlNode } from '#drivers/xml/tree.js';

export const isController = (node: XmlNode, type: 'scsi' | 'nvme'): node is XmlElement =>
  isElement(node, 'controller') && attribute(node, 'type') === type;

export const controllersIn = (devices: XmlElement | undefined, type: 'scsi' | 'nvme'): readonly XmlElement[] =>
  elements(devices).filter((each) => isController(each, type));

/** By which disks name the one that they are on. */
export const indexOf = (controller: XmlElement): number => Number(attribute(controller, 'index') ?? 0);

/** By type and number, of each `devices` that was looked into. */
const known = new WeakMap<XmlElement, ReadonlyMap<string, XmlElement>>();

/**
 * The controller of that number. All are found in one look, which every disk asks again: if each looked for itself, a machine that a hostile
 * host says has tens of thousands of disks would take minutes. A tree never changes.
 */
export function controllerAt(devices: XmlElement | undefined, type: 'scsi' | 'nvme', index: number | undefined): XmlElement | undefined {
  if (devices === undefined) return undefined;
  const all = known.get(devices) ?? controllersOf(devices);
  known.set(devices, all);
  return all.get(`${type} ${index}`);
}

/** Of two that have one number, which no host has, the first. */
const controllersOf = (devices: XmlElement): ReadonlyMap<string, XmlElement> =>
  new Map(
    elements(devices, 'controller')
      .toReversed()
      .map((each) => [`${attribute(each, 'type')} ${indexOf(each)}`, each]),
  );
