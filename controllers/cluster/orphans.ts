import type {
  Hypervisor,
  HypervisorStatusOrphansObject,
  StoragePoolInstance,
  StorageVolume,
  VirtualMachine,
  VirtualNetworkInstance,
} from '#crds/types.js';
import { isReleased } from '../adoption.js';
import type { ClusterWatches } from '../binder.js';
import { keepsState } from '../virtual-machine/resolve.js';

export type Orphan = HypervisorStatusOrphansObject;

/** A status has to end somewhere: what cannot be named is not let go. */
export const mostNamed = 512;

const named = (nativeName: string | undefined) => (nativeName === undefined ? {} : { nativeName });

/**
 * A machine that goes on elsewhere needs nothing of what its firmware and its TPM wrote down here. Undefined when nothing of it is to be taken
 * away: it was given back, and stays as it is.
 */
export function orphanedMachine(machine: VirtualMachine, { volumes }: Pick<ClusterWatches, 'volumes'>): Orphan | undefined {
  const { metadata, status } = machine;
  const goes = metadata.deletionTimestamp !== undefined;
  if (goes && isReleased(machine)) return undefined;
  const { namespace, name, uid } = metadata;
  const keeps = goes && keepsState(machine, { volumes: volumes.store });
  return { kind: 'VirtualMachine', namespace, name, uid, ...named(status?.nativeName), reclaimPolicy: keeps ? 'Retain' : 'Delete' };
}

/** Undefined when nothing of it is to be taken away: it was never on its way to the host, or is kept for good. */
export function orphanedVolume({ metadata, spec, status }: StorageVolume): Orphan | undefined {
  const { namespace, name, uid } = metadata;
  const whole = status?.import?.completedAt !== undefined;
  if (status?.pool === undefined || spec.existing !== undefined || (whole && spec.reclaimPolicy === 'Retain')) return undefined;
  const reclaimPolicy = spec.reclaimPolicy === 'Wipe' ? 'Wipe' : 'Delete';
  return { kind: 'StorageVolume', namespace, name, uid, ...named(status.nativeName), pool: status.pool, reclaimPolicy };
}

export const orphanedPool = ({ metadata, status }: StoragePoolInstance): Orphan => ({
  kind: 'StoragePoolInstance',
  name: metadata.name,
  uid: metadata.uid,
  ...named(status?.nativeName),
});

export const orphanedNetwork = ({ metadata, status }: VirtualNetworkInstance): Orphan => ({
  kind: 'VirtualNetworkInstance',
  namespace: metadata.namespace,
  name: metadata.name,
  uid: metadata.uid,
  ...named(status?.nativeName),
});

/** What a host's status says of orphans once these are among them, as far as there is room; undefined when it says so already. Pure. */
export function withOrphans({ status }: Hypervisor, more: readonly Orphan[]): NonNullable<Hypervisor['status']>['orphans'] {
  const { count = 0, objects = [] } = status?.orphans ?? {};
  const known = new Set(objects.map(({ uid }) => uid));
  const all = [...objects, ...more.filter(({ uid }) => !known.has(uid))].slice(0, mostNamed);
  return all.length === objects.length && all.length === count ? undefined : { count: all.length, objects: all };
}
