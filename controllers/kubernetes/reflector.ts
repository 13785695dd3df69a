import type { Client, Selection, WatchEvent } from './api.js';
import { type BackoffOptions, backoffMs } from './backoff.js';
import { type Clock, sleep, systemClock } from './clock.js';
import { ApiError } from './error.js';
import { compareVersions, type KubernetesObject, keyOf, type Resource } from './resource.js';
import type { Store } from './store.js';
import { tell } from './tell.js';

export interface ReflectorOptions<T> {
  readonly client: Client;
  readonly resource: Resource;
  readonly selection?: Selection;
  /** Where the objects go. */
  readonly store: Store<T>;
  /** Decodes or throws; what cannot be decoded is kept out of the store (and taken out, if an earlier version is in it). */
  readonly decode: (raw: KubernetesObject) => T;
  readonly onUndecodable?: (raw: KubernetesObject, error: unknown) => void;
  /** A list or watch failed and is tried again: for logs and metrics. */
  readonly onRestart?: (restart: Restart) => void;
  readonly clock?: Clock;
  /** Default 200 ms to 30 s. */
  readonly backoff?: BackoffOptions;
  /** Everything is listed anew after this long even if all is well. Default an hour, less a random part. */
  readonly relistMs?: number;
}

export interface Restart {
  readonly resource: string;
  /** `ended`: the server closed an orderly watch. `expired`: 410. `rewound`: the server's history is not the one we knew. `failed`: see `error`. */
  readonly cause: 'ended' | 'expired' | 'rewound' | 'failed' | 'due';
  readonly error?: unknown;
}

export interface Reflector {
  /** Resolves when the store first shows everything; rejects when the signal came first. */
  readonly synced: Promise<void>;
  readonly hasSynced: boolean;
  /** Resolves after the signal, when nothing is written any more. Never rejects. */
  readonly ended: Promise<void>;
}

type Kept = Pick<KubernetesObject, 'metadata'>;

/** Keeps the store equal to the server until the signal, whatever happens in between. */
export function startReflector<T extends Kept>(options: ReflectorOptions<T>, signal: AbortSignal): Reflector {
  return new ListWatcher(options, signal);
}

/** A watch that lives this long without a word is a good one all the same. */
const soundAfterMs = 10_000;
const longestRetryAfterMs = 300_000;
const hourMs = 3_600_000;

class ListWatcher<T extends Kept> implements Reflector {
  readonly synced: Promise<void>;
  readonly ended: Promise<void>;
  hasSynced = false;
  readonly #options: ReflectorOptions<T>;
  readonly #signal: AbortSignal;
  readonly #clock: Clock;
  readonly #backoff: BackoffOptions;
  readonly #random: () => number;
  /** Up to where the store follows the server; undefined: list. */
  #version: string | undefined;
  #listAgainAt = 0;
  /** Rounds in a row that brought nothing. */
  #failures = 0;
  /** What was kept out, so that each version is reported once. */
  #undecodable = new Map<string, Kept>();
  #resolveSynced: () => void = () => {};

