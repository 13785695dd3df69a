import type { RequestReport } from './kubernetes/client.js';
import type { QueueObserver } from './kubernetes/queue.js';

/** Agents renew their Leases every 10 s: this is two that went unanswered. */
const lostAfterMs = 25_000;
/** The longest pass gives up after 10 minutes. */
const stuckAfterMs = 15 * 60_000;

interface Work {
  passes: number;
  /** When a pass last began or ended. */
  movedAt: number;
}

/** What /readyz and /healthz answer: ready is who knows the cluster, leading or not; healthy is whose passes come to an end. */
export class Health {
  readonly #now: () => number;
  #answeredAt: number | undefined;
  #watches = false;
  readonly #unsynced = new Set<object>();
  readonly #loops = new Map<string, Work>();

  /** `now` in monotonic milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** A server that answers every request with an error of its own is as good as lost. */
  requested({ code }: Pick<RequestReport, 'code'>): void {
    if (code > 0 && code < 500) this.#answeredAt = this.#now();
  }

  /** Not ready until all of these are in, or nobody waits for them any more. */
  watching(synced: Promise<unknown>): void {
    this.#watches = true;
    const token = {};
    this.#unsynced.add(token);
    const over = () => void this.#unsynced.delete(token);
    synced.then(over, over);
  }

  /** Follows a loop through what its queue tells. */
  following<O extends QueueObserver>(loop: string, observer: O): O {
    const work = this.#loops.get(loop) ?? { passes: 0, movedAt: 0 };
    this.#loops.set(loop, work);
    const moved = (by: 1 | -1) => Object.assign(work, { passes: work.passes + by, movedAt: this.#now() });
    return {
      ...observer,
      waited: (seconds) => {
        moved(1);
        observer.waited(seconds);
      },
      processed: (seconds, outcome) => {
        moved(-1);
        observer.processed(seconds, outcome);
      },
    };
  }

  notReady(): string | undefined {
    if (this.#answeredAt === undefined) return 'the API server has not answered yet';
    const silentMs = this.#now() - this.#answeredAt;
    if (silentMs > lostAfterMs) return `the API server has not answered for ${Math.round(silentMs / 1_000)} s`;
    if (!this.#watches) return 'nothing is watched yet';
    return this.#unsynced.size > 0 ? 'watches have not brought everything yet' : undefined;
  }

  notHealthy(): string | undefined {
    const now = this.#now();
    const stuck = [...this.#loops].filter(([, { passes, movedAt }]) => passes > 0 && now - movedAt > stuckAfterMs);
    return stuck.length === 0 ? undefined : `no pass has ended for 15 minutes: ${stuck.map(([loop]) => loop).join(', ')}`;
  }
}
