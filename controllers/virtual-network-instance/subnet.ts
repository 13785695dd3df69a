import { BlockList, isIP, SocketAddress } from 'node:net';

type Family = 'ipv4' | 'ipv6';

export interface Cidr {
  readonly family: Family;
  readonly address: string;
  readonly prefix: number;
}

/** `10.20.0.1/24`, its address as hosts write it. Undefined for what is none. */
export function parseCidr(text: string): Cidr | undefined {
  const [, address = '', digits = ''] = /^([^/%]+)\/(\d{1,3})$/.exec(text) ?? [];
  const version = isIP(address);
  if (version === 0 || Number(digits) > (version === 4 ? 32 : 128)) return undefined;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  return { family, address: canonical(address), prefix: Number(digits) };
}

/** An address as it is read back: dotted decimals, or RFC 5952. What is no address stays as it is. */
export function canonical(address: string): string {
  const version = isIP(address);
  return version === 0 ? address : new SocketAddress({ address, family: version === 4 ? 'ipv4' : 'ipv6' }).address;
}

/** Whether all of `inner` is in `outer`. */
export const contains = (outer: Cidr, inner: Cidr): boolean =>
  outer.family === inner.family && outer.prefix <= inner.prefix && holds(outer, inner.address);

/** Of two that have an address in common, one has all of the other. */
export const overlap = (one: Cidr, other: Cidr): boolean => contains(one, other) || contains(other, one);

function holds({ family, address, prefix }: Cidr, one: string): boolean {
  const list = new BlockList();
  list.addSubnet(address, prefix, family);
  return list.check(one, family);
}

/** RFC 1918, RFC 6598, RFC 4193: nobody's in particular. */
const privateRanges = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7'].flatMap(
  (text) => parseCidr(text) ?? [],
);

/** What a site numbers by itself is seldom more: whoever takes all of 10.0.0.0/8 takes what is behind the host's router as well. */
const most = { ipv4: 16, ipv6: 48 } as const;

export const isPrivate = (subnet: Cidr): boolean =>
  subnet.prefix >= most[subnet.family] && privateRanges.some((range) => contains(range, subnet));
