import {
  hypervisors,
  sessions,
  storagePoolInstances,
  storageVolumes,
  virtualMachineActions,
  virtualMachines,
  virtualNetworkInstances,
} from '#crds/types.js';
import { indexes } from '../stores.js';
import { decoderOf, type Watching, watch } from '../watched.js';
import type { SharedWatches } from './shared-watches.js';

/** What concerns one host, and what its objects refer to. */
export function watchHost(name: string, common: Watching, shared: SharedWatches, signal: AbortSignal) {
  const bound = { selection: { fieldSelector: `status.hypervisor=${name}` } };
  const here = { selection: { fieldSelector: `spec.hypervisor=${name}` } };
  return {
    ...shared.for(signal),
    hypervisors: watch(
      { ...common, resource: hypervisors, decode: decoderOf('Hypervisor'), selection: { fieldSelector: `metadata.name=${name}` } },
      signal,
    ),
    machines: watch(
      { ...common, ...bound, resource: virtualMachines, decode: decoderOf('VirtualMachine'), indexes: indexes.machines },
      signal,
    ),
    actions: watch(
      { ...common, ...bound, resource: virtualMachineActions, decode: decoderOf('VirtualMachineAction'), indexes: indexes.actions },
      signal,
    ),
    volumes: watch({ ...common, ...bound, resource: storageVolumes, decode: decoderOf('StorageVolume'), indexes: indexes.volumes }, signal),
    instances: watch(
      {
        ...common,
        ...here,
        resource: storagePoolInstances,
        decode: decoderOf('StoragePoolInstance'),
        indexes: indexes.instances,
      },
      signal,
    ),
    networkInstances: watch(
      {
        ...common,
        ...here,
        resource: virtualNetworkInstances,
        decode: decoderOf('VirtualNetworkInstance'),
        indexes: indexes.networkInstances,
      },
      signal,
    ),
    sessions: watch({ ...common, ...bound, resource: sessions, decode: decoderOf('Session') }, signal),
  };
}

export type HostWatches = ReturnType<typeof watchHost>;
