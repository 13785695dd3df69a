import type { StorageVolume } from '#crds/types.js';
import type { Binder } from '../binder.js';
import { keyOf } from '../kubernetes/resource.js';
import type { Outcome } from '../reconcile.js';
import { bindVolume, placeVolume } from './bind-volume.js';
import { movesTo } from './moves.js';
import { takesMachines } from './takes-machines.js';

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
  const isToGo = hypervisors.store.get(volume.status?.hypervisor ?? '')?.spec.maintenance === 'Evacuate';
  if (!isToGo || machines.store.byIndex('volume', keyOf(volume.metadata)).length > 0) return { kind: 'converged' };
  const hasPlace = await moveUnused(binder, volume, signal);
  return hasPlace ? { kind: 'converged' } : { kind: 'waiting', because: 'no other host takes it, or it is in use' };
}

/** Gives a volume of a shared store that nobody has claimed to another host, and says whether there was one. */
export async function moveUnused(binder: Binder, volume: StorageVolume, signal: AbortSignal): Promise<boolean> {
  const from = volume.status?.hypervisor;
  const others = binder.watched.hypervisors.store.list().filter((one) => one.metadata.name !== from && takesMachines(one));
  const there = others.map((one) => movesTo(binder, volume, one)).find((instance) => instance !== undefined);
  if (there === undefined) return false;
  const place = { hypervisor: there.spec.hypervisor, pool: there.metadata.name };
  const isFree = ({ status }: StorageVolume) => status?.hypervisor === from && status?.claim === undefined;
  await bindVolume(binder, keyOf(volume.metadata), (now) => (isFree(now) ? place : undefined), signal);
  return true;
}
