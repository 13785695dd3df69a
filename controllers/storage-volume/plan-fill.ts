import { formatBytes } from '#crds/quantity.js';
import type { Pool, VolumeDefinition, VolumeFormat, VolumeId } from '#drivers/driver.js';
import { timestamp } from '../conditions.js';
import { describeUnfit, unfit } from '../fit.js';
import type { JobState } from '../host/jobs.js';
import { act, type Plan, refuse, sayThenAct, wait } from '../plan.js';
import type { DesiredVolume, FillRecord, Leftover, ObservedVolume, VolumeAction } from './action.js';
import { askedOfVolume } from './asked.js';
import { planTaking, usedAs } from './plan-format.js';
import { planUnread } from './plan-look.js';
import { usedOnHost } from './plan-removal.js';
import { planSource } from './plan-source.js';
import type { Source, UploadSource } from './source.js';

const slowRetryMs = 5 * 60_000;

/** Before anything is made: nothing that is there already may be taken for ours, or passed over in silence. */
export function planFirst(desired: DesiredVolume, observed: ObservedVolume, pool: Pool, id: VolumeId, now: number): Plan<VolumeAction> {
  const { poolName, host, familyName, takeOver } = desired;
  if (observed.volume !== undefined && takeOver === 'Own') return planOwn(desired, observed, pool, id, now);
  if (observed.volume !== undefined) {
    const message = `pool "${poolName}" on ${host} has a volume ${id.nativeName} that Virtwright did not make; remove or rename it there`;
    return [refuse('NotOurs', message)];
  }
  const unread = planUnread(desired, observed, now);
  if (unread !== undefined) return unread;
  const left = planLeftovers(desired, desired.takeOver === 'None' ? [] : observed.leftovers, pool);
  if (left !== undefined) return left;
  if (formatOf(desired, pool) === undefined) return [refuseFormat(desired, pool)];
  if (lacksContent(desired, pool)) return [refuseContent(desired, pool)];
  const misfits = unfit(askedOfVolume(desired), desired.capabilities);
  if (misfits.length > 0) return misfits.map((misfit) => refuse('Unfit', describeUnfit(misfit, desired.host)));
  if (observed.marker !== undefined) return planFilling(desired, observed, pool, id, now);
  const known = observed.leftovers.map(({ nativeName }) => nativeName);
  return [act({ kind: 'begin', id, familyName, known }, 'no such volume')];
}

export const isItsOwn = 'it is its own, from an earlier run';

/** By the word that objects have the uids that they had before, what has this name can only be this object's. */
function planOwn(desired: DesiredVolume, observed: ObservedVolume, pool: Pool, id: VolumeId, now: number): Plan<VolumeAction> {
  const format = formatOf(desired, pool);
  if (format === undefined) return [refuseFormat(desired, pool)];
  if (observed.marker !== undefined) return planFilling(desired, observed, pool, id, now);
  const other = usedAs(format, observed.users);
  if (other !== undefined) return [other];
  // Nothing but the manifest remembers what it was made as.
  return planTaking(id, format, observed.inspected === true, isItsOwn);
}

/** Undefined when nothing of an earlier object stands in the way. */
function planLeftovers(desired: DesiredVolume, leftovers: readonly Leftover[], pool: Pool): Plan<VolumeAction> | undefined {
  const { takeOver, poolName, host } = desired;
  const [left] = leftovers;
  const chosen = takeOver === 'All' && leftovers.length === 1 ? left : leftovers.find(({ nativeName }) => nativeName === takeOver);
  if (chosen?.whole === false) {
    const message = `volume ${chosen.nativeName} was never filled to the end; annotate virtwright.io/take-over=None to make a new one`;
    return [refuse('Incomplete', message)];
  }
  // Never what the content looks like, which a guest may have written: what it would be made as, as the former one was.
  const format = formatOf(desired, pool);
  if (left === undefined || format === undefined) return undefined;
  if (chosen !== undefined) {
    const { nativeName, inspected } = chosen;
    return planTaking({ pool: pool.id, nativeName }, format, inspected, `taken over: ${nativeName}, as annotated`);
  }
  const choice = `annotate virtwright.io/take-over=${left.nativeName} to use it as it is, or =None to make a new one`;
  return [
    refuse(
      'RestoredOrCopied',
      `pool "${poolName}" on ${host} keeps ${left.nativeName} of an earlier StorageVolume of this name; ${choice}`,
    ),
  ];
}

