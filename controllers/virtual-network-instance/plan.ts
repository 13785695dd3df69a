import type { Capability, Network, NetworkDefinition, NetworkId, NetworkShape } from '#drivers/driver.js';
import { type Asked, describeUnfit, unfit } from '../fit.js';
import { act, type Plan, refuse, wait } from '../plan.js';
import { networkDifferences } from './difference.js';
import type { Ungranted } from './permission.js';
import { overlap, parseCidr } from './subnet.js';

/** A network is made by us and known by its uuid, or was there before: then it goes by its native name, and is only looked at. */
export type Source =
  | { readonly kind: 'own'; readonly definition: NetworkDefinition }
  | { readonly kind: 'existing'; readonly nativeName: string };

export interface DesiredNetwork {
  readonly want: 'present' | 'absent';
  readonly host: string;
  readonly namespace: string;
  readonly source: Source;
  /** What of the host it names without a grant. */
  readonly ungranted: readonly Ungranted[];
  /** Machines that are to be attached to it. */
  readonly machines: readonly string[];
  readonly takeOver: boolean;
  readonly capabilities: readonly Capability[];
}

export interface ObservedNetwork {
  readonly network?: Network;
  /** Has our name, and another uuid. */
  readonly stranger?: Network;
  /** The others of the host. */
  readonly others: readonly Network[];
  /** Machines on the host, ours or not, running or not, that are defined on it; also those that got it as the host's default. */
  readonly holders?: readonly string[];
}

export type NetworkAction =
  | { readonly kind: 'define'; readonly network?: NetworkId; readonly definition: NetworkDefinition }
  | { readonly kind: 'update'; readonly network: NetworkId; readonly shape: NetworkShape }
  | { readonly kind: 'start' | 'stop' | 'undefine'; readonly network: NetworkId };

/** What a definition says and the running network does not: it is usable, and changes when no machine is attached. */
export const staged = 'Staged';

const recheckMs = 30_000;

export function planNetwork(desired: DesiredNetwork, observed: ObservedNetwork): Plan<NetworkAction> {
  const { want, source } = desired;
  if (want === 'absent') return planRemoval(desired, observed);
  const obstacles = [...planFit(desired), ...planGrants(desired)];
  if (obstacles.length > 0) return obstacles;
  return source.kind === 'existing' ? planExisting(source.nativeName, desired, observed) : planOwn(source.definition, desired, observed);
}

/** What a network asks of its host. */
export function askedOfNetwork(
  source: { readonly kind: 'existing' } | { readonly kind: 'own'; readonly definition: NetworkShape },
): readonly Asked[] {
  if (source.kind === 'existing') return [{ field: 'networks.existing', path: 'spec.existing' }];
  const { forward, mtu, vlan, ipv4, ipv6, domain, records } = source.definition;
  return [
    { field: 'networks.forward', path: 'spec.forward.mode', given: forward.mode },
    ...('host' in forward && forward.host !== undefined
      ? [{ field: 'networks.host', path: 'spec.forward.host', given: forward.host }]
      : []),
    ...(mtu === undefined ? [] : [{ field: 'networks.mtu', path: 'spec.mtu', given: mtu }]),
    ...(vlan === undefined ? [] : [{ field: 'networks.vlan', path: 'spec.vlan with forward.mode', given: forward.mode }]),
    ...(ipv4 === undefined ? [] : [{ field: 'networks.ipv4', path: 'spec.ipv4' }]),
    ...(ipv6 === undefined ? [] : [{ field: 'networks.ipv6', path: 'spec.ipv6' }]),
    ...(domain === undefined && records.length === 0 ? [] : [{ field: 'networks.dns', path: 'spec.dns' }]),
  ];
}

const planFit = ({ source, capabilities, host }: DesiredNetwork): Plan<never> =>
  unfit(askedOfNetwork(source), capabilities).map((misfit) => refuse('Unfit', describeUnfit(misfit, host)));

const planGrants = ({ ungranted, namespace, host }: DesiredNetwork): Plan<never> =>
  ungranted.map(({ what, remedy }) =>
    refuse('NotGranted', `namespace "${namespace}" may not use ${what} of ${host}; ${remedy} of Hypervisor "${host}"`),
  );

/** Never started by us: it is off because somebody wants it so, or because it is broken. The host's other networks are none of this namespace's business. */
function planExisting(nativeName: string, { host }: DesiredNetwork, { network }: ObservedNetwork): Plan<never> {
  if (network === undefined) return [refuse('NotFound', `${host} has no network called ${nativeName}; make it there`)];
  return network.active ? [] : [refuse('Inactive', `network ${nativeName} on ${host} is not active; start it there`)];
}

