import type { Hypervisor, StorageVolume, VirtualMachine, VirtualMachineAction, VirtualNetworkInstance } from '#crds/types.js';
import {
  hypervisors,
  type StoragePool,
  type StoragePoolInstance,
  sessions,
  storagePoolInstances,
  storagePools,
  storageVolumes,
  type VirtualNetwork,
  virtualMachineActions,
  virtualMachines,
  virtualNetworkInstances,
  virtualNetworks,
} from '#crds/types.js';
import { decodeLease, leases } from '../kubernetes/lease.js';
import type { KubernetesObject, Resource } from '../kubernetes/resource.js';
import { createStore, type Indexes, type ReadonlyStore } from '../kubernetes/store.js';
import { decodeNamespace, type Namespace, namespaces } from '../namespaces.js';
import { placementIndexes, volumeIndexes } from '../placement/indexes.js';
import { indexes } from '../stores.js';
import { decoderOf, type Watched } from '../watched.js';

interface Source<R> {
  readonly store: ReadonlyStore<R, never>;
}

/** What an agent knows of the API: of its host, and what that refers to. */
export interface Known {
  readonly hypervisors: Source<Hypervisor>;
  readonly machines: Source<VirtualMachine>;
  readonly volumes: Source<StorageVolume>;
  readonly actions: Source<VirtualMachineAction>;
  readonly pools: Source<StoragePool>;
  readonly instances: Source<StoragePoolInstance>;
  readonly networks: Source<VirtualNetwork>;
  readonly networkInstances: Source<VirtualNetworkInstance>;
  readonly namespaces: Source<Namespace>;
}

const ended = Promise.resolve();
/** Nobody brings news of a copy. */
const reflector = { synced: ended, ended, hasSynced: true };

function copyOf<R extends Pick<KubernetesObject, 'metadata'>, I extends string = never>(
  resource: Resource,
  decode: (raw: KubernetesObject) => R,
  objects: readonly R[],
  by?: Indexes<R, I>,
): Watched<R, I> {
  const store = createStore<R, I>(by === undefined ? {} : { indexes: by });
  for (const object of objects) store.put(object);
  return { resource, decode, store, reflector };
}

/** The same objects in stores of their own, as if this host were all that the cluster has. What is changed in them nobody else sees. */
export function copiesOf(known: Known) {
  const of = <K extends keyof Known>(kind: K) => known[kind].store.list() as ReturnType<Known[K]['store']['list']>;
  return {
    hypervisors: copyOf(hypervisors, decoderOf('Hypervisor'), of('hypervisors'), indexes.hypervisors),
    machines: copyOf(virtualMachines, decoderOf('VirtualMachine'), of('machines'), { ...indexes.machines, ...placementIndexes }),
    volumes: copyOf(storageVolumes, decoderOf('StorageVolume'), of('volumes'), { ...indexes.volumes, ...volumeIndexes }),
    actions: copyOf(virtualMachineActions, decoderOf('VirtualMachineAction'), of('actions'), indexes.actions),
    pools: copyOf(storagePools, decoderOf('StoragePool'), of('pools')),
    instances: copyOf(storagePoolInstances, decoderOf('StoragePoolInstance'), of('instances'), indexes.instances),
    networks: copyOf(virtualNetworks, decoderOf('VirtualNetwork'), of('networks')),
    networkInstances: copyOf(
      virtualNetworkInstances,
      decoderOf('VirtualNetworkInstance'),
      of('networkInstances'),
      indexes.networkInstances,
    ),
    namespaces: copyOf(namespaces, decodeNamespace, of('namespaces')),
    sessions: copyOf(sessions, decoderOf('Session'), []),
    leases: copyOf(leases, decodeLease, []),
  };
}

export type Copies = ReturnType<typeof copiesOf>;
