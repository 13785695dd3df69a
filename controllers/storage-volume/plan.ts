import { formatBytes } from '#crds/quantity.js';
import type { Capability, MachineId, Pool, Volume, VolumeDefinition, VolumeFormat, VolumeId } from '#drivers/driver.js';
import { timestamp } from '../conditions.js';
import type { JobState } from '../host/jobs.js';
import { act, type Plan, refuse, sayThenAct, wait } from '../plan.js';
import { type FillSource, planSource } from './plan-source.js';
import type { Source, User } from './source.js';

/** How the volume was filled, as its status says: the only proof that what is there is ours, and whole. */
export interface FillRecord {
  readonly startedAt?: number;
  readonly completedAt?: number;
  readonly failures: number;
  readonly retryAt: number;
}

export interface DesiredVolume {
  readonly want: 'present' | 'absent';
  readonly host: string;
  /** The job's key. */
  readonly uid: string;
  /** Of the StoragePoolInstance on the host. */
  readonly poolUuid: string;
  readonly poolName: string;
  /** Whether the pool, where it is not active, is waited for: not when it is stalled or on its way out. */
  readonly poolComes: boolean;
  readonly nativeName: string;
  /** What native names of other volumes of this object's name begin with. */
  readonly familyName: string;
  /** As recorded or asked for. */
  readonly format?: VolumeFormat;
  /** The source's: had where nothing else is asked for and the pool has it. Absent: the pool's best. */
  readonly preferred?: VolumeFormat | 'Vhdx';
  /** Which field asks for it. */
  readonly formatField: string;
  readonly sizeBytes: number;
  /** The native name of what the store has already. */
  readonly existing?: string;
  /** Another StorageVolume, an older one, that is the same. */
  readonly rival?: string;
  readonly source?: Source;
  readonly keep: boolean;
  /** Nothing of it may be readable when it is deleted. */
  readonly wipe: boolean;
  readonly record: FillRecord;
  /** The machine that has claimed it. */
  readonly claim?: { readonly machine: string; readonly uid: string };
  /** StorageVolumes that are made from this one, or keep only what differs from it. */
  readonly clones: readonly string[];
  readonly capabilities: readonly Capability[];
  /** The native name of what to take over, `All` or `None`. */
  readonly takeOver?: string;
}

export interface Leftover {
  readonly nativeName: string;
  readonly whole: boolean;
  /** Its header was read, and reaches for nothing outside of it. */
  readonly inspected: boolean;
}

export interface ObservedVolume {
  readonly pool?: Pool;
  readonly volume?: Volume;
  /** The mark on the host that the volume is not whole yet. */
  readonly marker?: Volume;
  /** When the host last looked for it at its store, as it was not seen. */
  readonly lookedAt?: number;
  /** The pool of the volume that this one is a clone of, and the machines on the host that use that. */
  readonly sourcePool?: Pool;
  readonly sourceUsers: readonly User[];
  /** Volumes in the pool that keep only what differs from this one. */
  readonly linked: readonly string[];
  /** Volumes that earlier objects of this name left. */
  readonly leftovers: readonly Leftover[];
  readonly job?: JobState;
  /** That wipes it. */
  readonly wiping?: JobState;
  /** Machines on the host, ours or not, that have it as a disk, or boot from it. */
  readonly users: readonly User[];
  /** A machine of which nobody knows whether it has it as a disk, and why. */
  readonly unread?: string;
}

