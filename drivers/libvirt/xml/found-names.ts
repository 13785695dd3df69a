import type { MachineShape } from '#drivers/driver.js';
import { append, mapChildren, withChild, withoutChildren } from '#drivers/xml/edit.js';
import { attribute, child, element, elements, type XmlElement } from '#drivers/xml/tree.js';
import { diskName } from './disk.js';
import { interfaceName, interfacePrefix } from './interface.js';

/**
 * A domain that others made, with names for those of its devices that a definition of ours could say: what the manifest calls them from then
 * on. Disks are called as their targets, which nobody changes by the way; interfaces by their order.
 */
export function withFoundNames(domain: XmlElement, readShape: (named: XmlElement) => MachineShape): XmlElement {
  let nics = 0;
  const named = withDevices(domain, (node) => {
    if (node.name === 'interface') return interfaceName(node) === undefined ? aliased(node, `${interfacePrefix}nic${nics++}`) : node;
    const target = attribute(child(node, 'target'), 'dev');
    return node.name !== 'disk' || target === undefined || diskName(node) !== undefined || !isDrive(node) ? node : aliased(node, target);
  });
  // What this host's machines have no words for, such as an interface on a bridge, is not named, and stays as it is.
  const { disks, cdroms = [], interfaces } = readShape(named);
  const drives = new Set([...disks, ...cdroms].map(({ name }) => name));
  const cards = new Set(interfaces.map(({ name }) => name));
  const devices = elements(child(domain, 'devices'));
  let at = 0;
  return withDevices(named, (node) => {
    const before = devices[at++] ?? node;
    if (node.name === 'disk') return drives.has(diskName(node) ?? '') ? node : before;
    return node.name !== 'interface' || cards.has(interfaceName(node) ?? '') ? node : before;
  });
}

const withDevices = (domain: XmlElement, change: (device: XmlElement) => XmlElement): XmlElement =>
  child(domain, 'devices') === undefined
    ? domain
    : withChild(domain, element('devices'), (devices) => mapChildren(devices, (node) => (node.kind === 'element' ? change(node) : node)));

/** No floppy, and nothing that speaks SCSI to its guest. */
const isDrive = (disk: XmlElement): boolean => ['disk', 'cdrom'].includes(attribute(disk, 'device') ?? 'disk');

/** libvirt's own alias of a device that runs is another's name. */
const aliased = (device: XmlElement, name: string): XmlElement =>
  append(
    withoutChildren(device, (each) => each.name === 'alias'),
    element('alias', { name: `ua-${name}` }),
  );
