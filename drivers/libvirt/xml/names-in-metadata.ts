import { append, mapChildren, withChild, withoutChildren } from '#drivers/xml/edit.js';
import { attribute, child, childNS, element, elementNS, elements, isElement, type XmlElement, type XmlNode } from '#drivers/xml/tree.js';
import type { Names } from './names.js';

/** A namespace of its own: libvirt keeps one element of each, and the owner mark has another. */
export const namesNamespace = 'https://virtwright.io/xmlns/libvirt/devices/1';
export const namesPrefix = 'virtwright-devices';
const listName = `${namesPrefix}:devices`;

/** What libvirt would keep, were it one that keeps aliases. */
const isAlias = (node: XmlNode): node is XmlElement =>
  node.kind === 'element' && node.name === 'alias' && (attribute(node, 'name')?.startsWith('ua-') ?? false);

/**
 * By what else a device is known, as one text: the guest's end of it, which two devices of a kind cannot share and nobody changes by the way.
 * Undefined for what carries no name.
 */
function keyOf(device: XmlElement): string | undefined {
  const target = child(device, 'target');
  switch (device.name) {
    case 'disk':
      return keyed('disk', attribute(target, 'dev'));
    case 'interface':
      return keyed('interface', attribute(child(device, 'mac'), 'address')?.toLowerCase());
    case 'filesystem':
      return keyed('filesystem', attribute(target, 'dir'));
    case 'console':
      return keyed('console', attribute(target, 'port') ?? '0');
    case 'video':
    case 'input':
      return keyed(device.name, attribute(device, 'type') ?? attribute(child(device, 'model'), 'type'));
    default:
      return undefined;
  }
}

const keyed = (kind: string, key: string | undefined): string | undefined => (key === undefined ? undefined : `${kind} ${key}`);

/** For drivers of libvirt's that drop aliases: an element of ours in `<metadata>`, which all of them keep that keep definitions. */
export const namesInMetadata: Names = { read, write };

/** An alias that the host keeps after all stays as it is. */
function read(native: XmlElement): XmlElement {
  const named = namesIn(native);
  if (named.size === 0) return native;
  return withChild(native, element('devices'), (devices) =>
    mapChildren(devices, (node) => {
      if (node.kind !== 'element' || node.children.some(isAlias)) return node;
      const alias = named.get(keyOf(node) ?? '');
      return alias === undefined
        ? node
        : append(
            withoutChildren(node, (each) => each.name === 'alias'),
            element('alias', { name: alias }),
          );
    }),
  );
}

function namesIn(domain: XmlElement): ReadonlyMap<string, string> {
  const list = childNS(child(domain, 'metadata'), namesNamespace, 'devices');
  return new Map(
    elements(list, 'device', namesNamespace).flatMap((each) => {
      const [key, alias] = [attribute(each, 'key'), attribute(each, 'alias')];
      return key === undefined || alias === undefined ? [] : [[key, alias] as const];
    }),
  );
}

function namedDevice(device: XmlElement): readonly { readonly key: string; readonly alias: string }[] {
  const [key, alias] = [keyOf(device), attribute(device.children.find(isAlias), 'name')];
  return key === undefined || alias === undefined ? [] : [{ key, alias }];
}

/** The aliases stay beside: a newer host may keep them. So does what else was noted of a machine that was adopted. */
function write(domain: XmlElement): XmlElement {
  const named = elements(child(domain, 'devices')).flatMap(namedDevice);
  const list = elementNS(
    namesNamespace,
    listName,
    {},
    ...named.map((each) => elementNS(namesNamespace, `${namesPrefix}:device`, { key: each.key, alias: each.alias })),
  );
  return withChild(domain, element('metadata'), (metadata) =>
    withChild(metadata, list, (noted) => (named.length === 0 ? emptied(noted) : { ...noted, children: list.children })),
  );
}

/**
 * For drivers of libvirt's that keep the aliases which begin so. A machine that was adopted has its names in its metadata, as what runs takes no
 * aliases; its next definition has them as the others have.
 */
export const namesInAliases: Names = {
  read,
  write: (domain) =>
    withChild(domain, element('metadata'), (metadata) => mapChildren(metadata, (each) => (isList(each) ? emptied(each) : each))),
};

const isList = (node: XmlNode): node is XmlElement => isElement(node, 'devices', namesNamespace);

/** What else was noted of a machine that was adopted stays. */
const emptied = (list: XmlElement): XmlElement | undefined => {
  const noted = list.attributes.filter(({ name }) => !name.startsWith('xmlns'));
  return noted.length === 0 ? undefined : { ...list, children: [] };
};

/** What DOMAIN_SET_METADATA takes, which adds prefix and namespace itself: the names of these devices. */
export const namesElement = (devices: readonly XmlElement[]): XmlElement =>
  element('devices', {}, ...devices.flatMap(namedDevice).map(({ key, alias }) => element('device', { key, alias })));
