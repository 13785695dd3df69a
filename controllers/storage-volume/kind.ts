import type { StorageVolume, StorageVolumeStatus } from '#crds/types.js';
import type { Machine, MachineShape } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { attachedTo } from '../host/attached.js';
import { deletionKey, type Jobs, wipeKey } from '../host/jobs.js';
import type { Locks } from '../host/locks.js';
import type { HostScope } from '../host/scope.js';
import type { HostView } from '../host/view.js';
import { isMarker, markerName, markerOf } from '../incomplete.js';
import type { Performer, Performers, Surroundings } from '../plan.js';
import type { Kind } from '../reconcile.js';
import type { DesiredVolume, ObservedVolume, VolumeAction } from './action.js';
import { beginVolume, type Fill, fillVolume, isOfFamily } from './fill.js';
import { Inspections } from './inspect.js';
import { Looks } from './looks.js';
import { type FillMetrics, unmetered } from './metrics.js';
import { movedTo } from './moved.js';
import { planVolume } from './plan.js';
import type { FillSource } from './plan-source.js';
import { reportVolume } from './report.js';
import { resolveVolume } from './resolve.js';
import type { SourceStores, User } from './source.js';
import type { Uploads } from './uploads.js';

export type VolumeKind = Kind<StorageVolume, DesiredVolume, ObservedVolume, VolumeAction, StorageVolumeStatus>;

type Action<K extends VolumeAction['kind']> = Extract<VolumeAction, { readonly kind: K }>;

export const storageVolumeKind = (
  host: HostScope,
  stores: SourceStores,
  jobs: Jobs,
  locks: Locks,
  uploads: Uploads,
  metrics: FillMetrics = unmetered,
  fill: Fill = fillVolume,
): VolumeKind => {
  const inspections = new Inspections();
  const looks = new Looks();
  return {
    performers: performersWith({ jobs, locks, inspections, looks, uploads, metrics, fill }),
    resolve: (volume) => resolveVolume(volume, host, stores),
    looksAt: ({ poolUuid }) => ({ machines: true, volumesOf: poolUuid }),
    observe: (desired, view) => observeVolume(desired, view, { jobs, inspections, looks, uploads }),
    plan: planVolume,
    report: reportVolume,
  };
};

/** What outlives a pass. */
interface Lasting extends Memory {
  readonly locks: Locks;
  readonly metrics: FillMetrics;
  readonly fill: Fill;
}

function performersWith(lasting: Lasting): Performers<VolumeAction> {
  const { jobs, locks, inspections, looks } = lasting;
  return {
    begin: {
      needs: 'volumes',
      async run({ driver, view }, action, signal) {
        if (driver.volumes === undefined) return;
        await beginVolume(driver.volumes, action, signal).finally(() => view.dirtyPool(action.id.pool));
      },
    },
    fill: filling(lasting),
    complete: {
      needs: 'volumes',
      async run({ driver, view }, { uid, id }, signal) {
        jobs.forget(uid);
        await driver.volumes?.delete(markerOf(id), signal).finally(() => view.dirtyPool(id.pool));
      },
    },
    look: {
      needs: 'volumes',
      async run({ driver, view, clock }, { id }, signal) {
        await driver.volumes?.list(id.pool, { refresh: true }, signal).finally(() => view.dirtyPool(id.pool));
        looks.note(id, clock());
      },
    },
    inspect: {
      needs: 'volumes',
      async run({ driver }, { id, format }, signal) {
        if (driver.volumes !== undefined) await inspections.inspect(driver.volumes, id, format, signal);
      },
    },
    // Status has said it, which is all of it: the host is as it was, and not read again.
    takeOver: { needs: 'volumes', run: async () => {} },
    grow: growing(locks),
    growAttached: {
      needs: 'volumes',
      run: ({ driver, view }, { id, machine, location, sizeBytes }, signal) =>
        locks.hold([location], async () =>
          driver.volumes?.growAttached(id, machine, sizeBytes, signal).finally(() => {
            view.dirtyPool(id.pool);
            view.dirtyMachine(machine);
          }),
        ),
    },
    cancel: {
      needs: 'volumes',
      async run({ view }, { uid, id }) {
        await jobs.cancel(uid);
        view.dirtyPool(id.pool);
      },
    },
    wipe: {
      needs: 'volumes',
      async run({ driver: { volumes }, view, clock }, { uid, id }) {
        if (volumes === undefined) return;
        jobs.start(wipeKey(uid), (_progress, signal) => volumes.wipe(id, signal).finally(() => view.dirtyPool(id.pool)), clock);
      },
    },
    deleteTree: deletingTree(lasting),
    stopDeleting: {
      needs: 'volumes',
      async run({ view }, { uid, id }) {
        await jobs.cancel(deletionKey(uid));
        view.dirtyPool(id.pool);
      },
    },
    delete: deleting(locks),
  };
}

const fillsFrom = { image: 'Image', clone: 'Clone', upload: 'Upload' } as const;

const filling = ({ jobs, locks, uploads, metrics, fill: fillWith }: Lasting): Performer<Action<'fill'>> => ({
  needs: 'volumes',
  async run({ driver, view, clock }, action, signal) {
    if (driver.volumes === undefined) return;
    const { uid, id, source } = action;
    const taken = source?.kind === 'upload' ? uploads.take(uid) : undefined;
    // Whoever brought it has left meanwhile: the next look sees that.
    if (source?.kind === 'upload' && taken === undefined) return;
    const fill = fillWith(driver.volumes, action, taken?.upload);
    const metered = metrics.metered(source === undefined ? 'Nothing' : fillsFrom[source.kind], fill);
    const release = source?.kind === 'clone' ? await reserve(source, { driver, view }, locks, signal) : () => {};
    const ended = (reason?: unknown) => {
      taken?.settle(reason);
      release();
      // Whatever came of it, something of it may be there: a deletion that does not see it would leave it.
      view.dirtyPool(id.pool);
    };
    jobs.start(uid, (progress, until) => settled(metered(progress, until), ended), clock);
  },
});

