import { BlockList, isIP, isIPv6, SocketAddress } from 'node:net';
import { ImageError } from './error.js';
import { quoted } from './text.js';

/**
 * What an address is for, after IANA's special-purpose registries (RFC 6890 and later). `Reserved`: everything that is not
 * assigned to public use, so that what is unknown here is not public.
 */
export type AddressKind =
  | 'Public'
  | 'Unspecified'
  | 'Loopback'
  | 'LinkLocal'
  | 'Private'
  | 'UniqueLocal'
  | 'CarrierGrade'
  | 'Multicast'
  | 'Broadcast'
  | 'Documentation'
  | 'Benchmarking'
  | 'Tunnel'
  | 'Reserved';

/** The first that holds an address names it. */
const registry: readonly (readonly [kind: AddressKind, ...cidrs: string[]])[] = [
  ['Broadcast', '255.255.255.255/32'],
  ['Unspecified', '0.0.0.0/8', '::/128'],
  ['Loopback', '127.0.0.0/8', '::1/128'],
  ['LinkLocal', '169.254.0.0/16', 'fe80::/10'],
  ['Private', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fec0::/10'],
  ['UniqueLocal', 'fc00::/7'],
  ['CarrierGrade', '100.64.0.0/10'],
  ['Multicast', '224.0.0.0/4', 'ff00::/8'],
  ['Documentation', '192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24', '2001:db8::/32', '3fff::/20'],
  ['Benchmarking', '198.18.0.0/15', '2001:2::/48'],
  ['Tunnel', '192.88.99.0/24', '2001::/32'],
  ['Reserved', '192.0.0.0/24', '240.0.0.0/4', '2001::/23', '5f00::/16'],
  ['Public', '0.0.0.0/0', '2000::/3'],
];

const kinds = registry.map(([kind, ...cidrs]) => ({ kind, ranges: rangesOf(cidrs) }));

/** Undefined when it is no IP address. An address that only carries an IPv4 one is what that one is. */
export function classify(address: string): AddressKind | undefined {
  const target = destination(address);
  return target === undefined ? undefined : (kinds.find(({ ranges }) => ranges.check(target))?.kind ?? 'Reserved');
}

/** Public, or in one of the granted CIDRs. An address that carries an IPv4 one is judged by that one alone. */
export function allowed(address: string, grantedCidrs: readonly string[]): boolean {
  const granted = rangesOf(grantedCidrs);
  const target = destination(address);
  if (target === undefined) return false;
  return classify(address) === 'Public' || granted.check(target);
}

/** Where packets to an address really end: IPv4 in mapped, compatible, NAT64 (RFC 6052, 8215) and 6to4 addresses is taken out. */
function destination(address: string): SocketAddress | undefined {
  const family = isIP(address);
  if (family === 0) return undefined;
  if (family === 4) return new SocketAddress({ address, family: 'ipv4' });
  const groups = sixteenBits(address);
  const inner = embedded(groups);
  if (inner !== undefined) return new SocketAddress({ address: inner, family: 'ipv4' });
  return new SocketAddress({ address: groups.map((group) => group.toString(16)).join(':'), family: 'ipv6' });
}

const carriers: readonly (readonly [prefix: readonly number[], groupOfIPv4: number])[] = [
  [[0, 0, 0, 0, 0, 0xffff], 6],
  [[0, 0, 0, 0, 0xffff, 0], 6],
  [[0x64, 0xff9b, 0, 0, 0, 0], 6],
  [[0x64, 0xff9b, 1], 6],
  [[0x2002], 1],
  [[0, 0, 0, 0, 0, 0], 6],
];

function embedded(groups: readonly number[]): string | undefined {
  const carrier = carriers.find(([prefix]) => prefix.every((group, index) => groups[index] === group));
  const [high = 0, low = 0] = carrier === undefined ? [] : groups.slice(carrier[1], carrier[1] + 2);
  const ownMeaning = carrier?.[0].every((group) => group === 0) === true && high === 0 && low <= 1;
  if (carrier === undefined || ownMeaning) return undefined;
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** The eight groups of an IPv6 address; a zone is left off. The URL parser knows every spelling. */
function sixteenBits(address: string): readonly number[] {
  const plain = new URL(`http://[${address.replace(/%.*$/s, '')}]`).hostname.slice(1, -1);
  const [left = '', right] = plain.split('::');
  const [before, after] = [left, right ?? ''].map((side) =>
    side === '' ? [] : side.split(':').map((group) => Number.parseInt(group, 16)),
  );
  const [start = [], end = []] = [before, after];
  return [...start, ...new Array<number>(8 - start.length - end.length).fill(0), ...end];
}

interface Ranges {
  readonly check: (address: SocketAddress) => boolean;
}

/** One list for each family: in a common one, `::/0` would hold every IPv4 address as well. */
function rangesOf(cidrs: readonly string[]): Ranges {
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const cidr of cidrs) addCidr(lists, cidr);
  return { check: (address) => lists[address.family === 'ipv4' ? 'ipv4' : 'ipv6'].check(address) };
}

function addCidr(lists: { readonly ipv4: BlockList; readonly ipv6: BlockList }, cidr: string): void {
  const [, network = '', digits = ''] = /^([^/%]+)\/(\d{1,3})$/.exec(cidr) ?? [];
  const length = Number(digits);
  if (isIP(network) === 0 || length > (isIPv6(network) ? 128 : 32))
    throw new ImageError('InvalidGrant', `granted addresses ${quoted(cidr)} are no CIDR; such as "10.1.0.0/16" or "fd00::/8" are accepted`);
  const family = isIPv6(network) ? 'ipv6' : 'ipv4';
  lists[family].addSubnet(network, length, family);
}
