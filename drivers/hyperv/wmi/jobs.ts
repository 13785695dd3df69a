import { setTimeout as sleep } from 'node:timers/promises';
import { unlessAborted } from '#drivers/deadline.js';
import type { Outcome } from '../wsman/client.js';
import { decodeEmbedded } from '../wsman/embedded.js';
import { isReference } from '../wsman/instance.js';
import { nonsense } from '../wsman/nonsense.js';
import { job as jobClass } from './classes.js';
import { MethodFailure } from './return-code.js';
import type { Wmi } from './wmi.js';

/** In milliseconds, between two looks: the first ones, and the longest. */
export interface Pace {
  readonly first: number;
  readonly longest: number;
}

const usualPace: Pace = { first: 50, longest: 1_000 };
const jobStarted = 4096;
/** New, starting, running, suspended, shutting down. */
const goingOn: readonly number[] = [2, 3, 4, 5, 6];
/** Completed, and completed with warnings. */
const done: readonly number[] = [7, 32768];

/** How a job ended. `Gone`: the host remembers it no more, as it does a few minutes after the end; look at what it was about. */
export type JobEnd = 'Done' | 'Gone';

/** What takes its time on the host, and outlives us. */
export class Jobs {
  readonly #wmi: Wmi;
  readonly #pace: Pace;

  constructor(wmi: Wmi, pace: Pace = usualPace) {
    this.#wmi = wmi;
    this.#pace = pace;
  }

  /**
   * Waits until what a method began has ended. `remember` is told of the job before we wait, so that another life can go on with `ended`.
   * Rejects with a MethodFailure, in the host's own words, when it refused or failed.
   */
  async finished(
    method: string,
    { returnValue, values }: Outcome,
    signal: AbortSignal,
    remember: (job: string) => Promise<void> | void = () => {},
  ): Promise<JobEnd> {
    if (returnValue === 0) return 'Done';
    if (returnValue !== jobStarted) throw new MethodFailure(method, returnValue);
    const [job] = values.get('Job') ?? [];
    const id = isReference(job) ? job.selectors['InstanceID'] : undefined;
    if (id === undefined) throw nonsense(`${method} began a job and does not say which`);
    await remember(id);
    return this.ended(method, id, signal);
  }

  /** Waits for a job that was remembered. */
  async ended(method: string, id: string, signal: AbortSignal): Promise<JobEnd> {
    for (let wait = this.#pace.first; ; wait = Math.min(wait * 2, this.#pace.longest)) {
      const [job] = await this.#wmi.find(jobClass, { InstanceID: id }, signal);
      if (job === undefined) return 'Gone';
      const { JobState: state = 0, ErrorCode, ErrorDescription } = job.common;
      if (done.includes(state)) return 'Done';
      if (!goingOn.includes(state)) throw new MethodFailure(method, ErrorCode ?? state, await this.#words(job, ErrorDescription, signal));
      await unlessAborted(sleep(wait), signal);
    }
  }

  /** The job's own errors say more than its description, where it tells them. */
  async #words(
    { reference }: Pick<Awaited<ReturnType<Wmi['find']>>[number], 'reference'>,
    described: string | undefined,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { values } = await this.#wmi.client
      .invoke(reference, 'GetErrorEx', {}, signal)
      .catch(() => ({ values: new Map() }) as Pick<Outcome, 'values'>);
    const told = (values.get('Errors') ?? []).flatMap((error) =>
      typeof error === 'string' ? (decodeEmbedded(error).properties.get('Message') ?? []) : [],
    );
    const words = [...new Set([...told, ...(told.length === 0 && described !== undefined ? [described] : [])])].join(' ').trim();
    return words === '' ? undefined : words;
  }
}
