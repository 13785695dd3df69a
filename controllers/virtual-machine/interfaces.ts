import type { VirtualMachine, VirtualNetworkInstance } from '#crds/types.js';
import type { MachineInterface } from '#drivers/driver.js';
import { isReady, notReady } from '../conditions.js';
import { granted } from '../grants.js';
import type { HostScope } from '../host/scope.js';
import { instanceName } from '../instance-name.js';
import type { ReadonlyStore } from '../kubernetes/store.js';
import { refusedAddresses, undecidedAddresses } from '../mac-addresses.js';
import type { Namespace } from '../namespaces.js';
import type { Stores } from '../stores.js';
import { type Ungranted, ungranted } from '../virtual-network-instance/permission.js';
import { interfaceHardware } from './hardware.js';

type MachineInterfaceSpec = NonNullable<VirtualMachine['spec']['interfaces']>[number];

/** An interface on a network that the namespace may not use any more: who is attached stays so, nobody else is. */
export interface Revoked {
  readonly name: string;
  readonly network: string;
  readonly vlan?: number;
  readonly because: string;
}

export interface ResolvedInterfaces {
  readonly interfaces: readonly MachineInterface[];
  /** Networks that are not there, each with what is wrong. */
  readonly missing: readonly string[];
  readonly revoked: readonly Revoked[];
  /** Interfaces whose MAC address another machine had first. */
  readonly duplicates: readonly string[];
  /** The manifest names none: a machine that is there keeps what it got when it was made. */
  readonly byDefault: boolean;
}

/** What the interface is called that a machine gets which names none. */
export const defaultInterface = 'default';

export interface NetworkStores extends Pick<Stores, 'networks' | 'networkInstances'> {
  readonly namespaces: ReadonlyStore<Namespace>;
}

/** The networks followed to what the host calls them. A grant is asked here once more, whatever the network's own status says. */
export function resolveInterfaces(machine: VirtualMachine, host: HostScope, stores: NetworkStores): ResolvedInterfaces {
  const { metadata, spec } = machine;
  const found = spec.interfaces === undefined ? byDefault(host, stores) : named(metadata.namespace, spec.interfaces, host, stores);
  return { ...found, missing: [...found.missing, ...undecidedAddresses(machine)], duplicates: refusedAddresses(machine) };
}

/** On the host's default network, whatever its namespace: whoever names it there grants it to all. */
function byDefault(host: HostScope, { networkInstances }: NetworkStores): Omit<ResolvedInterfaces, 'duplicates'> {
  const ref = host.hypervisor?.spec.defaultNetworkRef;
  if (ref === undefined) return { interfaces: [], missing: [], revoked: [], byDefault: true };
  const instance = networkInstances.get(`${ref.namespace}/${instanceName(ref.name, host.name)}`);
  const network = instance?.status?.nativeName;
  if (instance === undefined || network === undefined || !isReady(instance))
    return { interfaces: [], missing: [`the host's default ${whatIsMissing(ref.name, instance, host)}`], revoked: [], byDefault: true };
  return { interfaces: [{ name: defaultInterface, network }], missing: [], revoked: [], byDefault: true };
}

function named(
  namespace: string,
  interfaces: NonNullable<VirtualMachine['spec']['interfaces']>,
  host: HostScope,
  stores: NetworkStores,
): Omit<ResolvedInterfaces, 'duplicates'> {
  const found = interfaces.map((one) => {
    const { networkRef } = one;
    const wanted = interfaceHardware(one);
    const spec = stores.networks.get(`${namespace}/${networkRef.name}`)?.spec;
    const instance = stores.networkInstances.get(`${namespace}/${instanceName(networkRef.name, host.name)}`);
    const network = instance?.status?.nativeName;
    const denied =
      spec === undefined
        ? []
        : [...ungranted(spec, namespace, host.hypervisor, stores.namespaces), ...ungrantedVlan(one, namespace, host, stores)];
    if (spec === undefined || instance === undefined || network === undefined || (denied.length === 0 && !isReady(instance)))
      return { missing: [whatIsMissing(networkRef.name, instance, host)], interfaces: [], revoked: [] };
    const revoked = denied.map(({ what, remedy }) => ({
      name: wanted.name,
      network,
      ...(wanted.vlan === undefined ? {} : { vlan: wanted.vlan }),
      because: `network "${networkRef.name}": ${what} is not granted to namespace "${namespace}" on ${host.name}; ${remedy} of that Hypervisor`,
    }));
    return { missing: [], interfaces: [{ ...wanted, network }], revoked };
  });
  return {
    interfaces: found.flatMap(({ interfaces }) => interfaces),
    missing: found.flatMap(({ missing }) => missing),
    revoked: found.flatMap(({ revoked }) => revoked),
    byDefault: false,
  };
}

/** Behind a tag there may be somebody else's network. */
function ungrantedVlan({ vlan }: MachineInterfaceSpec, namespace: string, host: HostScope, stores: NetworkStores): readonly Ungranted[] {
  if (vlan === undefined || granted('vlans', host.hypervisor, namespace, stores.namespaces).includes(vlan)) return [];
  return [{ what: `VLAN ${vlan}`, remedy: 'name it in spec.grants[].vlans' }];
}

function whatIsMissing(name: string, instance: VirtualNetworkInstance | undefined, { name: host }: HostScope): string {
  if (instance === undefined) return `network "${name}": there is none on ${host}`;
  return `network "${name}": ${notReady(instance)}`;
}