export type VolumeAction =
  /** `known`: what of the family was seen, and does not stand in the way. */
  | { readonly kind: 'begin'; readonly id: VolumeId; readonly familyName: string; readonly known: readonly string[] }
  | {
      readonly kind: 'fill';
      readonly uid: string;
      readonly id: VolumeId;
      readonly definition: VolumeDefinition;
      /** Whether volumes of this pool can grow: the others are made at their size. */
      readonly grows: boolean;
      readonly source?: FillSource;
    }
  | { readonly kind: 'complete'; readonly uid: string; readonly id: VolumeId }
  /** The host looks at its store again: what another hand, or another host, put there is known only then. */
  | { readonly kind: 'look'; readonly id: VolumeId }
  | { readonly kind: 'inspect'; readonly id: VolumeId; readonly format: 'Qcow2' }
  | { readonly kind: 'takeOver'; readonly nativeName: string; readonly pool: VolumeId['pool']; readonly format: VolumeFormat }
  | { readonly kind: 'grow'; readonly id: VolumeId; readonly location: string; readonly sizeBytes: number }
  | {
      readonly kind: 'growAttached';
      readonly id: VolumeId;
      readonly machine: MachineId;
      readonly location: string;
      readonly sizeBytes: number;
    }
  | { readonly kind: 'wipe'; readonly uid: string; readonly id: VolumeId }
  | { readonly kind: 'cancel'; readonly uid: string; readonly id: VolumeId }
  | { readonly kind: 'delete'; readonly id: VolumeId; readonly location: string };

/** A volume has no room for a mark of ours, so its incompleteness is an empty volume beside it. */
export const markerOf = ({ pool, nativeName }: VolumeId): VolumeId => ({ pool, nativeName: `${nativeName}${markerSuffix}` });
export const markerSuffix = '.incomplete';

const wipeAgainMs = 30_000;
const slowRetryMs = 5 * 60_000;
/** Whoever puts a file back is not told of by the host, and need not wait long. */
const lookAgainMs = 30_000;

const lookedForAgain = wait('Looking', 'the host looks at its store again, from time to time', lookAgainMs + 1);

export function planVolume(desired: DesiredVolume, observed: ObservedVolume, now: number): Plan<VolumeAction> {
  const { pool } = observed;
  if (desired.want === 'absent') return planRemoval(desired, observed, now);
  if (pool?.active !== true) return [wait('WaitingForPool', `pool "${desired.poolName}" is not active on ${desired.host}`, 10_000)];
  if (desired.existing !== undefined) return planExisting(desired, desired.existing, observed, pool, now);
  const id: VolumeId = { pool: pool.id, nativeName: desired.nativeName };
  if (desired.record.completedAt !== undefined) return planWhole(desired, observed, id, now);
  return desired.record.startedAt === undefined
    ? planFirst(desired, observed, pool, id, now)
    : planFilling(desired, observed, pool, id, now);
}

