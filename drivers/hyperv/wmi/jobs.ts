import { setTimeout as sleep } from 'node:timers/promises';
import { unlessAborted } from '#drivers/deadline.js';
import { DriverError } from '#drivers/error.js';
import type { Outcome } from '../wsman/client.js';
import { decodeEmbedded } from '../wsman/embedded.js';
import { isReference, type Reference } from '../wsman/instance.js';
import { classUri } from '../wsman/names.js';
import { nonsense } from '../wsman/nonsense.js';
import type { ObjectOf } from './class.js';
import { computerSystem, job as jobClass, storageJob } from './classes.js';
import { copiesDisk, isAtWork, isOurKind, isUntold, isYoung, makesDisk, makesMachine } from './job-types.js';
import { MethodFailure } from './return-code.js';
import { networkJob } from './wiring-classes.js';
import type { Wmi } from './wmi.js';

/** In milliseconds: between two looks, the first ones and the longest; and how long we wait for what was begun before us. */
export interface Pace {
  readonly first: number;
  readonly longest: number;
  readonly patience?: number;
}

const usualPace: Pace = { first: 50, longest: 1_000 };
const usualPatience = 30_000;
const jobStarted = 4096;
/** New, starting, running, suspended, shutting down: as WQL has it. */
const goingOn = 'JobState < 7';
/** Completed, and completed with warnings. */
const done: readonly number[] = [7, 32768];

type Job = ObjectOf<typeof jobClass>;

/** What takes its time on the host, and outlives us. We remember none but those that we wait for: the host does, and is asked. */
export class Jobs {
  readonly #wmi: Wmi;
  readonly #pace: Pace;
  /** By InstanceID: those that somebody here waits for. */
  readonly #ours = new Set<string>();

  constructor(wmi: Wmi, pace: Pace = usualPace) {
    this.#wmi = wmi;
    this.#pace = pace;
  }

