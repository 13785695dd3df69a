import type { Hypervisor, StoragePoolInstance, StorageVolume } from '#crds/types.js';
import type { Binder } from '../binder.js';
import { isReady } from '../conditions.js';
import { instanceName } from '../instance-name.js';
import { keyOf } from '../kubernetes/resource.js';
import { isLetGo } from '../out-of-service.js';
import { isLinked } from '../stores.js';

/**
 * Where a volume of a shared store would be on another host: the same volume, made once, known to that host's agent from then on. Only one
 * that is whole, at rest and nobody's moves: what is being grown, copied or written to stays with the agent that does it. On a host that is
 * let go nobody does anything any more.
 */
export function movesTo(
  { watched }: Pick<Binder, 'watched'>,
  volume: StorageVolume,
  hypervisor: Hypervisor,
  machineUid?: string,
): StoragePoolInstance | undefined {
  const here = watched.instances.store.get(volume.status?.pool ?? '');
  const pool = here === undefined ? undefined : watched.pools.store.get(here.spec.poolRef.name);
  const free = isHostLetGo({ watched }, volume.status?.hypervisor) ? isNobodys(volume, machineUid) : isAtRest(volume, machineUid);
  if (pool?.spec.span !== 'Shared' || !free || isUsedElsewhere({ watched }, volume, hypervisor, machineUid)) return undefined;
  const there = watched.instances.store.get(instanceName(pool.metadata.name, hypervisor.metadata.name));
  return there !== undefined && there.metadata.deletionTimestamp === undefined && isReady(there) ? there : undefined;
}

function isHostLetGo({ watched }: Pick<Binder, 'watched'>, host: string | undefined): boolean {
  const hypervisor = watched.hypervisors.store.get(host ?? '');
  return hypervisor !== undefined && isLetGo(hypervisor);
}

const isNobodys = ({ status }: StorageVolume, machineUid: string | undefined): boolean =>
  status?.claim === undefined || status.claim.uid === machineUid;

/** A spec that the agent has not answered yet may be at work there. */
function isAtRest(volume: StorageVolume, machineUid: string | undefined): boolean {
  const { metadata, spec, status } = volume;
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const answered = status?.observedGeneration === metadata.generation && ready?.status === 'True' && ready.reason === 'Ready';
  const whole = status?.import?.completedAt !== undefined || spec.existing !== undefined;
  return metadata.deletionTimestamp === undefined && whole && isNobodys(volume, machineUid) && answered;
}

/** By another machine, of another host, by a clone that is being made, or by one that only stores what differs. */
function isUsedElsewhere(
  { watched }: Pick<Binder, 'watched'>,
  { metadata, spec }: StorageVolume,
  hypervisor: Hypervisor,
  machineUid: string | undefined,
): boolean {
  if (isLinked(spec)) return true;
  const users = watched.machines.store.byIndex('volume', keyOf(metadata));
  const isBusy = (host: string | undefined) => host !== undefined && host !== hypervisor.metadata.name && !isHostLetGo({ watched }, host);
  if (users.some(({ metadata: { uid }, status }) => uid !== machineUid && isBusy(status?.hypervisor))) return true;
  return watched.volumes.store
    .byIndex('source', keyOf(metadata))
    .some((other) => isLinked(other.spec) || other.status?.import?.completedAt === undefined);
}

/** Another object for the same volume of a store that all hosts see: one that is bound, wherever, has it; else the older gets it. */
export function rivalIn({ watched }: Pick<Binder, 'watched'>, volume: StorageVolume): StorageVolume | undefined {
  const { spec } = volume;
  const pool = watched.pools.store.get(spec.poolRef?.name ?? '');
  if (spec.existing === undefined || pool?.spec.span !== 'Shared') return undefined;
  const rank = ({ metadata, status }: StorageVolume) =>
    `${status?.hypervisor === undefined ? 1 : 0} ${metadata.creationTimestamp} ${metadata.uid}`;
  return watched.volumes.store
    .list()
    .find(
      (other) =>
        other.spec.poolRef?.name === spec.poolRef?.name && other.spec.existing?.name === spec.existing?.name && rank(other) < rank(volume),
    );
}
