import { formatBytes } from '#crds/quantity.js';
import type { Pool, Volume, VolumeId } from '#drivers/driver.js';
import { act, type Plan, refuse, wait } from '../plan.js';
import type { DesiredVolume, ObservedVolume, VolumeAction } from './action.js';
import { planAdoption } from './plan-adoption.js';
import { planFilling, planFirst } from './plan-fill.js';
import { lookAgainMs, lookedForAgain, planUnread } from './plan-look.js';
import { planRemoval } from './plan-removal.js';
import type { User } from './source.js';

export function planVolume(desired: DesiredVolume, observed: ObservedVolume, now: number): Plan<VolumeAction> {
  const { pool } = observed;
  if (desired.want === 'absent') return planRemoval(desired, observed, now);
  if (pool?.active !== true) return [wait('WaitingForPool', `pool "${desired.poolName}" is not active on ${desired.host}`, 10_000)];
  if (desired.existing !== undefined) return planExisting(desired, desired.existing, observed, pool, now);
  const id: VolumeId = { pool: pool.id, nativeName: desired.nativeName };
  if (desired.rival !== undefined) return [refuse('InUse', `StorageVolume "${desired.rival}" is ${desired.nativeName} already`)];
  if (desired.adopt !== undefined && desired.record.completedAt === undefined)
    return planAdoption(desired, desired.adopt, observed, pool, now);
  if (desired.record.completedAt !== undefined) return planWhole(desired, observed, id, now);
  return desired.record.startedAt === undefined
    ? planFirst(desired, observed, pool, id, now)
    : planFilling(desired, observed, pool, id, now);
}

/** Where volumes are made, what is there is somebody's; one of two objects for the same has it, as a disk has one writer. */
function planExisting(desired: DesiredVolume, nativeName: string, observed: ObservedVolume, pool: Pool, now: number): Plan<VolumeAction> {
  const { rival, sizeBytes, poolName, host } = desired;
  const { volume, lookedAt = 0 } = observed;
  const field = `spec.existing.name: ${nativeName} given`;
  if (pool.can.includes('create'))
    return [
      refuse('Unfit', `${field}, and pool "${poolName}" on ${host} makes its volumes: what is there belongs to others; leave it out`),
    ];
  if (rival !== undefined) return [refuse('InUse', `${field}, and StorageVolume "${rival}" is that one already`)];
  const unread = planUnread(desired, observed, now);
  if (unread !== undefined) return unread;
  if (volume === undefined) {
    if (now - lookedAt > lookAgainMs) return [act({ kind: 'look', id: { pool: pool.id, nativeName } }, 'it was not there yet')];
    return [
      refuse('NotFound', `${field}, and pool "${poolName}" on ${host} has no such volume; see virsh vol-list ${pool.nativeName}`),
      lookedForAgain,
    ];
  }
  if (volume.sizeBytes >= sizeBytes) return [];
  return [refuse('Unfit', `spec.size: ${formatBytes(sizeBytes)} given, ${nativeName} has ${formatBytes(volume.sizeBytes)}`)];
}

/** Whoever is told to delete the object would lose sight of a disk that was only moved. */
const remedyOfLoss = ({ movedTo }: ObservedVolume): string =>
  movedTo === undefined
    ? 'put it back, or delete this object and make a new one'
    : `machine ${movedTo.machine} has ${movedTo.location} in a drive, which may be it: move it back, and do not delete this object before`;

function planWhole(desired: DesiredVolume, observed: ObservedVolume, id: VolumeId, now: number): Plan<VolumeAction> {
  const { sizeBytes, poolName, host } = desired;
  const { pool, volume, marker, users, lookedAt = 0 } = observed;
  const unread = planUnread(desired, observed, now);
  if (unread !== undefined) return unread;
  if (volume === undefined) {
    if (now - lookedAt > lookAgainMs) return [act({ kind: 'look', id }, 'it is not where it was known to be')];
    return [
      refuse('Lost', `volume ${id.nativeName} is gone from pool "${poolName}" on ${host}; ${remedyOfLoss(observed)}`),
      lookedForAgain,
    ];
  }
  const steps: Plan<VolumeAction> =
    marker === undefined ? [] : [act({ kind: 'delete', id: marker.id, location: marker.location }, 'the volume is whole')];
  // A directory has no size of its own: the volume's is what may be unpacked into it.
  if (volume.sizeBytes >= sizeBytes || volume.format === 'Directory') return steps;
  return [...steps, pool?.can.includes('grow') === false ? cannotGrow(desired, volume) : growth(desired, users, volume, id)];
}

const cannotGrow = ({ sizeBytes, poolName, host }: DesiredVolume, volume: Volume) =>
  refuse(
    'CannotGrow',
    `spec.size: ${formatBytes(sizeBytes)} given, the volume has ${formatBytes(volume.sizeBytes)}, and volumes in pool "${poolName}" on ${host} keep the size they were made with; clone it into a larger one`,
  );

/** Only a machine of ours is told to take a larger disk; beneath any other that is on, nothing is resized. */
function growth({ sizeBytes, claim, capabilities }: DesiredVolume, users: readonly User[], volume: Volume, id: VolumeId) {
  const { location } = volume;
  const because = `it has ${formatBytes(volume.sizeBytes)}, ${formatBytes(sizeBytes)} asked`;
  const [user, ...others] = users.filter(({ off }) => !off);
  if (user === undefined) return act({ kind: 'grow', id, location, sizeBytes }, because);
  const canTell = capabilities.some(({ field }) => field === 'volumes.growAttached');
  if (canTell && others.length === 0 && claim !== undefined && user.ownerUid === claim.uid)
    return act({ kind: 'growAttached', id, machine: user.id, location, sizeBytes }, `${because}; ${user.nativeName} is told`);
  return wait('GrowsWhenOff', `the volume grows once machine ${user.nativeName} is off`, 60_000);
}
