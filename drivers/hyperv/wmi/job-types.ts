import type { ObjectOf } from './class.js';
import type { job, storageJob } from './classes.js';

type Job = ObjectOf<typeof job>;

/** Of `JobType`; version 1 has none. */
const definesMachine = 1;
const createsDisk = 1;
const convertsDisk = 6;
/** What we ask for: defining, modifying, destroying; changes of state; resources; checkpoints. Merging of disks and moves may take hours, and are none of ours. */
const ours: readonly number[] = [1, 2, 3, 10, 11, 12, 13, 14, 15, 16, 26, 27, 28, 29, 30, 31, 32, 70, 71, 72];

const typeOf = (of: Job): number => (of.version === 'v2' ? (of.v2.JobType ?? 0) : 0);

/** New, starting, running, suspended, shutting down. */
export const isAtWork = ({ common: { JobState = 0 } }: Job): boolean => JobState >= 2 && JobState <= 6;

/** One whose type is not told may be anything. */
export const isOurKind = (of: Job): boolean => isUntold(of) || ours.includes(typeOf(of));

export const makesMachine = (of: Job): boolean => typeOf(of) === definesMachine;

export const isUntold = (of: Job): boolean => typeOf(of) === 0;

/** Whether what it makes may not be there yet: it has written nothing so far. */
export const isYoung = ({ common: { PercentComplete = 0 } }: Job): boolean => PercentComplete === 0;

export const makesDisk = (of: ObjectOf<typeof storageJob>): boolean => isUntold(of) || typeOf(of) === createsDisk;

export const copiesDisk = (of: ObjectOf<typeof storageJob>): boolean => isUntold(of) || typeOf(of) === convertsDisk;
