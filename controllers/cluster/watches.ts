import {
  hypervisors,
  sessions,
  storagePoolInstances,
  storagePools,
  storageVolumes,
  virtualMachineActions,
  virtualMachines,
  virtualNetworkInstances,
  virtualNetworks,
} from '#crds/types.js';
import type { ClusterWatches } from '../binder.js';
import { decodeLease, leases } from '../kubernetes/lease.js';
import { decodeNamespace, namespaces } from '../namespaces.js';
import { placementIndexes, volumeIndexes } from '../placement/indexes.js';
import { indexes } from '../stores.js';
import { decoderOf, type Watching, watch } from '../watched.js';

/** Everything: the controller's view of the cluster. */
export function watchCluster(common: Watching, namespace: string, signal: AbortSignal): ClusterWatches {
  return {
    hypervisors: watch({ ...common, resource: hypervisors, decode: decoderOf('Hypervisor'), indexes: indexes.hypervisors }, signal),
    machines: watch(
      {
        ...common,
        resource: virtualMachines,
        decode: decoderOf('VirtualMachine'),
        indexes: { ...indexes.machines, ...placementIndexes },
      },
      signal,
    ),
    actions: watch(
      { ...common, resource: virtualMachineActions, decode: decoderOf('VirtualMachineAction'), indexes: indexes.actions },
      signal,
    ),
    volumes: watch(
      { ...common, resource: storageVolumes, decode: decoderOf('StorageVolume'), indexes: { ...indexes.volumes, ...volumeIndexes } },
      signal,
    ),
    instances: watch(
      { ...common, resource: storagePoolInstances, decode: decoderOf('StoragePoolInstance'), indexes: indexes.instances },
      signal,
    ),
    pools: watch({ ...common, resource: storagePools, decode: decoderOf('StoragePool') }, signal),
    networks: watch({ ...common, resource: virtualNetworks, decode: decoderOf('VirtualNetwork') }, signal),
    networkInstances: watch(
      {
        ...common,
        resource: virtualNetworkInstances,
        decode: decoderOf('VirtualNetworkInstance'),
        indexes: indexes.networkInstances,
      },
      signal,
    ),
    namespaces: watch({ ...common, resource: namespaces, decode: decodeNamespace }, signal),
    sessions: watch({ ...common, resource: sessions, decode: decoderOf('Session') }, signal),
    leases: watch({ ...common, resource: leases, decode: decodeLease, selection: { namespace } }, signal),
  };
}