function planOwn(definition: NetworkDefinition, desired: DesiredNetwork, observed: ObservedNetwork): Plan<NetworkAction> {
  const { network, stranger } = observed;
  if (network === undefined && stranger !== undefined) return planStranger(stranger, desired);
  const changed = network?.configured === undefined ? [] : networkDifferences(network.configured, definition);
  const isDefined = network?.configured !== undefined && changed.length === 0;
  const collisions = planSubnets(definition, desired, observed);
  if (!isDefined) {
    if (collisions.length > 0) return collisions;
    const known = network === undefined ? {} : { network: network.id };
    const because = changed.length === 0 ? 'no such network' : `the definition differs in ${inSpec(changed)}`;
    return [act({ kind: 'define', ...known, definition }, because)];
  }
  if (network.active) return planLive(network, definition, desired.capabilities);
  return collisions.length > 0 ? collisions : [act({ kind: 'start', network: network.id }, 'the network is not active')];
}

/** What cannot change while it runs waits until nobody would be cut off. */
function planLive(
  { id, live, attached = 0 }: Network,
  definition: NetworkDefinition,
  capabilities: readonly Capability[],
): Plan<NetworkAction> {
  const differing = live === undefined ? [] : networkDifferences(live, definition);
  const atOnce = capabilities.find(({ field }) => field === 'networks.live')?.values ?? [];
  const { uuid: _uuid, nativeName: _nativeName, ...shape } = definition;
  const rest = differing.filter((field) => !atOnce.includes(field));
  if (rest.length > 0 && attached === 0)
    return [act({ kind: 'stop', network: id }, `restarted, as ${inSpec(rest)} changes only so, and no machine is attached`)];
  if (rest.length < differing.length) return [act({ kind: 'update', network: id, shape }, `what runs differs in ${inSpec(differing)}`)];
  if (rest.length === 0) return [];
  return [wait(staged, `${inSpec(rest)}: changes once no machine is attached; ${attached} ${attached === 1 ? 'is' : 'are'}`, recheckMs)];
}

const inSpec = (fields: readonly string[]): string => fields.map((field) => `spec.${field}`).join(', ');

/** Of two networks with one subnet, a host sends all that is meant for one into the other. What ours has already, it had first. */
function planSubnets(definition: NetworkDefinition, { host }: DesiredNetwork, { network, others }: ObservedNetwork): Plan<never> {
  return (['ipv4', 'ipv6'] as const).flatMap((family) => {
    const asked = definition[family];
    const has = network?.live?.[family];
    if (asked === undefined || (has?.address === asked.address && has.prefix === asked.prefix)) return [];
    const subnet = { family, address: asked.address, prefix: asked.prefix };
    const other = others.find(({ subnets = [] }) => subnets.some((text) => isIn(text, subnet)));
    const theirs = other?.subnets?.find((text) => isIn(text, subnet));
    if (other === undefined) return [];
    const remedy = 'choose another subnet, or take it from that network';
    return [
      refuse(
        'SubnetInUse',
        `spec.${family}.address ${asked.address}/${asked.prefix}: network ${other.nativeName} on ${host} has ${theirs}; ${remedy}`,
      ),
    ];
  });
}

const isIn = (text: string, subnet: Parameters<typeof overlap>[0]): boolean => {
  const other = parseCidr(text);
  return other !== undefined && overlap(other, subnet);
};

function planStranger({ id, nativeName, uuid, attached = 0 }: Network, { host, takeOver }: DesiredNetwork): Plan<NetworkAction> {
  if (takeOver && attached > 0)
    return [wait('InUse', `network ${nativeName} on ${host} is taken over once no machine is attached to it; ${attached} are`, recheckMs)];
  if (takeOver) return [act({ kind: 'undefine', network: id }, 'taken over, as annotated: its definition is replaced')];
  const remedy = 'undefine it there, choose another name, or annotate the Hypervisor virtwright.io/take-over=All';
  return [refuse('NotOurs', `${host} has a network ${nativeName} that is not this one's (uuid ${uuid}); ${remedy}`)];
}

function planRemoval({ machines, source }: DesiredNetwork, { network, holders = [] }: ObservedNetwork): Plan<NetworkAction> {
  if (machines.length > 0) return [wait('InUse', `machines are attached to it: ${machines.slice(0, 3).join(', ')}`, recheckMs)];
  if (source.kind === 'existing' || network === undefined) return [];
  const { id, attached = 0 } = network;
  if (attached > 0) return [wait('InUse', `${attached} interfaces of machines that are none of ours are attached to it`, recheckMs)];
  if (holders.length > 0) return [wait('InUse', `machines of the host are defined on it: ${holders.slice(0, 3).join(', ')}`, recheckMs)];
  return [act({ kind: 'undefine', network: id }, 'the resource was deleted')];
}
