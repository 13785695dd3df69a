import { BlockList, isIP } from 'node:net';
import type { Network, NetworkDefinition, NetworkId, NetworkShape } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';

/** A network on a fake host. What strangers made may be of a shape that we have no words for, and then has none. */
export interface FakeNetwork {
  readonly id: NetworkId;
  readonly uuid: string;
  readonly nativeName: string;
  readonly active: boolean;
  readonly bridge: string;
  readonly configured?: NetworkShape;
  readonly live?: NetworkShape;
  /** What a stranger's has. */
  readonly subnets?: readonly string[];
}

export const toNetwork = (network: FakeNetwork, attached: number): Network => {
  const { subnets = [], configured, live } = network;
  return { ...network, subnets: [...new Set([...subnets, ...subnetsOf(configured), ...subnetsOf(live)])], attached };
};

export const subnetsOf = (shape: NetworkShape | undefined): readonly string[] =>
  [shape?.ipv4, shape?.ipv6].flatMap((subnet) => (subnet === undefined ? [] : [`${subnet.address}/${subnet.prefix}`]));

export const shapeOf = ({ uuid: _uuid, nativeName: _nativeName, ...shape }: NetworkDefinition): NetworkShape => structuredClone(shape);

/** Names, static leases and ranges: what a DHCP server takes up while it runs, of a subnet that stays. */
export function updated(live: NetworkShape, asked: NetworkShape): NetworkShape {
  const family = (name: 'ipv4' | 'ipv6') => {
    const [has, wanted] = [live[name], asked[name]];
    if (has === undefined) return {};
    return { [name]: has.address === wanted?.address && has.prefix === wanted.prefix ? wanted : has };
  };
  return structuredClone({ ...live, ...family('ipv4'), ...family('ipv6'), records: asked.records });
}

export function mustBeNetwork({ forward, vlan, ipv4, ipv6 }: NetworkDefinition): void {
  if (vlan !== undefined && !('bridge' in forward))
    throw new DriverError('Invalid', `vlan: ${vlan} given, nothing accepted with ${forward.mode}`);
  for (const [field, family, subnet] of [['ipv4', 4, ipv4] as const, ['ipv6', 6, ipv6] as const]) {
    if (subnet === undefined) continue;
    if ('bridge' in forward || forward.mode === 'Direct')
      throw new DriverError('Invalid', `${field}: given, nothing accepted with ${forward.mode}`);
    if (isIP(subnet.address) !== family) throw new DriverError('Invalid', `${field}.address: ${subnet.address} given`);
    const ips = subnet.hosts.map(({ ip }) => ip);
    if (new Set(ips).size < ips.length) throw new DriverError('Invalid', `${field}.dhcp.hosts: an address twice, each once accepted`);
    const within = new BlockList();
    within.addSubnet(subnet.address, subnet.prefix, field);
    const inside = [...subnet.ranges.flatMap(({ start, end }) => [start, end]), ...subnet.hosts.map(({ ip }) => ip)];
    const outside = inside.find((ip) => isIP(ip) !== family || !within.check(ip, field));
    if (outside !== undefined)
      throw new DriverError('Invalid', `${field}.dhcp: ${outside} given, what is in ${subnet.address}/${subnet.prefix} accepted`);
  }
}
