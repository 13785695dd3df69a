import { createHash } from 'node:crypto';
import type { InterfaceModel, MachineInterface } from '#drivers/driver.js';
import { insertAfterLast, mapChildren, withAttribute, withChild, withoutChildren } from '#drivers/xml/edit.js';
import { attribute, child, element, elements, isElement, type XmlElement } from '#drivers/xml/tree.js';

import { wholeNumber } from './units.js';
import { type InterfaceWords, virtioInterfaces } from './words.js';

/** Aliases are one set for all devices of a machine: interfaces have a prefix that no disk's name begins with. */
export const interfacePrefix = 'net_';
const aliasPrefix = `ua-${interfacePrefix}`;

const nativeModels: Readonly<Partial<Record<InterfaceModel, string>>> = { Virtio: 'virtio', E1000e: 'e1000e', XenNet: 'netfront' };
export const interfaceModels = Object.keys(nativeModels) as readonly InterfaceModel[];

/** An interface is ours by its alias; what carries none was attached by someone else. */
export function interfaceName(each: XmlElement): string | undefined {
  const alias = attribute(child(each, 'alias'), 'name');
  return alias?.startsWith(aliasPrefix) ? alias.slice(aliasPrefix.length) : undefined;
}

/** The interfaces that carry a name, in the host's order. */
export function readInterfaces(devices: XmlElement | undefined): readonly MachineInterface[] {
  return elements(devices, 'interface').flatMap((each) => readInterface(each) ?? []);
}

/** Undefined for an interface without a name, or one that is attached to something else than a network. */
function readInterface(each: XmlElement): MachineInterface | undefined {
  const [name, network] = [interfaceName(each), attribute(child(each, 'source'), 'network')];
  if (name === undefined || network === undefined) return undefined;
  const model = interfaceModels.find((one) => nativeModels[one] === attribute(child(each, 'model'), 'type'));
  const macAddress = attribute(child(each, 'mac'), 'address')?.toLowerCase();
  const mtu = wholeNumber(attribute(child(each, 'mtu'), 'size'));
  return {
    name,
    network,
    ...(model === undefined ? {} : { model }),
    ...(macAddress === undefined ? {} : { macAddress }),
    ...(mtu === undefined ? {} : { mtu }),
    ...(attribute(child(each, 'link'), 'state') === 'down' ? { linkState: 'Down' as const } : {}),
  };
}

/** The devices with just these named interfaces: those that stay keep their address on the bus and their MAC address. */
export function withInterfaces(
  devices: XmlElement,
  wanted: readonly MachineInterface[],
  uuid: string,
  words: InterfaceWords = virtioInterfaces,
): XmlElement {
  const names = new Set(wanted.map(({ name }) => name));
  const kept = withoutChildren(devices, (each) => {
    const name = isElement(each, 'interface') ? interfaceName(each) : undefined;
    return name !== undefined && !names.has(name);
  });
  return wanted.reduce((edited, one) => withInterface(edited, one, uuid, words), kept);
}

function withInterface(devices: XmlElement, wanted: MachineInterface, uuid: string, words: InterfaceWords): XmlElement {
  const found = elements(devices, 'interface').find((each) => interfaceName(each) === wanted.name);
  if (found === undefined) return insertAfterLast(devices, (each) => isElement(each, 'interface'), newInterface(wanted, uuid, words));
  return mapChildren(devices, (node) => (node === found ? editInterface(found, wanted) : node));
}

/**
 * A MAC address that nobody asked for: a machine that is made anew has those that it had. libvirt's own choice is one of 2^24, of which a
 * few thousand machines take one twice; this is one of 2^40. Locally administered, and not one that begins with fe, which libvirt keeps for
 * the host's end.
 */
export function macAddressOf(uuid: string, name: string): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([uuid.toLowerCase(), name]))
    .digest('hex');
  return ['52', ...(hash.slice(0, 10).match(/../g) ?? [])].join(':');
}

function newInterface({ name, network, macAddress, ...asked }: MachineInterface, uuid: string, words: InterfaceWords): XmlElement {
  const { model = words.model, ...wiring } = asked;
  const bare = element(
    'interface',
    { type: 'network' },
    element('mac', { address: macAddress ?? macAddressOf(uuid, name) }),
    element('source', { network }),
    model === undefined ? undefined : element('model', { type: nativeModels[model] }),
    element('alias', { name: aliasPrefix + name }),
  );
  return wired(bare, wiring);
}

/** A cable is plugged in where nothing is said of it; what is absent stays. */
function wired(each: XmlElement, { mtu, linkState }: Pick<MachineInterface, 'mtu' | 'linkState'>): XmlElement {
  const sized = mtu === undefined ? each : withChild(each, element('mtu'), (one) => withAttribute(one, 'size', `${mtu}`));
  const isDown = attribute(child(each, 'link'), 'state') === 'down';
  if (linkState === undefined || isDown === (linkState === 'Down')) return sized;
  return withChild(sized, element('link'), (link) => withAttribute(link, 'state', linkState === 'Down' ? 'down' : 'up'));
}

/** What is absent in `wanted` was left to the host, and stays. */
function editInterface(each: XmlElement, { network, model, macAddress, ...wiring }: MachineInterface): XmlElement {
  const is = readInterface(each);
  const attached = is?.network === network ? each : reattached(each, network);
  const modelled =
    model === undefined || model === is?.model
      ? attached
      : withChild(attached, element('model'), (one) => withAttribute(one, 'type', nativeModels[model]));
  const addressed =
    macAddress === undefined || macAddress === is?.macAddress
      ? modelled
      : withChild(modelled, element('mac'), (one) => withAttribute(one, 'address', macAddress));
  return wired(addressed, wiring);
}

/** What was said of the port on the old network does not hold on the new one. */
function reattached(each: XmlElement, network: string): XmlElement {
  const bare = withoutChildren(each, (one) => ['source', 'virtualport', 'vlan', 'actual'].includes(one.name));
  return insertAfterLast(withAttribute(bare, 'type', 'network'), (one) => one.name === 'mac', element('source', { network }));
}
