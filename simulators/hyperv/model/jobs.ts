import { randomUUID } from 'node:crypto';
import { codes, Refusal } from '../cim/codes.js';
import type { CimObject } from '../cim/object.js';

export interface Job {
  readonly id: string;
  readonly className: 'Msvm_ConcreteJob' | 'Msvm_StorageJob' | 'Msvm_NetworkJob';
  readonly name: string;
  readonly startedAt: number;
  /** As `JobType` of version 2 has it; 0 is one that is not told. */
  readonly type: number;
  /** The machine that it is about: of one that makes it, once it is there. */
  affects: string | undefined;
  state: 'running' | 'done' | 'failed' | 'killed';
  percent: number;
  failure?: Refusal;
}

export type JobAbout = Partial<Pick<Job, 'type' | 'affects'>>;

const states: Readonly<Record<Job['state'], number>> = { running: 4, done: 7, failed: 10, killed: 9 };
/** In milliseconds: how long a job is remembered after its end. */
const rememberedMs = 300_000;

/** What takes its time. */
export class Jobs {
  readonly #jobs = new Map<string, Job>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #ms: () => number;
  readonly #changed: (job: Job) => void;

  /** `ms` is how long a job takes. */
  constructor(ms: () => number, changed: (job: Job) => void) {
    this.#ms = ms;
    this.#changed = changed;
  }

  get all(): readonly Job[] {
    return [...this.#jobs.values()];
  }

  find(id: string): Job | undefined {
    return this.#jobs.get(id);
  }

  /** `act` is done at its end, and fails it by a Refusal. */
  start(name: string, className: Job['className'], act: (job: Job) => void | Promise<void>, about: JobAbout = {}): Job {
    const id = randomUUID().toUpperCase();
    const { type = 0, affects } = about;
    const job: Job = { id, className, name, startedAt: Date.now(), type, affects, state: 'running', percent: 0 };
    this.#jobs.set(job.id, job);
    this.#later(this.#ms(), () => this.#finish(job, act));
    return job;
  }

  /** As an administrator does. */
  kill(job: Job): void {
    if (job.state === 'running') this.#end(job, 'killed');
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  async #finish(job: Job, act: (job: Job) => void | Promise<void>): Promise<void> {
    if (job.state !== 'running') return;
    try {
      await act(job);
      if (job.state !== 'running') return;
      job.percent = 100;
      this.#end(job, 'done');
    } catch (reason) {
      job.failure = reason instanceof Refusal ? reason : new Refusal(codes.failed, String(reason));
      this.#end(job, 'failed');
    }
  }

  #end(job: Job, state: Job['state']): void {
    job.state = state;
    this.#changed(job);
    this.#later(rememberedMs, () => this.#jobs.delete(job.id));
  }

  #later(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    timer.unref();
    this.#timers.add(timer);
  }
}

export function jobObject({ id, className, name, type, startedAt, state, percent, failure }: Job): CimObject {
  return {
    className,
    values: {
      InstanceID: id,
      Caption: name,
      Description: name,
      ElementName: name,
      Name: name,
      JobType: String(type),
      JobState: String(states[state]),
      JobStatus: state === 'failed' ? 'Job failed' : 'OK',
      OperationalStatus: state === 'running' ? ['2', '5'] : ['17', state === 'failed' ? '6' : '2'],
      StatusDescriptions: state === 'running' ? ['OK', 'In Service'] : ['Completed', state === 'failed' ? 'Error' : 'OK'],
      Status: 'OK',
      HealthState: '5',
      PercentComplete: String(percent),
      StartTime: new Date(startedAt).toISOString(),
      TimeSubmitted: new Date(startedAt).toISOString(),
      ElapsedTime: `P0DT0H0M${Math.floor((Date.now() - startedAt) / 1_000)}S`,
      TimeBeforeRemoval: 'P0DT0H5M0S',
      InstallDate: '1601-01-01T00:00:00Z',
      JobRunTimes: '1',
      LocalOrUtcTime: '2',
      Priority: '0',
      RecoveryAction: '2',
      OtherRecoveryAction: '',
      DeleteOnCompletion: 'false',
      Cancellable: 'true',
      Notify: '',
      Owner: 'NT AUTHORITY\\SYSTEM',
      ErrorCode: String(failure?.code ?? 0),
      ErrorDescription: failure?.message ?? '',
      ErrorSummaryDescription: failure?.message ?? '',
      ...(className === 'Msvm_StorageJob' ? { JobCompletionStatusCode: String(failure?.code ?? 0) } : {}),
    },
  };
}
