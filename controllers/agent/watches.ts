import { hypervisors, storageVolumes, virtualMachines } from '#crds/types.js';
import { indexes } from '../stores.js';
import { decoderOf, type Watching, watch } from '../watched.js';
import { fewOf, watchFew } from './few.js';
import type { SharedWatches } from './shared-watches.js';

/**
 * What concerns one host, and what its objects refer to. Whose work there begins must not go by what was remembered before: what is bound there, and
 * whether it is out of service, is always listed anew.
 */
export function watchHost(name: string, common: Watching, shared: SharedWatches, signal: AbortSignal) {
  const bound = { selection: { fieldSelector: `status.hypervisor=${name}` } };
  const { few, ...alike } = shared.for(signal);
  return {
    ...alike,
    ...(few === undefined ? watchFew(common, name, signal) : fewOf(name, few, signal)),
    hypervisors: watch(
      { ...common, resource: hypervisors, decode: decoderOf('Hypervisor'), selection: { fieldSelector: `metadata.name=${name}` } },
      signal,
    ),
    machines: watch(
      { ...common, ...bound, resource: virtualMachines, decode: decoderOf('VirtualMachine'), indexes: indexes.machines },
      signal,
    ),
    volumes: watch({ ...common, ...bound, resource: storageVolumes, decode: decoderOf('StorageVolume'), indexes: indexes.volumes }, signal),
  };
}

export type HostWatches = ReturnType<typeof watchHost>;
