import type { StoragePool, StoragePoolInstance, VirtualNetwork, VirtualNetworkInstance } from '#crds/types.js';
import type { ClusterWatches } from '../binder.js';
import { keyOf } from '../kubernetes/resource.js';
import type { SpanningKind } from './spanning.js';

export const spanningPools = ({ pools, instances }: ClusterWatches): SpanningKind<StoragePool, StoragePoolInstance> => ({
  parents: pools,
  instances,
  instancesOf: ({ metadata }) => instances.store.byIndex('pool', metadata.name),
  refTo: (name) => ({ poolRef: { name } }),
});

export const spanningNetworks = ({ networks, networkInstances }: ClusterWatches): SpanningKind<VirtualNetwork, VirtualNetworkInstance> => ({
  parents: networks,
  instances: networkInstances,
  instancesOf: ({ metadata }) => networkInstances.store.byIndex('network', keyOf(metadata)),
  refTo: (name) => ({ networkRef: { name } }),
});
