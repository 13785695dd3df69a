import type { Hypervisor, StoragePool, StorageVolume, VirtualMachine, VirtualNetwork } from '#crds/types.js';
import type { ClusterWatches } from '../binder.js';
import type { ReadonlyStore } from '../kubernetes/store.js';
import type { Namespace } from '../namespaces.js';

/** What there is, as far as the watches have brought it. */
export interface Known {
  readonly hypervisors: ReadonlyStore<Hypervisor>;
  readonly machines: ReadonlyStore<VirtualMachine, 'macAddress' | 'uuid'>;
  readonly volumes: ReadonlyStore<StorageVolume>;
  readonly pools: ReadonlyStore<StoragePool>;
  readonly networks: ReadonlyStore<VirtualNetwork>;
  readonly namespaces: ReadonlyStore<Namespace>;
}

export const knownOf = ({ hypervisors, machines, volumes, pools, networks, namespaces }: ClusterWatches): Known => ({
  hypervisors: hypervisors.store,
  machines: machines.store,
  volumes: volumes.store,
  pools: pools.store,
  networks: networks.store,
  namespaces: namespaces.store,
});
