import type { VirtualNetworkSpec, VirtualNetworkSpecForward } from '#crds/types.js';
import type { NetworkForward, NetworkShape, Subnet } from '#drivers/driver.js';
import { canonical, parseCidr } from './subnet.js';

/** What a manifest asks for, with addresses as hosts write them. */
export function networkShape({ forward, mtu, vlan, ipv4, ipv6, dns }: VirtualNetworkSpec): NetworkShape {
  const subnets = { ipv4: subnetOf(ipv4), ipv6: subnetOf(ipv6) };
  return {
    forward: forwardOf(forward),
    ...(mtu === undefined ? {} : { mtu }),
    ...(vlan === undefined ? {} : { vlan }),
    ...(subnets.ipv4 === undefined ? {} : { ipv4: subnets.ipv4 }),
    ...(subnets.ipv6 === undefined ? {} : { ipv6: subnets.ipv6 }),
    ...(dns?.domain === undefined ? {} : { domain: dns.domain }),
    records: (dns?.records ?? []).map(({ name, ip }) => ({ name, ip: canonical(ip) })),
  };
}

/** The schema sees to it that each mode has what it needs. */
function forwardOf({ mode, bridge = '', device, host }: VirtualNetworkSpecForward = { mode: 'None' }): NetworkForward {
  const attachment = host === undefined ? {} : { host };
  switch (mode) {
    case 'None':
      return { mode, ...attachment };
    case 'Open':
      return { mode };
    case 'Bridge':
    case 'OpenVSwitch':
      return { mode, bridge };
    case 'Direct':
      return { mode, device: device ?? '', ...attachment };
    case 'NAT':
    case 'Route':
      return device === undefined ? { mode } : { mode, device };
  }
}

function subnetOf(given: VirtualNetworkSpec['ipv4'] | VirtualNetworkSpec['ipv6']): Subnet | undefined {
  const subnet = given === undefined ? undefined : parseCidr(given.address);
  if (given === undefined || subnet === undefined) return undefined;
  return {
    address: subnet.address,
    prefix: subnet.prefix,
    ranges: (given.dhcp?.ranges ?? []).map(({ start, end }) => ({ start: canonical(start), end: canonical(end) })),
    hosts: (given.dhcp?.hosts ?? []).map((host) => ({ ...host, ip: canonical(host.ip) })),
  };
}
