import { sleep, within } from './clock.js';
import type { LeadOptions } from './lease.js';
import { LeaseHolder } from './lease-holder.js';
import { elapsedMs, type Moment, momentOf } from './moment.js';
import { tell } from './tell.js';

/** Why the work's signal came: another has the lead, or may have it soon. */
export class LeadLost extends Error {
  override readonly name = 'LeadLost';
}

const releaseWithinMs = 5_000;

/**
 * Waits for the lead and does the work. The work's own signal says that the lead is lost, before anyone else can have it: the work must
 * then end, and the waiting starts again. Resolves when the work ended by itself or the signal came, the lease released; rejects with the
 * work's own error. Two never lead together as long as the work ends within `durationMs - renewDeadlineMs` of its signal.
 * `leads` tells by the clock: a process that stood still learns from it that the lead is lost before any of its timers has run.
 */
export async function lead(
  options: LeadOptions,
  work: (leading: AbortSignal, leads: () => boolean) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const times = timesOf(options);
  const holder = new LeaseHolder(options, times.durationMs);
  while (!signal.aborted) {
    const since = await campaign(holder, options, times, signal);
    if (since === undefined) return;
    const reign = new Reign(holder, options, times, since, signal);
    const lost = await reign.run(work);
    if (!lost) return;
  }
}

interface Times {
  readonly durationMs: number;
  readonly renewDeadlineMs: number;
  readonly retryMs: number;
}

function timesOf({
  durationMs = 15_000,
  renewDeadlineMs = (durationMs * 2) / 3,
  retryMs = Math.min(2_000, renewDeadlineMs / 4),
}: LeadOptions): Times {
  if (renewDeadlineMs >= durationMs)
    throw new RangeError(`renewDeadlineMs is ${renewDeadlineMs}; it must be below durationMs, ${durationMs}`);
  return { durationMs, renewDeadlineMs, retryMs };
}

/** Resolves to the moment before the winning request was sent; undefined when the signal came. */
async function campaign(holder: LeaseHolder, options: LeadOptions, times: Times, signal: AbortSignal): Promise<Moment | undefined> {
  while (!signal.aborted) {
    const before = momentOf(holder.clock);
    const winner = await tryHold(holder, options, times, signal);
    if (winner === options.identity) return before;
    await sleep(holder.clock, times.retryMs * (0.8 + Math.random() * 0.4), signal).catch(() => {});
  }
  return undefined;
}

/** Who holds it; undefined when that is not known. */
function tryHold(holder: LeaseHolder, options: LeadOptions, times: Times, signal: AbortSignal): Promise<string | undefined> {
  return within(holder.clock, times.renewDeadlineMs / 2, signal, (limited) => holder.tryHold(limited)).catch((error: unknown) => {
    if (!signal.aborted) tell(() => options.onError?.(error));
    return undefined;
  });
}

/** From winning to losing. */
class Reign {
  readonly #holder: LeaseHolder;
  readonly #options: LeadOptions;
  readonly #times: Times;
  readonly #signal: AbortSignal;
  readonly #leading = new AbortController();
  #renewed: Moment;
  #cancelDeadline: () => void = () => {};

  constructor(holder: LeaseHolder, options: LeadOptions, times: Times, since: Moment, signal: AbortSignal) {
    this.#holder = holder;
    this.#options = options;
    this.#times = times;
    this.#renewed = since;
    this.#signal = signal;
  }

  /** Resolves to whether the lead was lost, once the work has ended. */
  async run(work: (leading: AbortSignal, leads: () => boolean) => Promise<void>): Promise<boolean> {
    const stop = (): void => this.#leading.abort(this.#signal.reason);
    this.#signal.addEventListener('abort', stop, { once: true });
    if (this.#signal.aborted) stop();
    this.#setDeadline();
    const over = new AbortController();
    const renewing = this.#keepRenewing(over.signal);
    try {
      await work(this.#leading.signal, () => !this.#isLost());
    } catch (error) {
      if (!this.#leading.signal.aborted) throw error;
    } finally {
      over.abort();
      this.#cancelDeadline();
      this.#signal.removeEventListener('abort', stop);
      await renewing;
      await this.#release();
    }
    return this.#leading.signal.reason instanceof LeadLost;
  }

  /** Goes on while the work winds down after its signal, but never takes back what is lost. */
  async #keepRenewing(over: AbortSignal): Promise<void> {
    const { retryMs } = this.#times;
    while (!over.aborted) {
      await sleep(this.#holder.clock, retryMs, over).catch(() => {});
      if (over.aborted || this.#isLost()) return;
      const before = momentOf(this.#holder.clock);
      const winner = await tryHold(this.#holder, this.#options, this.#times, over);
      if (this.#isLost()) return;
      if (winner === this.#options.identity) this.#renewed = before;
      else if (winner !== undefined && !over.aborted) return this.#lose(`${winner} holds the lease`);
      this.#setDeadline();
    }
  }

  #isLost(): boolean {
    if (this.#leading.signal.reason instanceof LeadLost) return true;
    if (elapsedMs(this.#holder.clock, this.#renewed) < this.#times.renewDeadlineMs) return false;
    this.#lose(`no renewal for ${this.#times.renewDeadlineMs} ms`);
    return true;
  }

  #setDeadline(): void {
    this.#cancelDeadline();
    const left = this.#times.renewDeadlineMs - elapsedMs(this.#holder.clock, this.#renewed);
    this.#cancelDeadline = this.#holder.clock.after(Math.max(0, left), () =>
      this.#lose(`no renewal for ${this.#times.renewDeadlineMs} ms`),
    );
  }

  #lose(why: string): void {
    this.#leading.abort(new LeadLost(why));
  }

  async #release(): Promise<void> {
    const free = new AbortController();
    await within(this.#holder.clock, releaseWithinMs, free.signal, (limited) => this.#holder.release(limited)).catch((error: unknown) =>
      tell(() => this.#options.onError?.(error)),
    );
  }
}