export function planFilling(desired: DesiredVolume, observed: ObservedVolume, pool: Pool, id: VolumeId, now: number): Plan<VolumeAction> {
  const { uid, record, sizeBytes } = desired;
  const { job, volume, marker } = observed;
  if (job?.kind === 'running') return [underWay(desired.source, job.progressBytes)];
  if (job?.kind === 'done') return [sayThenAct({ kind: 'complete', uid, id }, 'all of it is there and verified')];
  // The mark is taken off last: status is older than the host, as after a restore.
  if (record.startedAt !== undefined && volume !== undefined && marker === undefined)
    return [sayThenAct({ kind: 'complete', uid, id }, 'the host has it whole')];
  // So may one be that the host cannot read now.
  const unread = marker === undefined ? planUnread(desired, observed, now) : undefined;
  if (unread !== undefined) return unread;
  const inUse = usedOnHost(desired, observed);
  if (inUse !== undefined) return [inUse];
  if (lacksContent(desired, pool)) return [refuseContent(desired, pool)];
  const later = desired.source?.kind === 'upload' ? planUploadAgain(desired.source, job, observed.offered) : planLater(job, record, now);
  if (later !== undefined) return later;
  const format = formatOf(desired, pool);
  if (format === undefined) return [refuseFormat(desired, pool)];
  const source = planSource(desired.source, { ...desired, ...observed, pool });
  if (source?.kind === 'hindered') return [source.decision];
  const tenant = format === 'Directory' ? { tenant: desired.tenant } : {};
  const allocation = desired.allocation === undefined ? {} : { allocation: desired.allocation };
  const definition: VolumeDefinition = { pool: id.pool, nativeName: id.nativeName, format, sizeBytes, ...allocation, ...tenant };
  const grows = pool.can.includes('grow');
  const resumes = grows && desired.capabilities.some((one) => one.field === 'volumes.resume');
  return source === undefined
    ? [sayThenAct({ kind: 'fill', uid, id, definition, grows, resumes }, 'no such volume')]
    : [sayThenAct({ kind: 'fill', uid, id, definition, grows, resumes, source }, 'the volume is to be filled')];
}

/** Whoever brings an image has read what was wrong, and may try again at once. */
function planUploadAgain({ command }: UploadSource, job: JobState | undefined, offered = false): Plan<never> | undefined {
  if (job?.kind !== 'failed' || offered) return undefined;
  return [wait('AwaitingUpload', `the last upload failed: ${job.message}; bring the image again: ${command}`, 60_000)];
}

/** Undefined when it is time for a try. */
function planLater(job: JobState | undefined, record: FillRecord, now: number): Plan<never> | undefined {
  if (job?.kind === 'failed') {
    const due = failureRetryAt(job, record);
    if (now >= due) return undefined;
    const later = wait('ImportFailed', `${job.message}; next try at ${timestamp(due)}`, due - now);
    return job.verdict === 'stall' ? [refuse(job.reason, job.message), later] : [later];
  }
  return now < record.retryAt ? [wait('ImportFailed', 'the last import failed; it is tried again', record.retryAt - now)] : undefined;
}

const underWay = (source: Source | undefined, bytes: number) =>
  source === undefined ? wait('Provisioning', 'the volume is being made', 5_000) : wait('Importing', howFar(source, bytes), 5_000);

const howFar = (source: Source, bytes: number): string =>
  source.kind === 'clone'
    ? `volume "${source.name}" is being copied`
    : `${formatBytes(coarse(bytes))} ${source.kind === 'upload' ? 'uploaded' : 'fetched'}`;

/** The one asked for, if the pool has it; else the source's, as then nothing is converted; else the pool's best. */
function formatOf({ format, preferred }: DesiredVolume, { formats }: Pool): VolumeFormat | undefined {
  if (format !== undefined) return formats.find((one) => one === format);
  return formats.find((one) => one === preferred) ?? formats.find((one) => preferred === undefined || isMade(one));
}

/** Of an image of another format. */
const isMade = (format: VolumeFormat): boolean => format !== 'Vmdk' && format !== 'Directory';

/** An image would be fetched in vain. */
const lacksContent = ({ source }: DesiredVolume, { can }: Pool): boolean =>
  (source?.kind === 'image' || source?.kind === 'upload') && !can.includes('stream');

const refuseContent = ({ poolName, host }: DesiredVolume, { noStream = 'its volumes are made empty' }: Pool): Plan<never>[number] =>
  refuse('Unfit', `spec.source: given, pool "${poolName}" on ${host} takes no content: ${noStream}`);

function refuseFormat({ format, preferred, formatField, poolName, host }: DesiredVolume, { formats }: Pool): Plan<never>[number] {
  const accepted = formats.length === 0 ? 'no volumes at all' : formats.join(', ');
  const asked = format ?? preferred ?? 'nothing';
  const remedy =
    asked === 'Directory' ? '; directories are in pools of files, on hosts with containers whose agent runs on the host itself' : '';
  return refuse('Unfit', `${formatField}: ${asked} given, pool "${poolName}" on ${host} accepts ${accepted}${remedy}`);
}

/** Kept coarse, so that status is written when there is news. */
const coarse = (bytes: number): number => Math.floor(bytes / 2 ** 20) * 2 ** 20;

/** Counted from the failures before this one; once it is told of, the record says when. */
export const failureRetryAt = ({ at, verdict }: Extract<JobState, { kind: 'failed' }>, { failures, retryAt }: FillRecord): number =>
  retryAt > 0 ? retryAt : at + (verdict === 'stall' ? slowRetryMs : Math.min(5_000 * 2 ** Math.min(failures, 16), slowRetryMs));