async function settled(work: Promise<void>, ended: (reason?: unknown) => void): Promise<void> {
  try {
    await work;
    ended();
  } catch (reason) {
    ended(reason ?? new Error('it failed'));
    throw reason;
  }
}

/** No machine starts with what is being copied; none that runs may have it. */
function reserve(
  { name, how, location }: Extract<FillSource, { readonly kind: 'clone' }>,
  host: Host,
  locks: Locks,
  signal: AbortSignal,
): Promise<() => void> {
  return locks.hold([location], async () => {
    // Many are copied at once, and nothing is lost by one that broke: of what the host tells by events no more is read.
    if (host.driver.events === undefined) host.view.dirtyMachines();
    else await host.view.glance(signal);
    await host.view.refresh({ machines: true }, signal);
    if (usersOf(location, host.view).some(({ off }) => !off || how === 'Linked'))
      throw new DriverError('Busy', `a machine was given volume "${name}" just now`);
    return locks.occupy(location, `volume "${name}" is being copied`);
  });
}

/** No machine starts with a directory that is being deleted file by file; none may have it, on or off. */
const deletingTree = ({ jobs, locks }: Lasting): Performer<Action<'deleteTree'>> => ({
  needs: 'volumes',
  async run({ driver, view, clock }, { uid, id, location }, signal) {
    const { volumes } = driver;
    if (volumes === undefined) return;
    const release = await locks.hold([location], async () => {
      await mustBeUnused(location, view, signal);
      return locks.occupy(location, 'the directory is being deleted');
    });
    const ended = () => {
      release();
      view.dirtyPool(id.pool);
    };
    jobs.start(deletionKey(uid), (_progress, until) => settled(volumes.delete(id, until), ended), clock);
  },
});

/** An image file that a guest writes to must not be resized beneath it: no machine starts with it meanwhile, and none may run. */
const growing = (locks: Locks): Performer<Action<'grow'>> => ({
  needs: 'volumes',
  run: ({ driver, view }, { id, location, sizeBytes }, signal) =>
    locks.hold([location], async () => {
      await readAnew(view, signal);
      const unread = unreadOf(view);
      if (unread !== undefined) throw new DriverError('Busy', `whether a machine runs with it is not known: ${unread}`);
      if (usersOf(location, view).some(({ off }) => !off)) throw new DriverError('Busy', 'a machine was started with it just now');
      await driver.volumes?.grow(id, sizeBytes, signal).finally(() => view.dirtyPool(id.pool));
    }),
});

/** What a machine was given since it was last read must not go beneath it, nor what one is just being given. A marker is nobody's disk. */
const deleting = (locks: Locks): Performer<Action<'delete'>> => ({
  needs: 'volumes',
  run: ({ driver, view }, { id, location }, signal) =>
    locks.hold([location], async () => {
      if (!isMarker(id.nativeName)) await mustBeUnused(location, view, signal);
      await driver.volumes?.delete(id, signal).finally(() => view.dirtyPool(id.pool));
    }),
});

/** @throws DriverError Busy */
async function mustBeUnused(location: string, view: HostView, signal: AbortSignal): Promise<void> {
  await readAnew(view, signal);
  const unread = unreadOf(view);
  if (unread !== undefined) throw new DriverError('Busy', `whether a machine uses it is not known: ${unread}`);
  if (usersOf(location, view).length > 0) throw new DriverError('Busy', 'a machine was given it just now');
}

type Host = Pick<Surroundings, 'driver' | 'view'>;

/** Each is read: of a disk that a machine was given no glance tells, and an event comes late, or not at all. What is deleted does not come back. */
async function readAnew(view: HostView, signal: AbortSignal): Promise<void> {
  view.dirtyMachines();
  await view.refresh({ machines: true }, signal);
}

/** What is known of volumes beside what the host shows. */
interface Memory {
  readonly jobs: Jobs;
  readonly inspections: Inspections;
  readonly looks: Looks;
  readonly uploads: Uploads;
}

function observeVolume(desired: DesiredVolume, view: HostView, { jobs, inspections, looks, uploads }: Memory): ObservedVolume {
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

/** One that was read before may have other disks by now: what is cut or deleted beneath it does not come back. */
function unreadOf({ unread: [first] }: HostView): string | undefined {
  return first === undefined ? undefined : `machine ${first.glance.nativeName} cannot be read (${first.reason.message})`;
}

/** As a disk, or to boot from. */
const has = (shape: MachineShape | undefined, location: string): boolean =>
  shape !== undefined && (attachedTo(shape).includes(location) || shape.boot?.kernel === location || shape.boot?.initrd === location);

const formatIn = (shape: MachineShape | undefined, location: string): Pick<User, 'format'> => {
  const disk = shape?.disks.find((each) => each.location === location);
  return disk === undefined ? {} : { format: disk.format };
};

const usersOf = (location: string, { machines }: HostView): ObservedVolume['users'] =>
  machines
    .filter(({ configured, live }: Machine) => has(configured, location) || has(live, location))
    .map(({ id, nativeName, power, mark, configured, live }) => ({
      id,
      nativeName,
      // One that was saved goes on with it as it was.
      off: power.state === 'Off' && power.reason !== 'Saved',
      ...formatIn(configured ?? live, location),
      ...(mark === undefined ? {} : { ownerUid: mark.owner.uid }),
    }));
