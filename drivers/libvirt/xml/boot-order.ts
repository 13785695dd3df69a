import type { BootDevice } from '#drivers/driver.js';
import { append, withChild, withoutChildren } from '#drivers/xml/edit.js';
import { attribute, child, element, elements, type XmlElement } from '#drivers/xml/tree.js';
import { diskName } from './disk.js';
import { interfaceName } from './interface.js';

/** The devices that firmware tries, in their order; undefined where it is left to the host, or says nothing of ours. */
export function readBootOrder(domain: XmlElement): readonly BootDevice[] | undefined {
  const ordered = elements(child(domain, 'devices'))
    .flatMap((device) => ({ device: bootDevice(device), order: Number(attribute(child(device, 'boot'), 'order')) }))
    .filter(({ order }) => order > 0)
    .toSorted((one, other) => one.order - other.order)
    .flatMap(({ device }) => device ?? []);
  return ordered.length === 0 ? undefined : ordered;
}

function bootDevice(device: XmlElement): BootDevice | undefined {
  const disk = device.name === 'disk' ? diskName(device) : undefined;
  const card = device.name === 'interface' ? interfaceName(device) : undefined;
  if (disk !== undefined) return { kind: 'disk', name: disk };
  return card === undefined ? undefined : { kind: 'interface', name: card };
}

/** One order holds for all of a machine's devices: what others gave theirs would be in its way. So would the older way, by kinds of devices. */
export function withBootOrder(domain: XmlElement, wanted: readonly BootDevice[] | undefined): XmlElement {
  if (wanted === undefined || JSON.stringify(readBootOrder(domain)) === JSON.stringify(wanted)) return domain;
  const kindless = withChild(domain, element('os'), (os) => withoutChildren(os, (each) => each.name === 'boot'));
  return withChild(kindless, element('devices'), (devices) => ({
    ...devices,
    children: devices.children.map((node) => (node.kind === 'element' ? ordered(node, wanted) : node)),
  }));
}

function ordered(device: XmlElement, wanted: readonly BootDevice[]): XmlElement {
  const is = bootDevice(device);
  const at = wanted.findIndex(({ kind, name }) => kind === is?.kind && name === is.name);
  const bare = withoutChildren(device, (each) => each.name === 'boot');
  return at < 0 ? bare : append(bare, element('boot', { order: `${at + 1}` }));
}