/** Where volumes are made, what is there is somebody's; one of two objects for the same has it, as a disk has one writer. */
function planExisting(
  { rival, sizeBytes, poolName, host }: DesiredVolume,
  nativeName: string,
  { volume, lookedAt = 0 }: ObservedVolume,
  pool: Pool,
  now: number,
): Plan<VolumeAction> {
  const field = `spec.existing.name: ${nativeName} given`;
  if (pool.can.includes('create'))
    return [
      refuse('Unfit', `${field}, and pool "${poolName}" on ${host} makes its volumes: what is there belongs to others; leave it out`),
    ];
  if (rival !== undefined) return [refuse('InUse', `${field}, and StorageVolume "${rival}" is that one already`)];
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

/** Before anything is made: nothing that is there already may be taken for ours, or passed over in silence. */
function planFirst(desired: DesiredVolume, observed: ObservedVolume, pool: Pool, id: VolumeId, now: number): Plan<VolumeAction> {
  const { takeOver, poolName, host } = desired;
  if (observed.volume !== undefined) {
    return [
      refuse(
        'NotOurs',
        `pool "${poolName}" on ${host} has a volume ${id.nativeName} that Virtwright did not make; remove or rename it there`,
      ),
    ];
  }
  const leftovers = takeOver === 'None' ? [] : observed.leftovers;
  const chosen = takeOver === 'All' && leftovers.length === 1 ? leftovers[0] : leftovers.find(({ nativeName }) => nativeName === takeOver);
  if (chosen?.whole === false)
    return [
      refuse(
        'Incomplete',
        `volume ${chosen.nativeName} was never filled to the end; annotate virtwright.io/take-over=None to make a new one`,
      ),
    ];
  // Never what the content looks like, which a guest may have written: what it would be made as, as the former one was.
  const format = formatOf(desired, pool);
  if (chosen !== undefined && format !== undefined) return planTakeOver(chosen, id.pool, format);
  const [left] = leftovers;
  if (left !== undefined && format !== undefined) {
    return [
      refuse(
        'RestoredOrCopied',
        `pool "${poolName}" on ${host} keeps ${left.nativeName} of an earlier StorageVolume of this name; annotate virtwright.io/take-over=${left.nativeName} to use it as it is, or =None to make a new one`,
      ),
    ];
  }
  if (format === undefined) return [refuseFormat(desired, pool)];
  if (observed.marker === undefined) {
    const known = observed.leftovers.map(({ nativeName }) => nativeName);
    return [act({ kind: 'begin', id, familyName: desired.familyName, known }, 'no such volume')];
  }
  return planFilling(desired, observed, pool, id, now);
}

/** Whoever wrote into a former Raw volume may have made it look like a Qcow2 image that reaches for files of the host. */
function planTakeOver({ nativeName, inspected }: Leftover, pool: VolumeId['pool'], format: VolumeFormat): Plan<VolumeAction> {
  if (format === 'Qcow2' && !inspected)
    return [act({ kind: 'inspect', id: { pool, nativeName }, format }, `${nativeName} is to be taken over: its header is read first`)];
  return [sayThenAct({ kind: 'takeOver', nativeName, pool, format }, `taken over: ${nativeName}, as annotated`)];
}

function planFilling(desired: DesiredVolume, observed: ObservedVolume, pool: Pool, id: VolumeId, now: number): Plan<VolumeAction> {
  const { uid, record, sizeBytes } = desired;
  const { job, volume, marker } = observed;
  if (job?.kind === 'running') return [wait('Importing', howFar(desired.source, job.progressBytes), 5_000)];
  if (job?.kind === 'done') return [sayThenAct({ kind: 'complete', uid, id }, 'all of it is there and verified')];
  // The mark is taken off last: status is older than the host, as after a restore.
  if (record.startedAt !== undefined && volume !== undefined && marker === undefined)
    return [sayThenAct({ kind: 'complete', uid, id }, 'the host has it whole')];
  const inUse = usedOnHost(desired, observed);
  if (inUse !== undefined) return [inUse];
  const due = job?.kind === 'failed' ? failureRetryAt(job, record) : 0;
  if (job?.kind === 'failed' && now < due) {
    const later = wait('ImportFailed', `${job.message}; next try at ${timestamp(due)}`, due - now);
    return job.verdict === 'stall' ? [refuse(job.reason, job.message), later] : [later];
  }
  if (now < record.retryAt && job === undefined)
    return [wait('ImportFailed', 'the last import failed; it is tried again', record.retryAt - now)];
  const format = formatOf(desired, pool);
  if (format === undefined) return [refuseFormat(desired, pool)];
  const source = planSource(desired.source, { ...desired, ...observed, pool });
  if (source?.kind === 'hindered') return [source.decision];
  const definition: VolumeDefinition = { pool: id.pool, nativeName: id.nativeName, format, sizeBytes };
  return [
    sayThenAct(
      { kind: 'fill', uid, id, definition, grows: pool.can.includes('grow'), ...(source === undefined ? {} : { source }) },
      source === undefined ? 'no such volume' : 'the volume is to be filled',
    ),
  ];
}

const howFar = (source: Source | undefined, bytes: number): string =>
  source?.kind === 'clone' ? `volume "${source.name}" is being copied` : `${formatBytes(coarse(bytes))} fetched`;

/** The one asked for, if the pool has it; else the source's, as then nothing is converted; else the pool's best. */
function formatOf({ format, preferred }: DesiredVolume, { formats }: Pool): VolumeFormat | undefined {
  if (format !== undefined) return formats.find((one) => one === format);
  return formats.find((one) => one === preferred) ?? formats.find((one) => preferred === undefined || one !== 'Vmdk');
}

function refuseFormat({ format, preferred, formatField, poolName, host }: DesiredVolume, { formats }: Pool): Plan<never>[number] {
  const accepted = formats.length === 0 ? 'no volumes at all' : formats.join(', ');
  return refuse('Unfit', `${formatField}: ${format ?? preferred ?? 'nothing'} given, pool "${poolName}" on ${host} accepts ${accepted}`);
}

/** Kept coarse, so that status is written when there is news. */
const coarse = (bytes: number): number => Math.floor(bytes / 2 ** 20) * 2 ** 20;

/** Counted from the failures before this one; once it is told of, the record says when. */
export const failureRetryAt = ({ at, verdict }: Extract<JobState, { kind: 'failed' }>, { failures, retryAt }: FillRecord): number =>
  retryAt > 0 ? retryAt : at + (verdict === 'stall' ? slowRetryMs : Math.min(5_000 * 2 ** Math.min(failures, 16), slowRetryMs));

function planWhole(
  desired: DesiredVolume,
  { pool, volume, marker, users, lookedAt = 0 }: ObservedVolume,
  id: VolumeId,
  now: number,
): Plan<VolumeAction> {
  const { sizeBytes, poolName, host } = desired;
  if (volume === undefined) {
    if (now - lookedAt > lookAgainMs) return [act({ kind: 'look', id }, 'it is not where it was known to be')];
    return [
      refuse(
        'Lost',
        `volume ${id.nativeName} is gone from pool "${poolName}" on ${host}; put it back, or delete this object and make a new one`,
      ),
      lookedForAgain,
    ];
  }
  const steps: Plan<VolumeAction> =
    marker === undefined ? [] : [act({ kind: 'delete', id: marker.id, location: marker.location }, 'the volume is whole')];
  if (volume.sizeBytes >= sizeBytes) return steps;
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

function planRemoval(desired: DesiredVolume, observed: ObservedVolume, now: number): Plan<VolumeAction> {
  const { claim, record, keep, uid, poolName, poolComes, host, existing } = desired;
  const { pool, volume, marker, job } = observed;
  if (claim !== undefined)
    return [wait('InUse', `machine "${claim.machine}" has it; delete the machine or take the disk out of it`, 30_000)];
  if (existing !== undefined) return [];
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
  if (kept !== undefined) return [kept];
  return planWiping(desired, observed, now) ?? removalOf(volume, marker);
}

/** Undefined when there is nothing left to be wiped. An agent that dies amid it begins anew. */
function planWiping(
  { wipe, uid, capabilities, host }: DesiredVolume,
  { volume, wiping }: ObservedVolume,
  now: number,
): Plan<VolumeAction> | undefined {
  if (!wipe || volume === undefined || wiping?.kind === 'done') return undefined;
  if (!capabilities.some(({ field }) => field === 'volumes.wipe'))
    return [refuse('Unfit', `spec.reclaimPolicy: Wipe given, ${host} cannot wipe volumes; set it to Delete or Retain`)];
  if (wiping?.kind === 'running') return [wait('Wiping', 'the content is being wiped', 10_000)];
  if (wiping !== undefined && now < wiping.at + wipeAgainMs)
    return [wait('WipeFailed', `${wiping.message}; it is tried again`, wiping.at + wipeAgainMs - now)];
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
function usedOnHost({ host }: DesiredVolume, { users: [user], unread }: ObservedVolume): Plan<never>[number] | undefined {
  if (user !== undefined) return wait('InUse', `machine ${user.nativeName} on ${host} uses it`, 30_000);
  if (unread !== undefined) return wait('UseUnknown', `whether a machine on ${host} uses it is not known: ${unread}`, 30_000);
  return undefined;
}

const removalOf = (...volumes: readonly (Volume | undefined)[]): Plan<VolumeAction> =>
  volumes.filter((one) => one !== undefined).map(({ id, location }) => act({ kind: 'delete', id, location }, 'the resource was deleted'));
