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
const mostRemembered = 1_000;
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
  /** By InstanceID: those that outlasted our patience once. Nobody waits for them here again, or why would be told for a moment between two waits. */
  readonly #outlasting = new Set<string>();

  constructor(wmi: Wmi, pace: Pace = usualPace) {
    this.#wmi = wmi;
    this.#pace = pace;
  }

  /** The same as `finished`, of what changes a machine or a switch, which `settled` and `switchesMade` find again: it is waited for as long as what others began. @throws DriverError TimedOut */
  async finishedSoon(method: string, outcome: Outcome, signal: AbortSignal): Promise<void> {
    await this.finished(method, outcome, signal, this.#pace.patience ?? usualPatience);
  }

  /** Waits until what a method began has ended. Rejects with a MethodFailure, in the host's own words, when it refused or failed. */
  async finished(
    method: string,
    { returnValue, values }: Outcome,
    signal: AbortSignal,
    patience = Number.POSITIVE_INFINITY,
  ): Promise<void> {
    if (returnValue === 0) return;
    if (returnValue !== jobStarted) throw new MethodFailure(method, returnValue);
    const [job] = values.get('Job') ?? [];
    if (!isReference(job)) throw nonsense(`${method} began a job and does not say which`);
    const { InstanceID = '' } = job.selectors;
    this.#ours.add(InstanceID);
    const end = performance.now() + patience;
    try {
      for (let wait = this.#pace.first; ; wait = this.#longer(wait)) {
        const left = await this.#atWork(method, job, signal);
        if (left === undefined) return;
        if (performance.now() >= end) throw this.#stillAt('TimedOut', left);
        await unlessAborted(sleep(wait), signal);
      }
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
    await this.#until(() => this.#about(system, signal), signal).catch((reason) => {
      if (!(reason instanceof DriverError && reason.code === 'NotFound')) throw reason;
    });
  }

  /** What is under way with a machine, in words; undefined of one that is gone. */
  async underWay(system: Reference, signal: AbortSignal): Promise<string | undefined> {
    const job = await this.#about(system, signal).catch((reason) => {
      if (reason instanceof DriverError && reason.code === 'NotFound') return undefined;
      throw reason;
    });
    return job && nameOf(job);
  }

  async #about(system: Reference, signal: AbortSignal): Promise<Job | undefined> {
    const all = await this.#wmi.associated(system, 'Msvm_AffectedJobElement', jobClass, signal);
    return all.find((job) => isAtWork(job) && isOurKind(job));
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

  /** The job, unless it has ended. One that the host has forgotten ended minutes ago: what it was about tells how. */
  async #atWork(method: string, reference: Reference, signal: AbortSignal): Promise<Job | undefined> {
    const job = await this.#wmi.get(jobClass, reference, signal).catch((reason) => {
      if (reason instanceof DriverError && reason.code === 'NotFound') return undefined;
      throw reason;
    });
    if (job === undefined) return undefined;
    const { JobState: state = 0, ErrorCode, ErrorDescription } = job.common;
    if (isAtWork(job)) return job;
    if (done.includes(state)) return undefined;
    throw new MethodFailure(method, ErrorCode ?? state, await this.#words(reference, ErrorDescription, signal));
  }

  async #until(look: () => Promise<Job | undefined>, signal: AbortSignal): Promise<boolean> {
    const { first, patience = usualPatience } = this.#pace;
    const began = performance.now();
    for (let wait = first, waited = false; ; wait = this.#longer(wait), waited = true) {
      const job = await look();
      if (job === undefined) return waited;
      if (this.#outlasting.has(job.common.InstanceID) || performance.now() - began >= patience) throw this.#stillAt('Busy', job);
      await unlessAborted(sleep(wait), signal);
    }
  }

  #stillAt(code: 'Busy' | 'TimedOut', job: Job): DriverError {
    if (this.#outlasting.size >= mostRemembered) this.#outlasting.clear();
    this.#outlasting.add(job.common.InstanceID);
    return new DriverError(code, `the host is still at ${nameOf(job)}: ${standOf(job)}; waiting for it, or end it in Hyper-V Manager`);
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

/** How long it has been at it by the host's own clock, and how far it is. */
function standOf({ common: { PercentComplete = 0, ElapsedTime } }: Job): string {
  const elapsed = elapsedIn(ElapsedTime);
  return elapsed === undefined ? `${PercentComplete} %` : `${PercentComplete} %, for ${elapsed}`;
}

const nameOf = ({ common: { Name = '', InstanceID } }: Job): string =>
  `${JSON.stringify(Name === '' ? InstanceID : Name)} (job ${InstanceID})`;

/** Of an interval as CIM has it, `P0DT0H1M5S`, in words; undefined of none, and of what is less than a second. */
function elapsedIn(interval = ''): string | undefined {
  const [, days = 0, hours = 0, minutes = 0, seconds = 0] = /^P(\d+)DT(\d+)H(\d+)M(\d+)/.exec(interval)?.map(Number) ?? [];
  const total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds;
  if (total === 0) return undefined;
  return total < 120 ? `${total} s` : `${Math.floor(total / 60)} min`;
}
