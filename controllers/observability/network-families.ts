import type { VirtualNetwork, VirtualNetworkInstance } from '#crds/types.js';
import type { Machine, Network } from '#drivers/driver.js';
import type { GuestKnown } from '../host/guests-view.js';
import type { ReadonlyStore } from '../kubernetes/store.js';
import type { Families, Sample } from './families.js';

/** What is known of a host's networks without asking it. */
export interface NetworkSight {
  readonly networks: readonly Network[];
  readonly machines: readonly Machine[];
  guest(id: Machine['id']): GuestKnown | undefined;
}

export interface NetworkStores {
  readonly networks: ReadonlyStore<VirtualNetwork>;
  readonly networkInstances: ReadonlyStore<VirtualNetworkInstance>;
}

/** A host with its objects; nothing is told of one that is not reached. */
export interface MeasuredNetworks {
  readonly host: { readonly name: string; readonly connected: { readonly view: NetworkSight } | undefined };
  readonly stores: NetworkStores;
}

type Label = 'namespace' | 'network' | 'hypervisor';

interface Seen {
  readonly labels: Readonly<Record<Label, string>>;
  readonly network: Network;
  readonly view: NetworkSight;
  readonly declared: VirtualNetwork | undefined;
}

/** Of networks that objects of ours name. What DHCP gave is known of our machines, from when their guests were last looked at. */
export function networkFamilies<T extends MeasuredNetworks>(families: Families<T>): void {
  const gauge = (name: string, help: string, value: (seen: Seen) => number | undefined) =>
    families.gauge(`network_${name}`, help, ['namespace', 'network', 'hypervisor'], (one) =>
      seenOn(one).map((seen): Sample<Label> => [seen.labels, value(seen)]),
    );
  gauge('active', 'Whether a network runs on a host: 1 or 0.', ({ network }) => (network.active ? 1 : 0));
  gauge('attached_interfaces', 'Interfaces of machines that are attached to a network, whosesoever.', ({ network }) => network.attached);
  gauge('dhcp_leases', 'IPv4 addresses that the DHCP of a network has given to machines of ours that are on.', leases);
  gauge('dhcp_addresses', 'IPv4 addresses that the DHCP of a network has to give.', ({ declared }) => supply(declared));
}

function seenOn({ host, stores }: MeasuredNetworks): readonly Seen[] {
  const view = host.connected?.view;
  if (view === undefined) return [];
  return stores.networkInstances.list().flatMap(({ metadata: { namespace }, spec, status }) => {
    const { name } = spec.networkRef;
    const network = view.networks.find((one) => isMeant(one, status));
    if (network === undefined) return [];
    return [
      { labels: { namespace, network: name, hypervisor: host.name }, network, view, declared: stores.networks.get(`${namespace}/${name}`) },
    ];
  });
}

/** By its uuid where it has one: a stranger's may be called as ours would be. */
const isMeant = ({ uuid, nativeName }: Network, status: VirtualNetworkInstance['status']): boolean =>
  status?.uuid === undefined || uuid === undefined ? nativeName === status?.nativeName : uuid === status.uuid;

/** Undefined where nothing is given. */
function leases({ network, view, declared }: Seen): number | undefined {
  if (supply(declared) === undefined) return undefined;
  const given = view.machines.flatMap(({ id, live }) => {
    const attached = new Set(live?.interfaces.filter((one) => one.network === network.nativeName).map(({ macAddress }) => macAddress));
    const addresses = view.guest(id)?.sight.addresses ?? [];
    return addresses.filter(({ source, macAddress, ip }) => source === 'Lease' && !ip.includes(':') && attached.has(macAddress));
  });
  return new Set(given.map(({ ip }) => ip)).size;
}

/** Those of the ranges, and those that single machines always get; undefined where there is no DHCP. */
function supply(declared: VirtualNetwork | undefined): number | undefined {
  const dhcp = declared?.spec.ipv4?.dhcp;
  if (dhcp === undefined) return undefined;
  const ranges = (dhcp.ranges ?? []).map(({ start, end }) => [numberOf(start), numberOf(end)] as const);
  const isApart = ({ ip }: { readonly ip: string }) => !ranges.some(([start, end]) => numberOf(ip) >= start && numberOf(ip) <= end);
  return ranges.reduce((sum, [start, end]) => sum + end - start + 1, 0) + (dhcp.hosts ?? []).filter(isApart).length;
}

const numberOf = (ip: string): number => ip.split('.').reduce((number, part) => number * 256 + Number(part), 0);
