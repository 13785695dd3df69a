import { sessions, storagePoolInstances, virtualMachineActions, virtualNetworkInstances } from '#crds/types.js';
import { indexes } from '../stores.js';
import { decoderOf, narrowed, type Watching, watch } from '../watched.js';

/** What a host has few of: of one host, or of all. */
export function watchFew(common: Watching, host: string | undefined, signal: AbortSignal) {
  const by = (field: string) => (host === undefined ? common : { ...common, selection: { fieldSelector: `${field}=${host}` } });
  const [here, bound] = [by('spec.hypervisor'), by('status.hypervisor')];
  return {
    actions: watch(
      { ...bound, resource: virtualMachineActions, decode: decoderOf('VirtualMachineAction'), indexes: indexes.actions },
      signal,
    ),
    instances: watch(
      { ...here, resource: storagePoolInstances, decode: decoderOf('StoragePoolInstance'), indexes: indexes.instances },
      signal,
    ),
    networkInstances: watch(
      { ...here, resource: virtualNetworkInstances, decode: decoderOf('VirtualNetworkInstance'), indexes: indexes.networkInstances },
      signal,
    ),
    sessions: watch({ ...bound, resource: sessions, decode: decoderOf('Session') }, signal),
  };
}

export type Few = ReturnType<typeof watchFew>;

/** Of what is watched for all hosts, what is one host's: as if it alone were watched. */
export function fewOf(host: string, all: Few, signal: AbortSignal): Few {
  const bound = ({ status }: { readonly status?: { readonly hypervisor?: string } }) => status?.hypervisor === host;
  const here = ({ spec }: { readonly spec: { readonly hypervisor: string } }) => spec.hypervisor === host;
  return {
    actions: narrowed(all.actions, bound, indexes.actions, signal),
    instances: narrowed(all.instances, here, indexes.instances, signal),
    networkInstances: narrowed(all.networkInstances, here, indexes.networkInstances, signal),
    sessions: narrowed(all.sessions, bound, {}, signal),
  };
}
