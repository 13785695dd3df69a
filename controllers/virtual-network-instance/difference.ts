import type { NameRecord, NativeNetworkShape, NetworkForward, NetworkShape, Subnet } from '#drivers/driver.js';

/** The fields, as manifests call them, in which what a network has differs from what is asked. */
export function networkDifferences(has: NativeNetworkShape, asked: NetworkShape): readonly string[] {
  return [
    ...(sameForward(has.forward, asked.forward) ? [] : ['forward']),
    ...(has.mtu === asked.mtu ? [] : ['mtu']),
    ...(has.vlan === asked.vlan ? [] : ['vlan']),
    ...subnetDifferences('ipv4', has.ipv4, asked.ipv4),
    ...subnetDifferences('ipv6', has.ipv6, asked.ipv6),
    ...(has.domain === asked.domain ? [] : ['dns.domain']),
    ...(sameRecords(has.records, asked.records) ? [] : ['dns.records']),
  ];
}

/** Where nobody says whether the host is on it, too, that is as it is. */
function sameForward(has: NativeNetworkShape['forward'], asked: NetworkForward): boolean {
  const { host, ...other } = 'host' in has ? has : { ...has, host: undefined };
  return same('host' in asked && asked.host !== undefined && host !== undefined ? { ...other, host } : other, asked);
}

function subnetDifferences(family: 'ipv4' | 'ipv6', has: Subnet | undefined, asked: Subnet | undefined): readonly string[] {
  if (has?.address !== asked?.address || has?.prefix !== asked?.prefix) return [`${family}.address`];
  const isSame = sameSet(has?.ranges ?? [], asked?.ranges ?? []) && sameSet(has?.hosts ?? [], asked?.hosts ?? []);
  return isSame ? [] : [`${family}.dhcp`];
}

const sameRecords = (has: readonly NameRecord[], asked: readonly NameRecord[]): boolean => sameSet(has, asked);

/** In any order: a host keeps its own. */
function sameSet(has: readonly object[], asked: readonly object[]): boolean {
  const [one, other] = [has, asked].map((list) => list.map(key).sort());
  return same(one, other);
}

const key = (value: object): string => JSON.stringify(Object.entries(value).sort(([a], [b]) => a.localeCompare(b)));
const same = (one: object | undefined, other: object | undefined): boolean => key(one ?? {}) === key(other ?? {});
