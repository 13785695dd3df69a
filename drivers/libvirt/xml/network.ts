import type { AddressRange, NameRecord, NativeNetworkShape, NetworkForward, StaticHost, Subnet } from '#drivers/driver.js';
import { meaningOf } from '#drivers/words.js';
import { attribute, child, elements, textOf, type XmlElement } from '#drivers/xml/tree.js';

export type Family = 'ipv4' | 'ipv6';

/** What a network's XML says, in the API's words. */
export function readNetwork(network: XmlElement): NativeNetworkShape {
  const [ipv4, ipv6] = [readSubnet(subnetElement(network, 'ipv4')), readSubnet(subnetElement(network, 'ipv6'))];
  const [mtu, vlan, domain] = [readMtu(network), readVlan(network), attribute(child(network, 'domain'), 'name')];
  return {
    forward: readForward(network),
    ...(mtu === undefined ? {} : { mtu }),
    ...(vlan === undefined ? {} : { vlan }),
    ...(ipv4 === undefined ? {} : { ipv4 }),
    ...(ipv6 === undefined ? {} : { ipv6 }),
    ...(domain === undefined ? {} : { domain }),
    records: readRecords(network),
  };
}

/** libvirt's words for the modes in which it makes the bridge itself. */
const virtualModes: Readonly<Record<string, 'None' | 'NAT' | 'Route' | 'Open'>> = {
  none: 'None',
  nat: 'NAT',
  route: 'Route',
  open: 'Open',
};

export function readForward(network: XmlElement): NativeNetworkShape['forward'] {
  const forward = child(network, 'forward');
  const native = forward === undefined ? 'none' : (attribute(forward, 'mode') ?? 'nat');
  const device = attribute(forward, 'dev') ?? attribute(child(forward, 'interface'), 'dev');
  const mode = meaningOf(virtualModes, native);
  if (mode === 'None' || mode === 'Open') return { mode };
  if (mode !== undefined) return device === undefined ? { mode } : { mode, device };
  const bridge = attribute(child(network, 'bridge'), 'name');
  if (native === 'bridge' && bridge !== undefined) return { mode: isOpenVSwitch(network) ? 'OpenVSwitch' : 'Bridge', bridge };
  return native === 'bridge' && device !== undefined ? { mode: 'Direct', device } : { mode: 'Other' };
}

const isOpenVSwitch = (network: XmlElement): boolean => attribute(child(network, 'virtualport'), 'type') === 'openvswitch';

export const isSameForward = (one: NativeNetworkShape['forward'], other: NetworkForward): boolean =>
  one.mode === other.mode && deviceOf(one) === deviceOf(other);

const deviceOf = (forward: NativeNetworkShape['forward']): string | undefined =>
  'bridge' in forward ? forward.bridge : 'device' in forward ? forward.device : undefined;

export function readMtu(network: XmlElement): number | undefined {
  const size = attribute(child(network, 'mtu'), 'size');
  return size === undefined ? undefined : Number(size);
}

/** One tag; a trunk of several is nothing that we have words for. */
export function readVlan(network: XmlElement): number | undefined {
  const tags = elements(child(network, 'vlan'), 'tag');
  const id = tags.length === 1 ? attribute(tags[0], 'id') : undefined;
  return id === undefined ? undefined : Number(id);
}

const familyOf = (ip: XmlElement): Family => {
  const family = attribute(ip, 'family');
  return family === 'ipv6' || (family === undefined && attribute(ip, 'address')?.includes(':') === true) ? 'ipv6' : 'ipv4';
};

/** A network may have more of them, which others gave it; ours is the first. */
export const subnetElement = (network: XmlElement, family: Family): XmlElement | undefined =>
  elements(network, 'ip').find((ip) => familyOf(ip) === family);

function readSubnet(ip: XmlElement | undefined): Subnet | undefined {
  const address = attribute(ip, 'address');
  if (ip === undefined || address === undefined) return undefined;
  return { address, prefix: readPrefix(ip), ranges: rangeElements(ip).map(readRange), hosts: hostElements(ip).map(readHost) };
}

/** Without either, libvirt takes what the address's class once meant, or /64. */
export function readPrefix(ip: XmlElement): number {
  const [prefix, netmask] = [attribute(ip, 'prefix'), attribute(ip, 'netmask')];
  if (prefix !== undefined) return Number(prefix);
  if (netmask !== undefined)
    return netmask.split('.').reduce((bits, part) => bits + [...Number(part).toString(2)].filter((bit) => bit === '1').length, 0);
  const first = Number(attribute(ip, 'address')?.split('.')[0]);
  if (familyOf(ip) === 'ipv6') return 64;
  return first < 128 ? 8 : first < 192 ? 16 : 24;
}

export const rangeElements = (ip: XmlElement | undefined): readonly XmlElement[] => elements(child(ip, 'dhcp'), 'range');
export const hostElements = (ip: XmlElement | undefined): readonly XmlElement[] => elements(child(ip, 'dhcp'), 'host');

export const readRange = (range: XmlElement): AddressRange => ({
  start: attribute(range, 'start') ?? '',
  end: attribute(range, 'end') ?? '',
});

export function readHost(host: XmlElement): StaticHost {
  const [macAddress, duid, name] = [attribute(host, 'mac')?.toLowerCase(), attribute(host, 'id'), attribute(host, 'name')];
  return {
    ...(macAddress === undefined ? {} : { macAddress }),
    ...(duid === undefined ? {} : { duid }),
    ip: attribute(host, 'ip') ?? '',
    ...(name === undefined ? {} : { name }),
  };
}

export const recordElements = (network: XmlElement): readonly XmlElement[] => elements(child(network, 'dns'), 'host');

export const readRecord = (host: XmlElement): readonly NameRecord[] =>
  elements(host, 'hostname').map((hostname) => ({ name: textOf(hostname) ?? '', ip: attribute(host, 'ip') ?? '' }));

const readRecords = (network: XmlElement): readonly NameRecord[] => recordElements(network).flatMap(readRecord);

/** All that the network has, as `10.20.0.1/24`; what it only has a route to is in use as well. */
export const readSubnets = (network: XmlElement): readonly string[] =>
  ['ip', 'route']
    .flatMap((name) => elements(network, name))
    .flatMap((each) => {
      const address = attribute(each, 'address');
      return address === undefined ? [] : [`${address}/${readPrefix(each)}`];
    });
