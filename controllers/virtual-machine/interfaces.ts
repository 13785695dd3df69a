import type { VirtualMachine, VirtualNetworkInstance } from '#crds/types.js';
import type { MachineInterface } from '#drivers/driver.js';
import { isReady } from '../conditions.js';
import { granted } from '../grants.js';
import type { HostScope } from '../host/scope.js';
import { instanceName } from '../instance-name.js';
import type { ReadonlyStore } from '../kubernetes/store.js';
import type { Namespace } from '../namespaces.js';
import type { Stores } from '../stores.js';

/** An interface on a network that the namespace may not use any more: who is attached stays so, nobody else is. */
export interface Revoked {
  readonly name: string;
  readonly network: string;
  readonly because: string;
}

export interface ResolvedInterfaces {
  readonly interfaces: readonly MachineInterface[];
  /** Networks that are not there, each with what is wrong. */
  readonly missing: readonly string[];
  readonly revoked: readonly Revoked[];
}

export interface NetworkStores extends Pick<Stores, 'networkInstances'> {
  readonly namespaces: ReadonlyStore<Namespace>;
}

/** The networks followed to what the host calls them. A grant is asked here once more, whatever the network's own status says. */
export function resolveInterfaces(machine: VirtualMachine, host: HostScope, stores: NetworkStores): ResolvedInterfaces {
  const { namespace } = machine.metadata;
  const allowed = granted('networks', host.hypervisor, namespace, stores.namespaces);
  const found = (machine.spec.interfaces ?? []).map(({ networkRef, ...wanted }) => {
    const instance = stores.networkInstances.get(`${namespace}/${instanceName(networkRef.name, host.name)}`);
    const network = instance?.status?.nativeName;
    const mayUse = network !== undefined && allowed.includes(network);
    if (instance === undefined || network === undefined || (mayUse && !isReady(instance)))
      return { missing: [whatIsMissing(networkRef.name, instance, host)], interfaces: [], revoked: [] };
    const remedy = `name ${network} in spec.grants[].networks of that Hypervisor`;
    const because = `network "${networkRef.name}": not granted to namespace "${namespace}" on ${host.name}; ${remedy}`;
    return { missing: [], interfaces: [{ ...wanted, network }], revoked: mayUse ? [] : [{ name: wanted.name, network, because }] };
  });
  return {
    interfaces: found.flatMap(({ interfaces }) => interfaces),
    missing: found.flatMap(({ missing }) => missing),
    revoked: found.flatMap(({ revoked }) => revoked),
  };
}

function whatIsMissing(name: string, instance: VirtualNetworkInstance | undefined, { name: host }: HostScope): string {
  if (instance === undefined) return `network "${name}": there is none on ${host}`;
  const ready = instance.status?.conditions?.find(({ type }) => type === 'Ready');
  return `network "${name}": not ready${ready === undefined ? '' : ` (${ready.message || ready.reason})`}`;
}
