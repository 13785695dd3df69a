export interface KeepaliveOptions {
  /** Silence after which the peer is asked whether it is there, in milliseconds. */
  readonly intervalMs: number;
  /** Questions without an answer after which it is not. */
  readonly count: number;
}

/** What libvirt's own clients and daemons do by default. */
export const defaultKeepalive: KeepaliveOptions = { intervalMs: 5_000, count: 5 };

/** Asks a silent peer for a sign of life, and gives up on one that shows none. */
export class Keepalive {
  readonly #options: KeepaliveOptions;
  readonly #ask: () => void;
  readonly #giveUp: () => void;
  #unanswered = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(options: KeepaliveOptions, ask: () => void, giveUp: () => void) {
    this.#options = options;
    this.#ask = ask;
    this.#giveUp = giveUp;
    this.#timer = setTimeout(() => this.#silence(), options.intervalMs).unref();
  }

  /** Anything at all was heard. */
  heard(): void {
    this.#unanswered = 0;
    this.#timer.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #silence(): void {
    const dead = this.#unanswered >= this.#options.count;
    this.#unanswered += 1;
    if (!dead) this.#timer.refresh();
    (dead ? this.#giveUp : this.#ask)();
  }
}
