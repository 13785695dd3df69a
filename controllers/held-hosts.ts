import { type Hypervisor, hypervisors } from '#crds/types.js';
import type { Binder, ClusterWatches } from './binder.js';
import { finalizer, removeFinalizer } from './finalizer.js';
import type { Outcome } from './reconcile.js';

type Holder = Pick<Binder, 'client' | 'watched'>;

const isHeld = ({ metadata }: Hypervisor): boolean => metadata.finalizers?.includes(finalizer) ?? false;

/** Before anything is given to a host: without its Hypervisor, its agent does not reach it, and nothing there could ever be deleted. */
export async function holdHost({ client, watched }: Holder, name: string, signal: AbortSignal): Promise<void> {
  const { store, decode } = watched.hypervisors;
  const hypervisor = store.get(name);
  if (hypervisor === undefined || isHeld(hypervisor)) return;
  const { metadata } = hypervisor;
  const finalizers = [...(metadata.finalizers ?? []), finalizer];
  const { resourceVersion } = metadata;
  store.set(decode(await client.mergePatch(hypervisors, metadata, { metadata: { finalizers } }, { resourceVersion }, signal)));
}

/** Holds a host for as long as something is on it, and lets it go then. */
export async function seeToHold(holder: Holder, hypervisor: Hypervisor, signal: AbortSignal): Promise<Outcome | undefined> {
  const left = hasAny(holder.watched, hypervisor.metadata.name);
  if (hypervisor.metadata.deletionTimestamp === undefined) {
    if (left) await holdHost(holder, hypervisor.metadata.name, signal);
    return undefined;
  }
  if (left) return undefined;
  await removeFinalizer(holder.client, hypervisors, hypervisor, signal);
  return { kind: 'converged' };
}

function hasAny({ machines, volumes, instances, networkInstances }: ClusterWatches, host: string): boolean {
  const isOn = ({ spec }: { readonly spec: { readonly hypervisor: string } }) => spec.hypervisor === host;
  return (
    machines.store.byIndex('host', host).length > 0 ||
    instances.store.list().some(isOn) ||
    networkInstances.store.list().some(isOn) ||
    volumes.store.byIndex('host', host).length > 0
  );
}
