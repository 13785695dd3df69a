import type { VirtualMachine, VirtualNetworkSpec } from '#crds/types.js';
import { type Change, latest, type ReadonlyStore } from './kubernetes/store.js';
import { macAddressesOf, type Stores } from './stores.js';

interface Known extends Pick<Stores, 'networks'> {
  readonly machines: ReadonlyStore<VirtualMachine, 'macAddress'>;
}

/** An interface with the MAC address that another machine on the same network had first. */
export interface Duplicate {
  readonly interface: string;
  readonly because: string;
}

/**
 * Of two machines with one MAC address on one network, neither can be relied on to be reached: the second is refused. `host` is where the
 * machine is, or would be.
 */
export function duplicates(machine: VirtualMachine, host: string, stores: Known): readonly Duplicate[] {
  return macAddressesOf(machine).flatMap(({ name, network, macAddress }) => {
    const segment = segmentOf(machine, network, host, stores);
    const other = stores.machines
      .byIndex('macAddress', macAddress)
      .find((one) => isFirst(one, machine, macAddress) && has(one, macAddress, segment, stores));
    if (other === undefined) return [];
    const remedy = 'give one of them another, or leave it out';
    const whose = `machine "${other.metadata.namespace}/${other.metadata.name}"`;
    return [{ interface: name, because: `interface "${name}": ${whose} has macAddress ${macAddress} on the same network; ${remedy}` }];
  });
}

function has(other: VirtualMachine, macAddress: string, segment: string, stores: Known): boolean {
  const where = other.status?.hypervisor;
  return macAddressesOf(other).some((one) => one.macAddress === macAddress && segmentOf(other, one.network, where, stores) === segment);
}

/** Where frames go: a network that a host makes ends there, what the hosts had before may well be one behind them. */
function segmentOf(machine: VirtualMachine, network: string, host: string | undefined, { networks }: Known): string {
  const key = `${machine.metadata.namespace}/${network}`;
  const spec = networks.get(key)?.spec;
  return JSON.stringify((spec && sharedSegment(spec)) ?? [key, host]);
}

function sharedSegment({ existing, forward, vlan }: VirtualNetworkSpec): readonly unknown[] | undefined {
  if (existing !== undefined) return ['existing', existing.name];
  const device = forward?.bridge ?? (forward?.mode === 'Direct' ? forward.device : undefined);
  return device === undefined ? undefined : [forward?.mode, device, vlan];
}

/** Who was made with it was first, then who has a host, then the older one. */
function isFirst(one: VirtualMachine, other: VirtualMachine, macAddress: string): boolean {
  if (one.metadata.uid === other.metadata.uid) return false;
  const [a = '', b = ''] = [one, other].map(({ status, metadata: { creationTimestamp, namespace, name } }) => {
    const isMade = status?.interfaces?.some((each) => each.macAddress === macAddress) === true;
    return [isMade ? 0 : 1, status?.hypervisor === undefined ? 1 : 0, creationTimestamp, namespace, name].join(' ');
  });
  return a < b;
}

/** The other machines that have, or wait for, a MAC address that this one has or had. */
export function rivalsIn(change: Change<VirtualMachine>, machines: ReadonlyStore<VirtualMachine, 'macAddress'>): readonly VirtualMachine[] {
  const [now, before] = [latest(change), change.kind === 'updated' ? change.previous : undefined];
  const macAddresses = new Set(
    [now, before].flatMap((one) => (one === undefined ? [] : macAddressesOf(one))).map(({ macAddress }) => macAddress),
  );
  return [...macAddresses]
    .flatMap((macAddress) => machines.byIndex('macAddress', macAddress))
    .filter(({ metadata }) => metadata.uid !== now.metadata.uid);
}
