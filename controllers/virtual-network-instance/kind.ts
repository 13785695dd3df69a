import type { VirtualNetworkInstance, VirtualNetworkInstanceStatus } from '#crds/types.js';
import { conditions, readiness } from '../conditions.js';
import { granted } from '../grants.js';
import type { HostScope } from '../host/scope.js';
import type { HostView } from '../host/view.js';
import type { ReadonlyStore } from '../kubernetes/store.js';
import type { Namespace } from '../namespaces.js';
import type { Findings, Kind, Resolution } from '../reconcile.js';
import { standing } from '../standing.js';
import type { Stores } from '../stores.js';
import { type DesiredNetwork, type ObservedNetwork, planNetwork } from './plan.js';

type NetworkFindings = Findings<DesiredNetwork, ObservedNetwork, never>;
export type NetworkInstanceKind = Kind<VirtualNetworkInstance, DesiredNetwork, ObservedNetwork, never, VirtualNetworkInstanceStatus>;

export interface NetworkStores extends Pick<Stores, 'networks' | 'machines'> {
  readonly namespaces: ReadonlyStore<Namespace>;
}

export const virtualNetworkInstanceKind = (host: HostScope, stores: NetworkStores): NetworkInstanceKind => ({
  performers: {},
  resolve: (instance) => resolveNetwork(instance, host, stores),
  looksAt: () => ({ networks: true }),
  observe: observeNetwork,
  plan: planNetwork,
  report: reportNetwork,
});

function resolveNetwork(
  { metadata, spec, status }: VirtualNetworkInstance,
  host: HostScope,
  { networks, machines, namespaces }: NetworkStores,
): Resolution<DesiredNetwork> {
  const { namespace, deletionTimestamp } = metadata;
  const key = `${namespace}/${spec.networkRef.name}`;
  const nativeName = networks.get(key)?.spec.existing?.name;
  if (nativeName === undefined && deletionTimestamp === undefined)
    return { kind: 'missing', reason: 'WaitingForNetwork', missing: [`network "${spec.networkRef.name}": there is none`] };
  return {
    kind: 'desired',
    desired: {
      want: deletionTimestamp === undefined ? 'present' : 'absent',
      host: host.name,
      namespace,
      nativeName: nativeName ?? status?.nativeName ?? '',
      granted: granted('networks', host.hypervisor, namespace, namespaces),
      machines: machines.byIndex('network', key).map(({ metadata: { name } }) => name),
      capabilities: host.capabilities,
    },
  };
}

function observeNetwork({ nativeName }: DesiredNetwork, view: HostView): ObservedNetwork {
  const network = view.network(nativeName);
  return network === undefined ? {} : { network };
}

function reportNetwork({ metadata, status: before }: VirtualNetworkInstance, findings: NetworkFindings): VirtualNetworkInstanceStatus {
  const stands = standing(findings, {
    ready: { reason: metadata.deletionTimestamp === undefined ? 'Active' : 'Deleted' },
    acting: (kind) => kind,
  });
  const nativeName = findings.desired?.nativeName || before?.nativeName;
  return {
    ...(nativeName === undefined ? {} : { nativeName }),
    conditions: conditions(before?.conditions, metadata.generation, findings.now, readiness(stands)),
  };
}
