import { sleep, within } from './clock.js';
import type { HeartbeatOptions } from './lease.js';
import { LeaseHolder } from './lease-holder.js';
import { elapsedMs, type Moment, momentOf } from './moment.js';
import { tell } from './tell.js';

/** Of letting go at the end. */
const releaseWithinMs = 2_000;
/** A lease that another holds may be let go of at any time. */
const waitMs = 2_000;

/**
 * Renews until the signal, whatever fails; then lets go, so that who comes next need not wait. Who looks for signs of life takes that for one.
 * Never takes a lease that another identity keeps alive: that is reported through `onError`. Where no renewal arrives, `onLapse` comes
 * before anybody else can have the lease.
 */
export async function heartbeat(options: HeartbeatOptions, signal: AbortSignal): Promise<void> {
  const { durationMs = 40_000, periodMs = 10_000, identity, namespace, name } = options;
  const holder = new LeaseHolder(options, durationMs);
  const { clock } = holder;
  const lapse = new Lapse(holder, options, durationMs);
  while (!signal.aborted) {
    // Others count from when they see it, which is later.
    const before = momentOf(clock);
    const wait = await within(clock, periodMs, signal, (limited) => holder.tryHold(limited)).then(
      (winner) => {
        lapse.heldBy(winner, before);
        tell(() => options.onHolder?.(winner));
        if (winner !== identity)
          tell(() => options.onError?.(new Error(`lease ${namespace}/${name} is kept alive by ${winner}, not by ${identity}`)));
        return winner === identity ? periodMs : Math.min(periodMs, waitMs);
      },
      (error: unknown) => {
        if (!signal.aborted) tell(() => options.onError?.(error));
        return periodMs / 5;
      },
    );
    lapse.look();
    await sleep(clock, wait, signal).catch(() => {});
  }
  lapse.cancel();
  await within(clock, releaseWithinMs, new AbortController().signal, (limited) => holder.release(limited)).catch((error: unknown) =>
    tell(() => options.onError?.(error)),
  );
}

/** The end of what was renewed last, a quarter early: what is under way has that long to end. */
class Lapse {
  readonly #holder: LeaseHolder;
  readonly #options: HeartbeatOptions;
  readonly #afterMs: number;
  #renewed: Moment | undefined;
  cancel: () => void = () => {};

  constructor(holder: LeaseHolder, options: HeartbeatOptions, durationMs: number) {
    this.#holder = holder;
    this.#options = options;
    this.#afterMs = durationMs * 0.75;
  }

  heldBy(winner: string, since: Moment): void {
    this.#renewed = winner === this.#options.identity ? since : undefined;
    this.look();
  }

  look(): void {
    this.cancel();
    if (this.#renewed === undefined) return;
    const { clock } = this.#holder;
    const leftMs = this.#afterMs - elapsedMs(clock, this.#renewed);
    if (leftMs > 0) this.cancel = clock.after(leftMs, () => this.look());
    else this.#end();
  }

  #end(): void {
    this.#renewed = undefined;
    const { namespace, name, onLapse, onError } = this.#options;
    tell(() => onLapse?.());
    tell(() =>
      onError?.(new Error(`lease ${namespace}/${name} could not be renewed for ${this.#afterMs / 1_000} s: it is ours no longer`)),
    );
  }
}
