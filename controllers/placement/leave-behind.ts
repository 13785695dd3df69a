import type { StorageVolume } from '#crds/types.js';
import type { Binder } from '../binder.js';
import { isReady } from '../conditions.js';
import { keyOf } from '../kubernetes/resource.js';
import type { Outcome } from '../reconcile.js';
import { bindVolume, placeVolume } from './bind-volume.js';
import { movesTo } from './moves.js';

/** Gives a volume its host, and another when that is to be emptied. */
export async function placeOrMoveVolume(binder: Binder, volume: StorageVolume, signal: AbortSignal): Promise<Outcome> {
  const outcome = await placeVolume(binder, volume, signal);
  const stays = volume.status?.hypervisor === undefined || volume.metadata.deletionTimestamp !== undefined;
  return stays ? outcome : leaveEmptiedHost(binder, volume, signal);
}

/**
 * A volume of a shared store that no machine names leaves a host that is to be emptied: once that is away, nobody could say that the volume is at
 * rest, and give it to a machine elsewhere. One that a machine names goes where the machine goes.
 */
async function leaveEmptiedHost(binder: Binder, volume: StorageVolume, signal: AbortSignal): Promise<Outcome> {
  const { machines, hypervisors } = binder.watched;
  const host = volume.status?.hypervisor ?? '';
  const isToGo = hypervisors.store.get(host)?.spec.maintenance === 'Evacuate';
  if (!isToGo || machines.store.byIndex('volume', keyOf(volume.metadata)).length > 0) return { kind: 'converged' };
  const open = hypervisors.store.list().filter((one) => one.spec.maintenance === 'None' && isReady(one));
  const there = open.map((one) => movesTo(binder, volume, one)).find((instance) => instance !== undefined);
  if (there === undefined) return { kind: 'waiting', because: 'no other host takes it, or it is in use' };
  const place = { hypervisor: there.spec.hypervisor, pool: there.metadata.name };
  const isFree = ({ status }: StorageVolume) => status?.hypervisor === host && status.claim === undefined;
  await bindVolume(binder, keyOf(volume.metadata), (now) => (isFree(now) ? place : undefined), signal);
  return { kind: 'converged' };
}
