import { type Hypervisor, type StoragePoolInstance, type StorageVolume, type StorageVolumeStatus, storageVolumes } from '#crds/types.js';
import type { Binder } from '../binder.js';
import { conditions, isReady, readiness } from '../conditions.js';
import { addFinalizer, isHeldOn, removeFinalizer } from '../finalizer.js';
import { instanceName } from '../instance-name.js';
import { keyOf } from '../kubernetes/resource.js';
import { publishStatus } from '../loop.js';
import { covers } from '../namespaces.js';
import { isOutOfService } from '../out-of-service.js';
import type { Outcome } from '../reconcile.js';
import { isSelected } from '../selected.js';
import { isLinked } from '../stores.js';
import { wentWithItsMachine } from './make-volumes.js';
import { rivalIn } from './moves.js';
import { isOpen } from './takes-machines.js';

type Binding = Partial<Pick<StorageVolumeStatus, 'hypervisor' | 'pool' | 'claim'>>;

/** Where a volume is in the file system of the host that it left is no business of the next. */
const withoutPlace = ({ location: _, ...status }: StorageVolumeStatus): StorageVolumeStatus => status;

/** The instance that a volume would be in on this host, if its pool is there and open to its namespace, and its source is there. */
export function instanceFor(binder: Binder, volume: StorageVolume, hypervisor: Hypervisor): StoragePoolInstance | undefined {
  const { watched } = binder;
  const { metadata, spec } = volume;
  const original = originalOf(binder, volume);
  if (original !== undefined && (typeof original === 'string' || original.hypervisor !== hypervisor.metadata.name)) return undefined;
  const pool = spec.poolRef?.name ?? original?.pool ?? hypervisor.spec.defaultPoolRef?.name;
  const parent = pool === undefined ? undefined : watched.pools.store.get(pool);
  if (pool === undefined || parent === undefined || !covers(parent.spec.allowedNamespaces, metadata.namespace, watched.namespaces.store))
    return undefined;
  if (rivalIn(binder, volume) !== undefined) return undefined;
  const instance = watched.instances.store.get(instanceName(pool, hypervisor.metadata.name));
  return instance?.metadata.deletionTimestamp === undefined ? instance : undefined;
}

/** Where the volume is that this one is a clone of; or why it cannot be cloned now; undefined when it is none. */
function originalOf({ watched }: Binder, { metadata, spec }: StorageVolume): { hypervisor: string; pool: string } | string | undefined {
  const name = spec.source?.volumeRef?.name;
  if (name === undefined) return undefined;
  if (name === metadata.name) return `volume "${name}" cannot be made from itself`;
  const original = watched.volumes.store.get(`${metadata.namespace}/${name}`);
  const { hypervisor, pool, claim } = original?.status ?? {};
  if (original === undefined) return `waiting for StorageVolume "${name}": there is none`;
  if (original.metadata.deletionTimestamp !== undefined) return `waiting for StorageVolume "${name}": it is being deleted`;
  const instance = pool === undefined ? undefined : watched.instances.store.get(pool);
  if (hypervisor === undefined || instance === undefined) return `waiting for StorageVolume "${name}": it has no host yet`;
  if (isLinked(spec) && claim !== undefined)
    return `machine "${claim.machine}" has StorageVolume "${name}" as a disk: take it out of the machine, or make a Full clone`;
  return { hypervisor, pool: instance.spec.poolRef.name };
}

/**
 * Puts a volume on a host, and in one write with that claims it for a machine, if for one. First the finalizer, then the
 * binding, with the resourceVersion that was seen: of two binders one has a conflict and looks again. `bindingOf` is asked
 * once nobody else here is at the volume; it gives nothing when there is nothing left to bind.
 */
export function bindVolume(
  { client, watched, locks }: Binder,
  key: string,
  bindingOf: (volume: StorageVolume) => Binding | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { decode, store } = watched.volumes;
  const seen = store.get(key);
  const base = seen !== undefined && isLinked(seen.spec) ? seen.spec.source?.volumeRef?.name : undefined;
  // Whoever claims a base and whoever links to it take turns.
  const keys = [key, ...(base === undefined ? [] : [`${seen?.metadata.namespace}/${base}`])];
  return locks.hold(keys, async () => {
    const volume = store.get(key);
    const binding = volume === undefined ? undefined : bindingOf(volume);
    if (volume === undefined || binding === undefined) return;
    const host = binding.hypervisor ?? volume.status?.hypervisor ?? '';
    const held = isHeldOn(volume, host) ? volume : decode(await addFinalizer(client, storageVolumes, volume, host, signal));
    const { namespace, name, uid, resourceVersion } = held.metadata;
    const moved = volume.status?.hypervisor !== undefined && volume.status.hypervisor !== host;
    const status: StorageVolumeStatus = { ...(moved ? withoutPlace(held.status ?? {}) : held.status), ...binding };
    store.set(
      decode(
        await client.applyStatus(storageVolumes, { metadata: { namespace, name, uid, resourceVersion }, status }, { force: true }, signal),
      ),
    );
  });
}

