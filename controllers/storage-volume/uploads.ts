import type { IncomingMessage } from 'node:http';
import { DriverError } from '#drivers/error.js';

/** Content that somebody brings for a volume. */
export interface Upload {
  readonly request: IncomingMessage;
  /** Says that its bytes may come now. */
  readonly wanted: () => void;
}

/** What fills a volume with an upload, and tells whoever brings it how that ended. */
export interface Taken {
  readonly upload: Upload;
  settle(reason?: unknown): void;
}

interface Offer extends Taken {
  taken: boolean;
}

/** The volume's own loop takes it up within moments, unless something hinders it. */
const patienceMs = 30_000;

/** Uploads that are at the door of one host, by the uid of their volume: each until its volume is filled. */
export class Uploads {
  readonly #offers = new Map<string, Offer>();
  readonly #onOffer: (uid: string) => void;

  constructor(onOffer: (uid: string) => void) {
    this.#onOffer = onOffer;
  }

  isOffered(uid: string): boolean {
    return this.#offers.get(uid)?.taken === false;
  }

  isUnderWay(uid: string): boolean {
    return this.#offers.has(uid);
  }

  /** Resolves when the volume is whole; rejects with what went wrong. */
  async offer(uid: string, upload: Upload, signal: AbortSignal): Promise<void> {
    if (this.#offers.has(uid)) throw new DriverError('Conflict', 'another upload into this volume is under way; wait for its end');
    const patience = setTimeout(() => this.#giveUp(uid, busy()), patienceMs);
    const left = () => this.#giveUp(uid, new DriverError('TimedOut', 'whoever brought it left'));
    signal.addEventListener('abort', left, { once: true });
    try {
      await new Promise<void>((resolve, reject) => {
        this.#offers.set(uid, { upload, taken: false, settle: (reason) => (reason === undefined ? resolve() : reject(reason)) });
        this.#onOffer(uid);
      });
    } finally {
      clearTimeout(patience);
      signal.removeEventListener('abort', left);
      this.#offers.delete(uid);
    }
  }

  /** By who fills the volume: undefined when it is gone again. */
  take(uid: string): Taken | undefined {
    const offer = this.#offers.get(uid);
    if (offer === undefined || offer.taken) return undefined;
    offer.taken = true;
    return offer;
  }

  /** What is taken already ends with its content. */
  #giveUp(uid: string, reason: DriverError): void {
    const offer = this.#offers.get(uid);
    if (offer?.taken === false) offer.settle(reason);
  }
}

const busy = () =>
  new DriverError('Busy', `the volume did not take it within ${patienceMs / 1_000} s; see what its conditions say, and try again`);
