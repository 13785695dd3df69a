import type {
  Hypervisor,
  Session,
  StoragePool,
  StoragePoolInstance,
  StorageVolume,
  VirtualMachine,
  VirtualMachineAction,
  VirtualNetwork,
  VirtualNetworkInstance,
} from '#crds/types.js';
import type { Locks } from './host/locks.js';
import type { Client } from './kubernetes/client.js';
import type { EventRecorder } from './kubernetes/events.js';
import type { Lease } from './kubernetes/lease.js';
import type { Namespace } from './namespaces.js';
import type { Patience } from './patience.js';
import type { Ledger } from './placement/ledger.js';
import type { Watched } from './watched.js';

/** The whole cluster, as far as the controller needs to know it. */
export interface ClusterWatches {
  readonly hypervisors: Watched<Hypervisor, 'credentials'>;
  readonly machines: Watched<
    VirtualMachine,
    'volume' | 'network' | 'macAddress' | 'uid' | 'uuid' | 'host' | 'unplaced' | 'label' | 'shuns'
  >;
  readonly actions: Watched<VirtualMachineAction, 'machine'>;
  readonly volumes: Watched<StorageVolume, 'instance' | 'claim' | 'source' | 'owner' | 'host' | 'unplaced'>;
  readonly instances: Watched<StoragePoolInstance, 'pool'>;
  readonly pools: Watched<StoragePool>;
  readonly networks: Watched<VirtualNetwork>;
  readonly networkInstances: Watched<VirtualNetworkInstance, 'network'>;
  readonly namespaces: Watched<Namespace>;
  readonly sessions: Watched<Session>;
  readonly leases: Watched<Lease>;
}

/** What is needed to give objects their host. */
export interface Binder {
  readonly client: Client;
  readonly watched: ClusterWatches;
  /** By volume: a machine's claim and the volume's own placement do not cross. */
  readonly locks: Locks;
  readonly patience: Patience;
  readonly ledger: Ledger;
  readonly recorder: EventRecorder;
}