  /** Waits until what a method began has ended. Rejects with a MethodFailure, in the host's own words, when it refused or failed. */
  async finished(method: string, { returnValue, values }: Outcome, signal: AbortSignal): Promise<void> {
    if (returnValue === 0) return;
    if (returnValue !== jobStarted) throw new MethodFailure(method, returnValue);
    const [job] = values.get('Job') ?? [];
    if (!isReference(job)) throw nonsense(`${method} began a job and does not say which`);
    const { InstanceID = '' } = job.selectors;
    this.#ours.add(InstanceID);
    try {
      for (let wait = this.#pace.first; !(await this.#hasEnded(method, job, signal)); wait = this.#longer(wait))
        await unlessAborted(sleep(wait), signal);
    } finally {
      this.#ours.delete(InstanceID);
    }
  }

  /**
   * Waits for changes of a machine, named by its GUID, that are under way, whoever began them: one that was begun before we came is not begun again beside it.
   * @throws DriverError Busy when they take longer than our patience
   */
  async settled(machine: string, signal: AbortSignal): Promise<void> {
    const selectors = { CreationClassName: computerSystem.name[this.#wmi.version], Name: machine };
    const system: Reference = { kind: 'reference', resourceUri: classUri(this.#wmi.namespace, selectors.CreationClassName), selectors };
    const look = async () =>
      (await this.#wmi.associated(system, 'Msvm_AffectedJobElement', jobClass, signal)).find((job) => isAtWork(job) && isOurKind(job));
    await this.#until(look, signal).catch((reason) => {
      if (!(reason instanceof DriverError && reason.code === 'NotFound')) throw reason;
    });
  }

  /** The same, of machines that are being made, and cannot be seen yet. Whether there were any. */
  machinesMade(signal: AbortSignal): Promise<boolean> {
    const look = async () => {
      for (const job of await this.#wmi.select(jobClass, goingOn, signal))
        if (makesMachine(job) || (isUntold(job) && !(await this.#isAboutOne(job, signal)))) return job;
      return undefined;
    };
    return this.#until(look, signal);
  }

  /** The same, of switches, for which there is no type: of anything that is about no machine, but for what somebody here waits for. */
  switchesMade(signal: AbortSignal): Promise<boolean> {
    const look = async () => {
      const setUp = this.#wmi.version === 'v1' ? await this.#wmi.select(networkJob, goingOn, signal) : [];
      for (const job of [...setUp, ...(await this.#wmi.select(jobClass, goingOn, signal))])
        if (!this.#ours.has(job.common.InstanceID) && !(await this.#isAboutOne(job, signal))) return job;
      return undefined;
    };
    return this.#until(look, signal);
  }

  /**
   * The same, of virtual disks that cannot be seen yet, but for those that somebody here waits for: a job does not say which disk it makes. Once it has
   * written something its file is there, and whoever would make that one finds it.
   */
  disksMade(signal: AbortSignal): Promise<boolean> {
    return this.#disksDone((job) => makesDisk(job) && isYoung(job), signal);
  }

  /** The same, of copies of virtual disks: two of one disk spoil each other. */
  disksCopied(signal: AbortSignal): Promise<boolean> {
    return this.#disksDone(copiesDisk, signal);
  }

  #disksDone(isMeant: (job: ObjectOf<typeof storageJob>) => boolean, signal: AbortSignal): Promise<boolean> {
    const isTheirs = (job: ObjectOf<typeof storageJob>) => isMeant(job) && !this.#ours.has(job.common.InstanceID);
    return this.#until(async () => (await this.#wmi.select(storageJob, goingOn, signal)).find(isTheirs), signal);
  }

  /** Whether a job is about a machine that is there: else, where its type is not told, it may be making one. */
  async #isAboutOne({ reference }: Job, signal: AbortSignal): Promise<boolean> {
    return (await this.#wmi.associated(reference, 'Msvm_AffectedJobElement', computerSystem, signal)).length > 0;
  }

  /** A job that the host has forgotten ended minutes ago: what it was about tells how. */
  async #hasEnded(method: string, reference: Reference, signal: AbortSignal): Promise<boolean> {
    const job = await this.#wmi.get(jobClass, reference, signal).catch((reason) => {
      if (reason instanceof DriverError && reason.code === 'NotFound') return undefined;
      throw reason;
    });
    if (job === undefined) return true;
    const { JobState: state = 0, ErrorCode, ErrorDescription } = job.common;
    if (isAtWork(job)) return false;
    if (done.includes(state)) return true;
    throw new MethodFailure(method, ErrorCode ?? state, await this.#words(reference, ErrorDescription, signal));
  }

  async #until(look: () => Promise<Job | undefined>, signal: AbortSignal): Promise<boolean> {
    const { first, patience = usualPatience } = this.#pace;
    const end = Date.now() + patience;
    for (let wait = first, waited = false; ; wait = this.#longer(wait), waited = true) {
      const job = await look();
      if (job === undefined) return waited;
      if (Date.now() >= end) throw stillAt(job);
      await unlessAborted(sleep(wait), signal);
    }
  }

  #longer(wait: number): number {
    return Math.min(wait * 2, this.#pace.longest);
  }

  /** The job's own errors say more than its description, where it tells them. */
  async #words(job: Reference, described: string | undefined, signal: AbortSignal): Promise<string | undefined> {
    const { values } = await this.#wmi.client
      .invoke(job, 'GetErrorEx', {}, signal)
      .catch(() => ({ values: new Map() }) as Pick<Outcome, 'values'>);
    const told = (values.get('Errors') ?? []).flatMap((error) =>
      typeof error === 'string' ? (decodeEmbedded(error).properties.get('Message') ?? []) : [],
    );
    const words = [...new Set([...told, ...(told.length === 0 && described !== undefined ? [described] : [])])].join(' ').trim();
    return words === '' ? undefined : words;
  }
}

function stillAt({ common: { Name = '', InstanceID, PercentComplete = 0 } }: Job): DriverError {
  const which = Name === '' ? InstanceID : Name;
  return new DriverError(
    'Busy',
    `the host is still at ${JSON.stringify(which)} (job ${InstanceID}, ${PercentComplete} %); waiting for it, or end it in Hyper-V Manager`,
  );
}
