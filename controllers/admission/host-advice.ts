import type { Hypervisor, StoragePool, VirtualNetwork } from '#crds/types.js';
import { isSelected } from '../selected.js';
import type { Known } from './known.js';

/** Of a pool. */
export const advisePool = (pool: StoragePool, known: Known): readonly string[] => unselected(pool, known);

/** Of a network. */
export const adviseNetwork = (network: VirtualNetwork, known: Known): readonly string[] => unselected(network, known);

function unselected(parent: StoragePool | VirtualNetwork, { hypervisors }: Known): readonly string[] {
  const wanted = parent.spec.hypervisorSelector;
  if (wanted === undefined || hypervisors.list().some((hypervisor) => isSelected(parent, hypervisor))) return [];
  return [`spec.hypervisorSelector: no Hypervisor has the labels ${JSON.stringify(wanted.matchLabels)} yet`];
}

/** Of a host. */
export function adviseHypervisor({ spec }: Hypervisor, { pools, networks }: Known): readonly string[] {
  const { systemPoolRef, defaultPoolRef, defaultNetworkRef } = spec;
  const missingPool = (field: string, name: string | undefined) =>
    name === undefined || pools.get(name) !== undefined ? [] : [`spec.${field}: there is no StoragePool "${name}" yet`];
  const network = defaultNetworkRef && `${defaultNetworkRef.namespace}/${defaultNetworkRef.name}`;
  return [
    ...missingPool('systemPoolRef', systemPoolRef?.name),
    ...missingPool('defaultPoolRef', defaultPoolRef?.name),
    ...(network === undefined || networks.get(network) !== undefined
      ? []
      : [`spec.defaultNetworkRef: there is no VirtualNetwork "${network}" yet`]),
  ];
}
