import type { NativeNetworkShape, NetworkDefinition, NetworkForward, Subnet } from '#drivers/driver.js';
import { append, mapChildren, withAttribute, withChild, withoutChildren } from '#drivers/xml/edit.js';
import { attribute, child, element, isElement, type XmlElement } from '#drivers/xml/tree.js';
import {
  type Family,
  isSameForward,
  readForward,
  readHost,
  readMtu,
  readPrefix,
  readRange,
  readRecord,
  readVlan,
  subnetElement,
} from './network.js';
import { forwardElement, hostElement, rangeElement, recordElementsOf } from './network-parts.js';

/** A new network is the same edit of an empty one: there is one path. The host chooses the name of its bridge, and keeps it. */
export const createNetwork = (definition: NetworkDefinition): XmlElement =>
  editNetwork(element('network', {}, element('name', {}, definition.nativeName), element('uuid', {}, definition.uuid)), definition);

/**
 * The network made to say what the definition says, changed only where reading it says something else, so that all that others or the host
 * put there stays. Name and uuid are its identity and are not edited. Unchanged is the same object.
 */
export function editNetwork(network: XmlElement, definition: NetworkDefinition): XmlElement {
  const { forward, mtu, vlan, domain, records, ipv4, ipv6 } = definition;
  const edits: readonly ((edited: XmlElement) => XmlElement)[] = [
    (edited) => withForward(edited, forward, ipv6 !== undefined),
    (edited) => withNumber(edited, readMtu(edited) === mtu, 'mtu', mtu === undefined ? undefined : element('mtu', { size: `${mtu}` })),
    (edited) =>
      withNumber(
        edited,
        readVlan(edited) === vlan,
        'vlan',
        vlan === undefined ? undefined : element('vlan', {}, element('tag', { id: `${vlan}` })),
      ),
    (edited) => withDomain(edited, domain),
    (edited) => withChild(edited, element('dns'), (dns) => unlessEmpty(withListed(dns, 'host', readRecord, recordElementsOf(records)))),
    (edited) => withSubnet(edited, 'ipv4', ipv4),
    (edited) => withSubnet(edited, 'ipv6', ipv6),
  ];
  return edits.reduce((edited, edit) => edit(edited), network);
}

/** The host makes the bridge of some, and has that of others: what it was called before, and its MAC address, are the other's then. */
function withForward(network: XmlElement, wanted: NetworkForward, hasIpv6: boolean): XmlElement {
  const is = readForward(network);
  if (isSameForward(is, wanted)) return hasIpv6 && subnetElement(network, 'ipv6') === undefined ? masked(network, wanted) : network;
  const dropped = whoseBridge(is) === whoseBridge(wanted) ? ['forward', 'virtualport'] : ['forward', 'virtualport', 'bridge', 'mac'];
  const bare = withoutChildren(network, (each) => dropped.some((name) => isElement(each, name)));
  const forward = forwardElement(wanted, hasIpv6);
  const forwarded = forward === undefined ? bare : append(bare, forward);
  if (!('bridge' in wanted)) return forwarded;
  const port = wanted.mode === 'OpenVSwitch' ? [element('virtualport', { type: 'openvswitch' })] : [];
  return append(
    withChild(forwarded, element('bridge'), (bridge) => withAttribute(bridge, 'name', wanted.bridge)),
    ...port,
  );
}

const whoseBridge = (forward: NativeNetworkShape['forward']): 'host' | 'network' | 'nobody' => {
  if (forward.mode === 'Direct' || forward.mode === 'Other') return 'nobody';
  return 'bridge' in forward ? 'host' : 'network';
};

/** IPv6 that comes later is masked as well. */
const masked = (network: XmlElement, { mode }: NetworkForward): XmlElement =>
  mode !== 'NAT'
    ? network
    : withChild(network, element('forward', { mode: 'nat' }), (forward) =>
        withChild(forward, element('nat'), (nat) => (attribute(nat, 'ipv6') === undefined ? withAttribute(nat, 'ipv6', 'yes') : nat)),
      );

function withNumber(network: XmlElement, isSo: boolean, name: string, wanted: XmlElement | undefined): XmlElement {
  if (isSo) return network;
  const bare = withoutChildren(network, (each) => isElement(each, name));
  return wanted === undefined ? bare : append(bare, wanted);
}

const withDomain = (network: XmlElement, name: string | undefined): XmlElement =>
  withChild(network, element('domain', { localOnly: 'yes' }), (domain) =>
    name === undefined ? undefined : withAttribute(domain, 'name', name),
  );

function withSubnet(network: XmlElement, family: Family, wanted: Subnet | undefined): XmlElement {
  const found = subnetElement(network, family);
  if (found === undefined) return wanted === undefined ? network : append(network, editSubnet(element('ip', { family }), wanted));
  return mapChildren(network, (node) => (node === found ? wanted && editSubnet(found, wanted) : node));
}

function editSubnet(ip: XmlElement, { address, prefix, ranges, hosts }: Subnet): XmlElement {
  const isSame = attribute(ip, 'address') === address && readPrefix(ip) === prefix;
  const placed = isSame
    ? ip
    : withAttribute(withAttribute(withAttribute(ip, 'address', address), 'netmask', undefined), 'prefix', `${prefix}`);
  return withChild(placed, element('dhcp'), (dhcp) =>
    unlessEmpty(withListed(withListed(dhcp, 'range', readRange, ranges.map(rangeElement)), 'host', readHost, hosts.map(hostElement))),
  );
}

/** Of the children of this name those that say what is wanted stay as they are, with what else they say. */
function withListed(parent: XmlElement, name: string, read: (each: XmlElement) => unknown, wanted: readonly XmlElement[]): XmlElement {
  const key = (each: XmlElement) => JSON.stringify(read(each));
  const keys = new Set(wanted.map(key));
  const kept = withoutChildren(parent, (each) => isElement(each, name) && !keys.has(key(each)));
  const has = new Set(kept.children.filter((node) => isElement(node, name)).map((each) => key(each as XmlElement)));
  return append(kept, ...wanted.filter((each) => !has.has(key(each))));
}

const unlessEmpty = (parent: XmlElement): XmlElement | undefined =>
  parent.children.some(({ kind }) => kind === 'element') || parent.attributes.length > 0 ? parent : undefined;

export const bridgeOf = (network: XmlElement): string | undefined => attribute(child(network, 'bridge'), 'name');
