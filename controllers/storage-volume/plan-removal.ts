import type { Volume } from '#drivers/driver.js';
import { act, type Plan, refuse, wait } from '../plan.js';
import type { DesiredVolume, ObservedVolume, VolumeAction } from './action.js';

const againMs = 30_000;

/** What cannot be read goes as well: its content is there all the same. */
export function planRemoval(desired: DesiredVolume, seen: ObservedVolume, now: number): Plan<VolumeAction> {
  const observed = seen.unreadVolume === undefined ? seen : { ...seen, volume: seen.unreadVolume };
  const { claim, record, keep, uid, poolName, poolComes, host, existing, rival, adopt } = desired;
  const { pool, volume, marker, job } = observed;
  if (claim !== undefined)
    return [wait('InUse', `machine "${claim.machine}" has it; delete the machine or take the disk out of it`, 30_000)];
  // Another object's, or nobody's of ours.
  if (existing !== undefined || rival !== undefined || (adopt !== undefined && record.startedAt === undefined)) return [];
  const whole = record.completedAt !== undefined;
  if (whole && keep && marker === undefined) return [];
  const begun = whole || record.startedAt !== undefined;
  // The mark is made before anything is on record, so there may be one that only an active pool shows.
  if (pool?.active !== true && (begun || poolComes)) return [wait('WaitingForPool', `pool "${poolName}" is not active on ${host}`, 10_000)];
  if (!begun) return removalOf(marker);
  if (job?.kind === 'running' && pool !== undefined)
    return [act({ kind: 'cancel', uid, id: { pool: pool.id, nativeName: desired.nativeName } }, 'the resource was deleted')];
  if (whole && keep) return removalOf(marker);
  const kept = keptForClones(desired, observed) ?? usedOnHost(desired, observed);
  if (kept !== undefined) return [...stopDeleting(desired, observed), kept];
  return planWiping(desired, observed, now) ?? planTree(desired, observed, now) ?? removalOf(volume, marker);
}

/** Somebody started a container with it past us: that one could lead the deletion astray, which goes by paths. */
const stopDeleting = ({ uid }: DesiredVolume, { volume, deleting }: ObservedVolume): Plan<VolumeAction> =>
  volume === undefined || deleting?.kind !== 'running'
    ? []
    : [act({ kind: 'stopDeleting', uid, id: volume.id }, 'a machine uses it, and its deletion is not gone on with')];

/** Undefined when it is no directory, or is gone. An agent that dies amid it goes on with what is left. */
function planTree({ uid }: DesiredVolume, { volume, deleting }: ObservedVolume, now: number): Plan<VolumeAction> | undefined {
  if (volume?.format !== 'Directory') return undefined;
  if (deleting?.kind === 'running') return [wait('Deleting', 'what is in the directory is being deleted', 10_000)];
  if (deleting?.kind === 'failed' && now < deleting.at + againMs)
    return [wait('DeletionFailed', `${deleting.message}; it is tried again`, deleting.at + againMs - now)];
  return [act({ kind: 'deleteTree', uid, id: volume.id, location: volume.location }, 'the resource was deleted')];
}

/** Undefined when there is nothing left to be wiped. An agent that dies amid it begins anew. */
function planWiping(
  { wipe, uid, capabilities, host }: DesiredVolume,
  { volume, wiping }: ObservedVolume,
  now: number,
): Plan<VolumeAction> | undefined {
  if (!wipe || volume === undefined || wiping?.kind === 'done') return undefined;
  if (volume.format === 'Directory')
    return [refuse('Unfit', 'spec.reclaimPolicy: Wipe given, and files of a directory are deleted, not wiped; set it to Delete or Retain')];
  if (!capabilities.some(({ field }) => field === 'volumes.wipe'))
    return [refuse('Unfit', `spec.reclaimPolicy: Wipe given, ${host} cannot wipe volumes; set it to Delete or Retain`)];
  if (wiping?.kind === 'running') return [wait('Wiping', 'the content is being wiped', 10_000)];
  if (wiping !== undefined && now < wiping.at + againMs)
    return [wait('WipeFailed', `${wiping.message}; it is tried again`, wiping.at + againMs - now)];
  return [act({ kind: 'wipe', uid, id: volume.id }, 'the content is wiped before it is deleted')];
}

/** What others are made from stays until they are whole, and what they keep only their differences from as long as they are there. */
function keptForClones({ clones, poolName }: DesiredVolume, { linked }: ObservedVolume): Plan<never>[number] | undefined {
  const names = [...clones.map((name) => `StorageVolume "${name}"`), ...linked.map((name) => `${name} in pool "${poolName}"`)];
  if (names.length === 0) return undefined;
  const some = names.length > 5 ? [...names.slice(0, 5), `${names.length - 5} more`] : names;
  return wait('HasClones', `it is needed by ${some.join(', ')}; delete them first`, 30_000);
}

/** Nothing is deleted beneath a machine, nor beneath one that may have it. */
export function usedOnHost({ host }: DesiredVolume, { users: [user], unread }: ObservedVolume): Plan<never>[number] | undefined {
  if (user !== undefined) return wait('InUse', `machine ${user.nativeName} on ${host} uses it`, 30_000);
  if (unread !== undefined) return wait('UseUnknown', `whether a machine on ${host} uses it is not known: ${unread}`, 30_000);
  return undefined;
}

const removalOf = (...volumes: readonly (Volume | undefined)[]): Plan<VolumeAction> =>
  volumes.filter((one) => one !== undefined).map(({ id, location }) => act({ kind: 'delete', id, location }, 'the resource was deleted'));
