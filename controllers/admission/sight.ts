import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterWatches } from '../binder.js';
import { watchCluster } from '../cluster/watches.js';
import type { Client } from '../kubernetes/client.js';
import { type Known, knownOf } from './known.js';

export interface SightOptions {
  readonly client: Client;
  readonly namespace: string;
  readonly onTrouble: (message: string, error: unknown) => void;
  /** Whoever leads soon need not look twice. */
  readonly settleMs?: number;
}

/** What a webhook sees: with the eyes of the controller that leads in this process, and with its own while none does. */
export class Sight {
  readonly #options: SightOptions;
  readonly #signal: AbortSignal;
  #known: Known | undefined;
  #leading: AbortSignal | undefined;
  #stop = new AbortController();

  constructor(options: SightOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    void sleep(options.settleMs ?? 3_000, undefined, { signal }).then(
      () => this.#look(),
      () => {},
    );
  }

  /** Undefined while nothing is known yet. */
  get known(): Known | undefined {
    return this.#known;
  }

  /** These are everything, until the signal. */
  follow(watched: ClusterWatches, leading: AbortSignal): void {
    this.#leading = leading;
    this.#known = knownOf(watched);
    this.#stop.abort();
    leading.addEventListener('abort', () => this.#look(), { once: true });
  }

  #look(): void {
    if (this.#signal.aborted || this.#leading?.aborted === false) return;
    const { client, namespace, onTrouble } = this.#options;
    const stop = new AbortController();
    this.#stop = stop;
    const watched = watchCluster({ client, onTrouble }, namespace, AbortSignal.any([this.#signal, stop.signal]));
    const synced = Promise.all(Object.values(watched).map(({ reflector }) => reflector.synced));
    synced.then(
      () => {
        if (!stop.signal.aborted) this.#known = knownOf(watched);
      },
      () => {},
    );
  }
}
