import { formatBytes } from '#crds/quantity.js';
import type { StorageVolume, StorageVolumeStatus, StorageVolumeStatusImport } from '#crds/types.js';
import { conditions, readiness, type Standing, timestamp } from '../conditions.js';
import type { Findings } from '../reconcile.js';
import { standing } from '../standing.js';
import type { DesiredVolume, ObservedVolume, VolumeAction } from './action.js';
import { failureRetryAt } from './plan-fill.js';

type VolumeFindings = Findings<DesiredVolume, ObservedVolume, VolumeAction>;

const doing: Readonly<Record<VolumeAction['kind'], string>> = {
  begin: 'Provisioning',
  fill: 'Provisioning',
  complete: 'Provisioning',
  look: 'Looking',
  inspect: 'TakingOver',
  takeOver: 'TakingOver',
  grow: 'Growing',
  growAttached: 'Growing',
  wipe: 'Terminating',
  deleteTree: 'Terminating',
  stopDeleting: 'Terminating',
  cancel: 'Terminating',
  delete: 'Terminating',
};

export function reportVolume({ metadata, status: before }: StorageVolume, findings: VolumeFindings): StorageVolumeStatus {
  const { desired, observed, now } = findings;
  const location = observed?.volume?.location ?? before?.location;
  // What is not taken yet is somebody else's.
  const own = desired?.adopt === undefined ? desired?.nativeName : undefined;
  const nativeName = takenOver(findings) ?? before?.nativeName ?? own;
  const format = before?.format ?? desired?.format ?? chosenFormat(findings);
  const fill = importStatus(before?.import, findings);
  const words = { ready: { reason: 'Ready' }, acting: (kind: string) => doing[kind as VolumeAction['kind']] };
  const stands = usable(standing(findings, words), findings, fill);
  return {
    observedGeneration: metadata.generation,
    printableStatus: metadata.deletionTimestamp === undefined ? stands.reason : 'Terminating',
    ...(before?.hypervisor === undefined ? {} : { hypervisor: before.hypervisor }),
    ...(before?.pool === undefined ? {} : { pool: before.pool }),
    ...(before?.claim === undefined ? {} : { claim: before.claim }),
    ...(nativeName === undefined ? {} : { nativeName }),
    ...(location === undefined ? {} : { location }),
    ...(format === undefined ? {} : { format }),
    ...(observed?.volume === undefined
      ? before?.virtualSize === undefined
        ? {}
        : { virtualSize: before.virtualSize }
      : { virtualSize: formatBytes(observed.volume.sizeBytes) }),
    ...(fill === undefined ? {} : { import: fill }),
    conditions: conditions(before?.conditions, metadata.generation, now, readiness(stands)),
  };
}

/** A volume that waits to grow, or cannot, is whole and usable all the same; so is one of which that is just being noted. */
function usable(stands: Standing, { plan = [], observed, failure }: VolumeFindings, fill: StorageVolumeStatusImport | undefined): Standing {
  const next = plan.find((decision) => decision.kind === 'act');
  const isWhole = next?.kind === 'act' && next.action.kind === 'complete' && observed?.volume !== undefined;
  if (isWhole && failure === undefined) return { kind: 'ready', reason: 'Ready', message: '' };
  const growing =
    (next?.kind === 'act' && next.action.kind === 'grow') || stands.reason === 'GrowsWhenOff' || stands.reason === 'CannotGrow';
  const reached = stands.kind !== 'unknown' || failure === undefined;
  return growing && reached && fill?.completedAt !== undefined ? { ...stands, kind: 'ready' } : stands;
}

/** What is about to be done, as far as nothing on the host could tell it afterwards. */
function importStatus(
  before: StorageVolumeStatusImport | undefined,
  { plan = [], observed, desired, now }: VolumeFindings,
): StorageVolumeStatusImport | undefined {
  const next = plan.find((decision) => decision.kind === 'act' && decision.sayFirst);
  const kind = next?.kind === 'act' ? next.action.kind : undefined;
  const job = observed?.job;
  if (kind === 'takeOver') return { startedAt: timestamp(now), completedAt: timestamp(now) };
  if (kind === 'complete') return { ...startOf(before), completedAt: timestamp(now) };
  if (kind === 'fill') return { ...failureOf(before), firstStartedAt: timestamp(now), ...firstStartOf(before), startedAt: timestamp(now) };
  if (job?.kind === 'running' && before !== undefined)
    return { ...before, transferred: formatBytes(Math.floor(job.progressBytes / 2 ** 20) * 2 ** 20) };
  if (job?.kind !== 'failed' || desired === undefined || before?.retryAt !== undefined) return before;
  const { failures = 0 } = before ?? {};
  return {
    ...firstStartOf(before),
    ...startOf(before),
    failures: failures + 1,
    lastFailure: job.message.slice(0, 4_096),
    retryAt: timestamp(failureRetryAt(job, desired.record)),
  };
}

const startOf = (before: StorageVolumeStatusImport | undefined) => (before?.startedAt === undefined ? {} : { startedAt: before.startedAt });

/** Where the first is not told, no earlier one is known than the last. */
const firstStartOf = (before: StorageVolumeStatusImport | undefined) => {
  const firstStartedAt = before?.firstStartedAt ?? before?.startedAt;
  return firstStartedAt === undefined ? {} : { firstStartedAt };
};

const failureOf = (before: StorageVolumeStatusImport | undefined) => ({
  ...(before?.failures === undefined ? {} : { failures: before.failures }),
  ...(before?.lastFailure === undefined ? {} : { lastFailure: before.lastFailure }),
});

function takenOver({ plan = [] }: VolumeFindings): string | undefined {
  const next = plan.find((decision) => decision.kind === 'act' && decision.action.kind === 'takeOver');
  return next?.kind === 'act' && next.action.kind === 'takeOver' ? next.action.nativeName : undefined;
}

/** The pool's best becomes the volume's for good with the first act that is said. */
function chosenFormat({ plan = [] }: VolumeFindings): StorageVolumeStatus['format'] {
  const next = plan.find((decision) => decision.kind === 'act');
  if (next?.kind !== 'act') return undefined;
  if (next.action.kind === 'takeOver') return next.action.format;
  return next.action.kind === 'fill' ? next.action.definition.format : undefined;
}
