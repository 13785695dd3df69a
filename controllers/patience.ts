import type { Condition } from '#crds/types.js';

interface Subject {
  readonly metadata: { readonly uid: string };
}

interface Spoken {
  readonly conditions?: readonly Condition[];
}

/** A state that passes sooner than this is not worth a write. */
const worthSayingAfterMs = 1_000;
const mostRemembered = 100_000;

/** Holds back what is only on its way somewhere until it has lasted; what is reached, or needs somebody, is said at once. */
export class Patience {
  readonly #since = new Map<string, number>();
  readonly #worthSayingAfterMs: number;

  constructor(afterMs = worthSayingAfterMs) {
    this.#worthSayingAfterMs = afterMs;
  }

  /** Milliseconds to wait before this status is worth a write; 0: now. */
  left({ metadata }: Subject, { conditions = [] }: Spoken, now = Date.now()): number {
    const onItsWay = conditions.some(({ type, status }) => type === 'Reconciling' && status === 'True');
    if (!onItsWay) {
      this.#since.delete(metadata.uid);
      return 0;
    }
    if (this.#since.size >= mostRemembered) this.#since.clear();
    const since = this.#since.get(metadata.uid) ?? now;
    this.#since.set(metadata.uid, since);
    return Math.max(0, since + this.#worthSayingAfterMs - now);
  }
}