  constructor(options: ReflectorOptions<T>, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#clock = options.clock ?? systemClock;
    this.#backoff = options.backoff ?? { firstMs: 200, maxMs: 30_000 };
    this.#random = this.#backoff.random ?? Math.random;
    this.synced = new Promise((resolve, reject) => {
      this.#resolveSynced = resolve;
      if (signal.aborted) reject(signal.reason);
      else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    // Nobody has to wait for it.
    this.synced.catch(() => {});
    this.ended = this.#run();
  }

  async #run(): Promise<void> {
    while (!this.#signal.aborted) {
      const wait = await this.#round().then(
        (restart) => this.#restarted(restart),
        (error: unknown) => this.#restarted({ cause: 'failed', error }),
      );
      if (wait > 0) await sleep(this.#clock, wait, this.#signal).catch(() => {});
    }
  }

  /** Catches up, then follows until the watch ends. */
  async #round(): Promise<Omit<Restart, 'resource'>> {
    if (this.#version !== undefined && this.#clock.monotonic() >= this.#listAgainAt) return this.#startOver('due');
    if (this.#version === undefined) this.#version = await this.#list();
    else if (await this.#isOtherHistory(this.#version)) return this.#startOver('rewound');
    return (await this.#watch(this.#version)) === 'expired' ? this.#startOver('expired') : { cause: 'ended' };
  }

  #startOver(cause: Restart['cause']): Omit<Restart, 'resource'> {
    this.#version = undefined;
    return { cause };
  }

  /** Tells, and says how long to wait: not at all after a round that brought something. */
  #restarted(restart: Omit<Restart, 'resource'>): number {
    if (this.#signal.aborted) return 0;
    tell(() => this.#options.onRestart?.({ resource: this.#options.resource.plural, ...restart }));
    if (restart.cause === 'due') return 0;
    if (ApiError.is(restart.error, 'Expired')) this.#version = undefined;
    const asked = ApiError.is(restart.error) ? Math.min(restart.error.retryAfterMs ?? 0, longestRetryAfterMs) : 0;
    const sound = this.#failures === 0 && restart.cause !== 'failed';
    return sound ? this.#countFailure(0) : Math.max(asked, this.#countFailure(backoffMs(this.#failures, this.#backoff)));
  }

  #countFailure(wait: number): number {
    this.#failures++;
    return wait;
  }

  async #list(): Promise<string> {
    const { client, resource, selection = {}, store } = this.#options;
    const objects: T[] = [];
    const undecodable = new Map<string, Kept>();
    let version = '';
    for await (const page of client.pages(resource, selection, this.#signal)) {
      for (const raw of page.items) this.#decode(raw, undecodable, (object) => objects.push(object));
      version = page.resourceVersion;
    }
    this.#undecodable = undecodable;
    store.replace(objects);
    this.#listAgainAt = this.#clock.monotonic() + (this.#options.relistMs ?? hourMs) * (0.75 + this.#random() / 4);
    this.hasSynced = true;
    this.#resolveSynced();
    return version;
  }

  /**
   * Whether the server may have lost or restored its data while we looked away. A watch does not tell: from a version that is still to come
   * it is silent. So we look at one object: its history must be ours.
   */
  async #isOtherHistory(version: string): Promise<boolean> {
    const { client, resource, selection = {}, store } = this.#options;
    const page = await client.list(resource, { ...selection, limit: 1 }, this.#signal);
    if (compareVersions(page.resourceVersion, version) < 0) return true;
    const [raw] = page.items;
    if (raw === undefined) return store.size + this.#undecodable.size > 0;
    const key = keyOf(raw.metadata);
    const known = (store.get(key) ?? this.#undecodable.get(key))?.metadata;
    return known?.uid !== raw.metadata.uid || compareVersions(raw.metadata.resourceVersion, known.resourceVersion) < 0;
  }

  async #watch(resourceVersion: string): Promise<'ended' | 'expired'> {
    const { client, resource, selection = {} } = this.#options;
    const timeoutSeconds = Math.round(300 * (1 + this.#random()));
    const start = this.#clock.monotonic();
    const events = client.watch(resource, { ...selection, resourceVersion, timeoutSeconds }, this.#signal);
    for await (const event of events) {
      if (event.kind === 'expired') return 'expired';
      this.#follow(event);
      this.#failures = 0;
    }
    if (this.#clock.monotonic() - start > soundAfterMs) this.#failures = 0;
    return 'ended';
  }

  #follow(event: Exclude<WatchEvent, { kind: 'expired' }>): void {
    if (event.kind === 'bookmark') {
      this.#version = event.resourceVersion;
      return;
    }
    const key = keyOf(event.object.metadata);
    this.#version = event.object.metadata.resourceVersion;
    if (event.kind === 'deleted') {
      this.#undecodable.delete(key);
      this.#options.store.delete(key);
    } else if (!this.#decode(event.object, this.#undecodable, (object) => this.#options.store.set(object))) this.#options.store.delete(key);
  }

  /** False: it cannot be decoded, and was reported unless it was before. */
  #decode(raw: KubernetesObject, undecodable: Map<string, Kept>, take: (object: T) => void): boolean {
    const { decode, onUndecodable } = this.#options;
    const key = keyOf(raw.metadata);
    let object: T;
    try {
      object = decode(raw);
    } catch (error) {
      const known = this.#undecodable.get(key)?.metadata;
      undecodable.set(key, { metadata: raw.metadata });
      if (known?.resourceVersion !== raw.metadata.resourceVersion) tell(() => onUndecodable?.(raw, error));
      return false;
    }
    undecodable.delete(key);
    take(object);
    return true;
  }
}
