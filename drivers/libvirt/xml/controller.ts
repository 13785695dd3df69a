import { attribute, elements, isElement, type XmlElement, type XmlNode } from '#drivers/xml/tree.js';

export const isController = (node: XmlNode, type: 'scsi' | 'nvme'): node is XmlElement =>
  isElement(node, 'controller') && attribute(node, 'type') === type;

export const controllersIn = (devices: XmlElement | undefined, type: 'scsi' | 'nvme'): readonly XmlElement[] =>
  elements(devices).filter((each) => isController(each, type));

/** By which disks name the one that they are on. */
export const indexOf = (controller: XmlElement): number => Number(attribute(controller, 'index') ?? 0);
