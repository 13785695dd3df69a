import type { Hypervisor, VirtualNetworkSpec } from '#crds/types.js';
import { granted } from '../grants.js';
import type { ReadonlyStore } from '../kubernetes/store.js';
import type { Namespace } from '../namespaces.js';
import { contains, isPrivate, parseCidr } from './subnet.js';

/** Something of the host that a network names, and its namespace may not use. */
export interface Ungranted {
  /** As in the manifest. */
  readonly what: string;
  readonly remedy: string;
}

/** What is asked at every pass, for the network and for each machine on it: a grant that is taken away is not used again. */
export function ungranted(
  { existing, forward, ipv4, ipv6 }: VirtualNetworkSpec,
  namespace: string,
  hypervisor: Hypervisor | undefined,
  namespaces: ReadonlyStore<Namespace>,
): readonly Ungranted[] {
  const grants = (field: 'networks' | 'bridges' | 'devices' | 'subnets') => granted(field, hypervisor, namespace, namespaces);
  const named = [
    { field: 'networks', kind: 'network', name: existing?.name },
    { field: 'bridges', kind: 'bridge', name: forward?.bridge },
    { field: 'devices', kind: 'device', name: forward?.device },
  ] as const;
  return [
    ...named.flatMap(({ field, kind, name }) =>
      name === undefined || grants(field).includes(name) ? [] : [{ what: `${kind} ${name}`, remedy: `name it in spec.grants[].${field}` }],
    ),
    ...[ipv4, ipv6].flatMap((subnet) => {
      if (subnet === undefined || mayHave(subnet.address, grants('subnets'))) return [];
      return [
        {
          what: `subnet ${subnet.address}`,
          remedy: 'choose a private one of /16 (IPv6: /48) or less, or name it in spec.grants[].subnets',
        },
      ];
    }),
  ];
}

/** Another's addresses would draw what the host sends there into the network. */
function mayHave(address: string, granted: readonly string[]): boolean {
  const subnet = parseCidr(address);
  if (subnet === undefined) return false;
  return isPrivate(subnet) || granted.flatMap((text) => parseCidr(text) ?? []).some((range) => contains(range, subnet));
}
