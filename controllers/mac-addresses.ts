import type { VirtualMachine, VirtualMachineStatus, VirtualNetworkSpec } from '#crds/types.js';
import { type Change, latest, type ReadonlyStore } from './kubernetes/store.js';
import { heldAddressesOf, macAddressesOf, type Stores } from './stores.js';

interface Known extends Pick<Stores, 'networks'> {
  readonly machines: ReadonlyStore<VirtualMachine, 'macAddress'>;
}

/** An interface with the MAC address that another machine on the same network had first. */
export interface Duplicate {
  readonly interface: string;
  /** As `namespace/name`. */
  readonly heldBy: string;
  readonly because: string;
}

type Claim = NonNullable<VirtualMachineStatus['macAddressClaims']>[number];
type Address = Pick<Claim, 'name' | 'network' | 'macAddress'>;

/** What a manifest asks for by name; what a host chooses is made of the machine's uuid, and no other's. */
export const askedAddresses = ({ spec }: Pick<VirtualMachine, 'spec'>): readonly Address[] =>
  (spec.interfaces ?? []).flatMap(({ name, networkRef, macAddress }) =>
    macAddress === undefined ? [] : [{ name, network: networkRef.name, macAddress }],
  );

/**
 * Of two machines with one MAC address on one network, neither can be relied on to be reached: the second is refused. `host` is where the
 * machine is, or would be.
 */
export function duplicates(machine: VirtualMachine, host: string, stores: Known): readonly Duplicate[] {
  return macAddressesOf(machine).flatMap(({ name, network, macAddress }) => {
    const where: Where = { macAddress, segment: segmentOf(machine, network, host, stores), stores };
    const other = stores.machines
      .byIndex('macAddress', macAddress)
      .find(
        (one) => isFirst(one, machine, host, where) && isOn([...macAddressesOf(one), ...heldAddressesOf(one)], one, hostOf(one), where),
      );
    if (other === undefined) return [];
    const heldBy = `${other.metadata.namespace}/${other.metadata.name}`;
    return [{ interface: name, heldBy, because: refusal({ name, macAddress, heldBy }) }];
  });
}

const refusal = ({ name, macAddress, heldBy }: Pick<Claim, 'name' | 'macAddress' | 'heldBy'>): string =>
  `interface "${name}": machine "${heldBy}" has macAddress ${macAddress} on the same network; give one of them another, or leave it out: one that runs lets go of it when it is restarted`;

/** Of every address that it asks for, whether it has it or who does; and what it asked for before, until it surely is without. */
export function claimsOf(machine: VirtualMachine, host: string, stores: Known): readonly Claim[] {
  const taken = new Map(duplicates(machine, host, stores).map((one) => [one.interface, one.heldBy]));
  const asked = askedAddresses(machine).map((one): Claim => {
    const heldBy = taken.get(one.name);
    return heldBy === undefined ? one : { ...one, heldBy };
  });
  if (isSettled(machine)) return asked;
  const before = (machine.status?.macAddressClaims ?? []).filter((one) => one.heldBy === undefined);
  return [...asked, ...before.filter((one) => !asked.some((other) => isSame(one, other)))].slice(0, mostClaims);
}

/** As the schema has it. */
const mostClaims = 32;

const isSame = (a: Address, b: Address): boolean => a.name === b.name && a.network === b.network && a.macAddress === b.macAddress;

/** What the agent told last is of this spec, and the guest runs with nothing else. */
function isSettled({ metadata, status }: VirtualMachine): boolean {
  const stands = (type: string) => status?.conditions?.find((one) => one.type === type)?.status;
  return status?.observedGeneration === metadata.generation && stands('Ready') === 'True' && (stands('NetworkSynced') ?? 'True') === 'True';
}

/** For the agent: which addresses another machine has, in words. */
export const refusedAddresses = (machine: VirtualMachine): readonly string[] =>
  askedAddresses(machine).flatMap((one) => {
    const claim = claimOn(machine, one);
    return claim?.heldBy === undefined ? [] : [refusal(claim)];
  });

/** For the agent: which addresses the controller has yet to speak of. What the machine was made with it has. */
export const undecidedAddresses = (machine: VirtualMachine): readonly string[] =>
  askedAddresses(machine)
    .filter((one) => claimOn(machine, one) === undefined && !isMadeWith(machine, one))
    .map(({ name, macAddress }) => `the controller to say whether macAddress ${macAddress} of interface "${name}" is free`);

const claimOn = ({ status }: VirtualMachine, address: Address): Claim | undefined =>
  status?.macAddressClaims?.find((one) => isSame(one, address));

/** One that was given it for another network, and moves, has to be given it for this. */
const isMadeWith = ({ status }: VirtualMachine, { name, macAddress }: Address): boolean =>
  status?.interfaces?.some((one) => one.name === name && one.macAddress === macAddress) === true &&
  status.macAddressClaims?.some((one) => one.name === name && one.macAddress === macAddress) !== true;

interface Where {
  readonly macAddress: string;
  readonly segment: string;
  readonly stores: Known;
}

const hostOf = ({ status }: VirtualMachine): string | undefined => status?.hypervisor;

const isOn = (
  addresses: readonly Pick<Address, 'network' | 'macAddress'>[],
  machine: VirtualMachine,
  host: string | undefined,
  { macAddress, segment, stores }: Where,
): boolean => addresses.some((one) => one.macAddress === macAddress && segmentOf(machine, one.network, host, stores) === segment);

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

/** Who has it there was first, then who has a host, then the older one. */
function isFirst(one: VirtualMachine, other: VirtualMachine, host: string, where: Where): boolean {
  if (one.metadata.uid === other.metadata.uid) return false;
  const order = (machine: VirtualMachine, itsHost: string | undefined): string => {
    const { creationTimestamp, namespace, name } = machine.metadata;
    const isHeld = isOn(heldAddressesOf(machine), machine, itsHost, where);
    return [isHeld ? 0 : 1, hostOf(machine) === undefined ? 1 : 0, creationTimestamp, namespace, name].join(' ');
  };
  return order(one, hostOf(one)) < order(other, host);
}

/** The other machines that have, or wait for, a MAC address that this one has or had. */
export function rivalsIn(change: Change<VirtualMachine>, machines: ReadonlyStore<VirtualMachine, 'macAddress'>): readonly VirtualMachine[] {
  const [now, before] = [latest(change), change.kind === 'updated' ? change.previous : undefined];
  const macAddresses = new Set(
    [now, before]
      .flatMap((one) => (one === undefined ? [] : [...macAddressesOf(one), ...heldAddressesOf(one)]))
      .map(({ macAddress }) => macAddress),
  );
  return [...macAddresses]
    .flatMap((macAddress) => machines.byIndex('macAddress', macAddress))
    .filter(({ metadata }) => metadata.uid !== now.metadata.uid);
}
