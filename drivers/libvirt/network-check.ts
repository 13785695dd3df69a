import { BlockList, SocketAddress } from 'node:net';
import type { NetworkDefinition, Subnet } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { checkName } from './xml/definition.js';
import type { Family } from './xml/network.js';

/** libvirt keeps what DHCP needs in files of the network's name, the longest as `<name>.hostsfile`; file names have at most 255 bytes. */
export const maxNetworkNameBytes = 245;

/** What the kernel takes as the name of a device. */
const deviceName = /^[^\s/:.\p{Cc}][^\s/:\p{Cc}]{0,14}$/u;

/** The smallest MTU that IPv4 works with, and IPv6 (RFC 791, RFC 8200), and the largest that the field holds. */
export const mtuBounds = { min: 68, ipv6: 1280, max: 65_535 } as const;
const vlanBounds = { min: 1, max: 4094 } as const;

/**
 * Refuses what libvirt would misread, or complain of in words that do not tell which field is meant.
 * @throws DriverError Invalid, naming the field, what was given, and what would be accepted
 */
export function checkNetwork({ nativeName, forward, mtu, vlan, domain, records, ipv4, ipv6 }: NetworkDefinition): void {
  checkName('nativeName', nativeName, maxNetworkNameBytes);
  const device = 'bridge' in forward ? forward.bridge : 'device' in forward ? forward.device : undefined;
  if (device !== undefined && !deviceName.test(device))
    refuse(`forward.${'bridge' in forward ? 'bridge' : 'device'}`, device, "the name of a device of the host's");
  if ('host' in forward && forward.host !== undefined) refuse('forward.host', forward.host, 'nothing: leave it out');
  checkWithin('mtu', mtu, ipv6 === undefined ? mtuBounds.min : mtuBounds.ipv6, mtuBounds.max);
  checkWithin('vlan', vlan, vlanBounds.min, vlanBounds.max);
  const own = !('bridge' in forward) && forward.mode !== 'Direct';
  const given = Object.entries({ mtu, ipv4, ipv6, domain, records: records[0] }).find(([, value]) => value !== undefined);
  if (!own && given !== undefined) refuse(given[0], 'it', `nothing, as with ${forward.mode} the network is the host's`);
  if (vlan !== undefined && !('bridge' in forward)) refuse('vlan', `${vlan}`, 'one on a bridge of the host (Bridge, OpenVSwitch)');
  checkSubnet('ipv4', ipv4);
  checkSubnet('ipv6', ipv6);
  if (domain !== undefined) checkHostName('dns.domain', domain);
  for (const { name, ip } of records) {
    checkHostName('dns.records', name);
    if (!isCanonical(ip, 'ipv4') && !isCanonical(ip, 'ipv6')) refuse(`dns.records[${name}].ip`, ip, 'an IP address');
  }
}

function checkWithin(field: string, given: number | undefined, min: number, max: number): void {
  if (given !== undefined && (!Number.isInteger(given) || given < min || given > max)) refuse(field, `${given}`, `${min} to ${max}`);
}

function checkSubnet(family: Family, subnet: Subnet | undefined): void {
  if (subnet === undefined) return;
  const { address, prefix, ranges, hosts } = subnet;
  if (!isCanonical(address, family)) refuse(`${family}.address`, address, `an ${family === 'ipv4' ? 'IPv4' : 'IPv6'} address`);
  checkWithin(`${family}.address`, prefix, 1, family === 'ipv4' ? 30 : 126);
  if (family === 'ipv4' && isFirst(address, prefix))
    refuse('ipv4.address', `${address}/${prefix}`, `an address of the host's own in it, as the next one`);
  const within = new BlockList();
  within.addSubnet(address, prefix, family);
  const isInside = (one: string) => isCanonical(one, family) && within.check(one, family);
  for (const { start, end } of ranges)
    if (!isInside(start) || !isInside(end) || !isInOrder(start, end, family))
      refuse(`${family}.dhcp.ranges`, `${start} to ${end}`, `a range within ${address}/${prefix}`);
  for (const what of ['ip', 'name'] as const)
    refuseTwice(
      `${family}.dhcp.hosts`,
      hosts.flatMap((host) => host[what] ?? []),
    );
  for (const { ip, name, macAddress, duid } of hosts) {
    if (!isInside(ip)) refuse(`${family}.dhcp.hosts[${macAddress ?? duid}].ip`, ip, `an address within ${address}/${prefix}`);
    if (name !== undefined) checkHostName(`${family}.dhcp.hosts[${macAddress ?? duid}].name`, name);
    if (family === 'ipv4' ? macAddress === undefined || duid !== undefined : duid === undefined || macAddress !== undefined)
      refuse(`${family}.dhcp.hosts`, `${macAddress ?? duid}`, family === 'ipv4' ? 'a macAddress' : 'a duid');
    if (macAddress !== undefined && !/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(macAddress))
      refuse(`${family}.dhcp.hosts.macAddress`, macAddress, 'as 52:54:00:12:34:56, in lower case');
    if (duid !== undefined && !/^[0-9a-f]{1,2}(:[0-9a-f]{1,2}){2,129}$/.test(duid))
      refuse(`${family}.dhcp.hosts.duid`, duid, 'as 0:3:0:1:52:54:0:12:34:56, in lower case');
  }
}

/** Its DHCP server would not start. */
function refuseTwice(field: string, values: readonly string[]): void {
  const twice = values.find((value, at) => values.indexOf(value) !== at);
  if (twice !== undefined) refuse(field, `${twice} twice`, 'each once');
}

/** The first address of an IPv4 subnet is the subnet's own. */
function isFirst(address: string, prefix: number): boolean {
  const number = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  return number % 2 ** (32 - prefix) === 0;
}

function isInOrder(start: string, end: string, family: Family): boolean {
  try {
    new BlockList().addRange(start, end, family);
    return true;
  } catch {
    return false;
  }
}

/** Written as it will be read back. */
function isCanonical(address: string, family: Family): boolean {
  try {
    return new SocketAddress({ address, family }).address === address;
  } catch {
    return false;
  }
}

function checkHostName(field: string, name: string): void {
  if (name.length > 253 || !/^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/i.test(name))
    refuse(field, JSON.stringify(name), 'a DNS name');
}

function refuse(field: string, given: string, accepted: string): never {
  throw new DriverError('Invalid', `${field}: ${given} was given; accepted: ${accepted}`);
}