/** A volume that no machine names is bound when there is but one place for it; else its first machine decides. */
export async function placeVolume(binder: Binder, volume: StorageVolume, signal: AbortSignal): Promise<Outcome> {
  const { client, watched } = binder;
  if (await wentWithItsMachine(binder, volume, signal)) return { kind: 'converged' };
  if (volume.status?.hypervisor !== undefined) return { kind: 'converged' };
  if (volume.metadata.deletionTimestamp !== undefined) {
    // Never given to an agent, so nothing of it is anywhere.
    await removeFinalizer(client, storageVolumes, volume, signal);
    return { kind: 'converged' };
  }
  const waiting = whatItWaitsFor(binder, volume);
  if (waiting.kind === 'nothing') {
    const { place } = waiting;
    await bindVolume(binder, keyOf(volume.metadata), ({ status }) => (status?.hypervisor === undefined ? place : undefined), signal);
    return { kind: 'converged' };
  }
  const status: StorageVolumeStatus = {
    ...volume.status,
    observedGeneration: volume.metadata.generation,
    printableStatus: waiting.reason,
    conditions: conditions(
      volume.status?.conditions,
      volume.metadata.generation,
      Date.now(),
      readiness({ ...waiting, kind: 'reconciling' }),
    ),
  };
  const impatientInMs = binder.patience.left(volume, status);
  if (impatientInMs > 0) return { kind: 'progressing', recheckMs: impatientInMs, because: waiting.message };
  // A machine may be about to take it along: what is told after that would only be in the way.
  await binder.locks.hold([keyOf(volume.metadata)], async () => {
    const isAsSeen = watched.volumes.store.get(keyOf(volume.metadata))?.metadata.resourceVersion === volume.metadata.resourceVersion;
    if (isAsSeen) await publishStatus({ client, ...watched.volumes }, volume, status, signal);
  });
  return { kind: 'waiting', because: waiting.message };
}

type Waiting =
  | { readonly kind: 'nothing'; readonly place: Binding }
  | { readonly kind: 'something'; readonly reason: string; readonly message: string };

const waitingFor = (reason: string, message: string): Waiting => ({ kind: 'something', reason, message });

/** Hosts that are to have its pool and have it not yet count, too: the first of many to have it is no reason to be there. */
function whatItWaitsFor(binder: Binder, volume: StorageVolume): Waiting {
  const [machine] = binder.watched.machines.store.byIndex('volume', keyOf(volume.metadata));
  if (machine !== undefined) return waitingFor('WaitingForMachine', `it goes where machine "${machine.metadata.name}" goes`);
  const hosts = binder.watched.hypervisors.store.list().filter((hypervisor) => isMeantFor(binder, volume, hypervisor));
  const inService = hosts.filter((hypervisor) => !isOutOfService(hypervisor));
  const [host] = hosts;
  if (host !== undefined && inService.length === 0)
    return waitingFor('OutOfService', `${host.metadata.name} is out of service, as is any other that has its pool`);
  const open = inService.filter(isOpen);
  const [first] = inService;
  if (first !== undefined && open.length === 0)
    return waitingFor('Maintenance', `${first.metadata.name} takes nothing new, nor do others: spec.maintenance of the Hypervisors`);
  const shared = open.map((hypervisor) => sharedInstance(binder, volume, hypervisor)).find((instance) => instance !== undefined);
  if (shared !== undefined) return { kind: 'nothing', place: { hypervisor: shared.spec.hypervisor, pool: shared.metadata.name } };
  if (hosts.length > 1) return waitingFor('WaitingForMachine', `${hosts.length} hosts have its pool: it goes where its first machine goes`);
  const [instance] = open.map((hypervisor) => instanceFor(binder, volume, hypervisor));
  if (instance === undefined) {
    const isClone = volume.spec.source?.volumeRef !== undefined;
    return waitingFor(isClone ? 'WaitingForSource' : 'WaitingForPool', noPlace(binder, volume));
  }
  return { kind: 'nothing', place: { hypervisor: instance.spec.hypervisor, pool: instance.metadata.name } };
}

/** In a store that all hosts see, any of them can make it, and it is on all of them then. */
function sharedInstance(binder: Binder, volume: StorageVolume, hypervisor: Hypervisor): StoragePoolInstance | undefined {
  const instance = instanceFor(binder, volume, hypervisor);
  const pool = instance === undefined ? undefined : binder.watched.pools.store.get(instance.spec.poolRef.name);
  return instance !== undefined && pool?.spec.span === 'Shared' && isReady(instance) ? instance : undefined;
}

function isMeantFor(binder: Binder, volume: StorageVolume, hypervisor: Hypervisor): boolean {
  const { watched } = binder;
  const { spec } = volume;
  const original = originalOf(binder, volume);
  if (original !== undefined) return typeof original !== 'string' && original.hypervisor === hypervisor.metadata.name;
  const parent = watched.pools.store.get(spec.poolRef?.name ?? hypervisor.spec.defaultPoolRef?.name ?? '');
  return parent !== undefined && isSelected(parent, hypervisor);
}

function noPlace(binder: Binder, volume: StorageVolume): string {
  const { watched } = binder;
  const { metadata, spec } = volume;
  const rival = rivalIn(binder, volume)?.metadata;
  if (rival !== undefined)
    return `StorageVolume "${rival.namespace}/${rival.name}" is ${spec.existing?.name} of pool "${spec.poolRef?.name}" already`;
  const original = originalOf(binder, volume);
  if (typeof original === 'string') return original;
  const pool = spec.poolRef?.name ?? original?.pool;
  if (pool === undefined) return 'it names no pool, and no Hypervisor has a defaultPoolRef that is there; name one in spec.poolRef';
  const parent = watched.pools.store.get(pool);
  if (parent === undefined) return `waiting for StoragePool "${pool}": there is none`;
  if (!covers(parent.spec.allowedNamespaces, metadata.namespace, watched.namespaces.store))
    return `StoragePool "${pool}" is not for namespace "${metadata.namespace}"; see its spec.allowedNamespaces`;
  return `StoragePool "${pool}" is on no hypervisor that is in service`;
}
