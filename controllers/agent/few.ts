import { hypervisors, sessions, storagePoolInstances, virtualMachineActions, virtualNetworkInstances } from '#crds/types.js';
import type { KubernetesObject } from '../kubernetes/resource.js';
import { indexes } from '../stores.js';
import { decoderOf, narrowed, type Watching, watch } from '../watched.js';

/** Where an object says which host it is of. */
type Place = 'metadata.name' | 'spec.hypervisor' | 'status.hypervisor';

const read = (raw: KubernetesObject, place: Place): unknown => {
  const { metadata, spec, status } = raw as KubernetesObject &
    Readonly<Record<'spec' | 'status', { readonly hypervisor?: string } | undefined>>;
  if (place === 'metadata.name') return metadata.name;
  return (place === 'spec.hypervisor' ? spec : status)?.hypervisor;
};

/**
 * What these hosts have few of. Of one host, the API server picks it out; a selector names no more than one, and the API server goes through all there
 * is for each: so of several hosts all is watched, and what is others' is left aside here.
 */
export function watchFew(common: Watching, hosts: readonly string[], signal: AbortSignal) {
  const [host] = hosts;
  const all = new Set<unknown>(hosts);
  const by = (place: Place) =>
    hosts.length === 1
      ? { ...common, selection: { fieldSelector: `${place}=${host}` } }
      : { ...common, isMeant: (raw: KubernetesObject) => all.has(read(raw, place)) };
  const [named, here, bound] = [by('metadata.name'), by('spec.hypervisor'), by('status.hypervisor')];
  return {
    hypervisors: watch({ ...named, resource: hypervisors, decode: decoderOf('Hypervisor') }, signal),
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

/** Of what is watched for several hosts, what is one's, as if it alone were watched: in step once it was listed from now on. */
export function fewOf(host: string, all: Few, signal: AbortSignal): Few {
  const bound = ({ status }: { readonly status?: { readonly hypervisor?: string } }) => status?.hypervisor === host;
  const here = ({ spec }: { readonly spec: { readonly hypervisor: string } }) => spec.hypervisor === host;
  return {
    hypervisors: narrowed(all.hypervisors, ({ metadata }) => metadata.name === host, {}, signal),
    actions: narrowed(all.actions, bound, indexes.actions, signal),
    instances: narrowed(all.instances, here, indexes.instances, signal),
    networkInstances: narrowed(all.networkInstances, here, indexes.networkInstances, signal),
    sessions: narrowed(all.sessions, bound, {}, signal),
  };
}
