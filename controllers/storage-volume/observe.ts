import { deletionKey, type Jobs, wipeKey } from '../host/jobs.js';
import type { HostView } from '../host/view.js';
import { markerName } from '../incomplete.js';
import type { DesiredVolume, ObservedVolume } from './action.js';
import { isOfFamily } from './fill.js';
import type { Inspections } from './inspect.js';
import type { Looks } from './looks.js';
import { movedTo } from './moved.js';
import type { Uploads } from './uploads.js';
import { unreadOf, usersOf } from './users.js';

/** What is known of volumes beside what the host shows. */
export interface Memory {
  readonly jobs: Jobs;
  readonly inspections: Inspections;
  readonly looks: Looks;
  readonly uploads: Uploads;
}

export function observeVolume(desired: DesiredVolume, view: HostView, { jobs, inspections, looks, uploads }: Memory): ObservedVolume {
  const { poolUuid, nativeName, familyName, uid, source } = desired;
  const pool = view.pool(poolUuid);
  const volumes = pool === undefined ? [] : view.volumes(pool.id);
  const named = (name: string) => volumes.find(({ id }) => id.nativeName === name);
  const volume = named(nativeName);
  const unreadVolumes = pool === undefined ? [] : view.unreadVolumes(pool.id);
  const unreadVolume = unreadVolumes.find(({ id }) => id.nativeName === nativeName);
  const there = volume ?? unreadVolume;
  const moved = there === undefined ? movedTo(desired, view) : undefined;
  const marker = named(markerName(nativeName));
  const job = jobs.get(uid);
  const wiping = jobs.get(wipeKey(uid));
  const deleting = jobs.get(deletionKey(uid));
  const lookedAt = pool === undefined || volume !== undefined ? undefined : looks.at({ pool: pool.id, nativeName });
  const leftovers = [...volumes, ...unreadVolumes]
    .map(({ id }) => id)
    .filter((id) => id.nativeName !== nativeName && isOfFamily(id.nativeName, familyName))
    .map((id) => ({
      nativeName: id.nativeName,
      whole: named(markerName(id.nativeName)) === undefined,
      inspected: inspections.has(id),
    }));
  const original = source?.kind === 'clone' && typeof source.original !== 'string' ? source.original : undefined;
  const sourcePool = original === undefined ? undefined : view.pool(original.poolUuid);
  const unread = there === undefined && original === undefined ? undefined : unreadOf(view);
  return {
    leftovers,
    offered: uploads.isOffered(uid),
    sourceUsers: original === undefined ? [] : usersOf(original.location, view),
    linked: volumes.filter(({ base }) => base !== undefined && base === volume?.location).map(({ id }) => id.nativeName),
    ...(sourcePool === undefined ? {} : { sourcePool }),
    users: there === undefined ? [] : usersOf(there.location, view),
    ...(unread === undefined ? {} : { unread }),
    ...(pool === undefined ? {} : { pool }),
    ...(volume === undefined ? {} : { volume }),
    ...(unreadVolume === undefined ? {} : { unreadVolume }),
    ...(volume !== undefined && inspections.has(volume.id) ? { inspected: true } : {}),
    ...(marker === undefined ? {} : { marker }),
    ...(job === undefined ? {} : { job }),
    ...(wiping === undefined ? {} : { wiping }),
    ...(deleting === undefined ? {} : { deleting }),
    ...(moved === undefined ? {} : { movedTo: moved }),
    ...(lookedAt === undefined ? {} : { lookedAt }),
  };
}
