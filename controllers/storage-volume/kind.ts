import type { StorageVolume, StorageVolumeStatus } from '#crds/types.js';
import { deletionKey, type Jobs, wipeKey } from '../host/jobs.js';
import type { Locks } from '../host/locks.js';
import type { HostScope } from '../host/scope.js';
import { isMarker, markerOf } from '../incomplete.js';
import type { Performer, Performers } from '../plan.js';
import type { Kind } from '../reconcile.js';
import type { DesiredVolume, ObservedVolume, VolumeAction } from './action.js';
import { beginVolume, type Fill, fillVolume } from './fill.js';
import { Inspections } from './inspect.js';
import { Looks } from './looks.js';
import { type FillMetrics, unmetered } from './metrics.js';
import { type Memory, observeVolume } from './observe.js';
import { planVolume } from './plan.js';
import { reportVolume } from './report.js';
import { resolveVolume } from './resolve.js';
import type { SourceStores } from './source.js';
import { mustBeOff, mustBeUnused, reserve } from './unused.js';
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
      await mustBeOff(location, view, signal);
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
