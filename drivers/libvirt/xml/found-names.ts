import { append, mapChildren, withChild, withoutChildren } from '#drivers/xml/edit.js';
import { attribute, child, element, elements, type XmlElement } from '#drivers/xml/tree.js';
import { isCdrom } from './cdrom.js';
import { diskName, readDisks } from './disk.js';
import { interfaceName, interfacePrefix, readInterfaces } from './interface.js';

/**
 * A domain that others made, with names for those of its devices that a definition of ours could say: what the manifest calls them from then
 * on. Disks are called as their targets, which nobody changes by the way; interfaces by their order.
 */
export function withFoundNames(domain: XmlElement): XmlElement {
  let nics = 0;
  return withChild(domain, element('devices'), (devices) =>
    mapChildren(devices, (node) => {
      if (node.kind !== 'element') return node;
      if (node.name === 'interface') {
        const named = interfaceName(node) === undefined ? aliased(node, `${interfacePrefix}nic${nics++}`) : node;
        return isReadable(named, devices) ? named : node;
      }
      const target = attribute(child(node, 'target'), 'dev');
      if (node.name !== 'disk' || target === undefined || diskName(node) !== undefined || !isDrive(node)) return node;
      const named = aliased(node, target);
      return isReadable(named, devices) ? named : node;
    }),
  );
}

/** No floppy, and nothing that speaks SCSI to its guest. */
const isDrive = (disk: XmlElement): boolean => ['disk', 'cdrom'].includes(attribute(disk, 'device') ?? 'disk');

/** libvirt's own alias of a device that runs is another's name. */
const aliased = (device: XmlElement, name: string): XmlElement =>
  append(
    withoutChildren(device, (each) => each.name === 'alias'),
    element('alias', { name: `ua-${name}` }),
  );

/** What we have no words for, such as an interface on a bridge, is not named, and stays as it is. */
function isReadable(device: XmlElement, devices: XmlElement): boolean {
  const alone = element('devices', {}, ...elements(devices, 'controller'), device);
  if (device.name === 'interface') return readInterfaces(alone).length > 0;
  return isCdrom(device) || readDisks(alone).length > 0;
}
