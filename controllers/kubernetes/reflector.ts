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
  /** Of objects that are not meant nothing is kept but their version. All are when absent. */
  readonly isMeant?: (raw: KubernetesObject) => boolean;
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
  /** Lists everything anew. Resolves when the store shows what a list brought that was begun after this call; rejects when a signal comes first. */
  listedAnew(signal: AbortSignal): Promise<void>;
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
  /** What was kept out: each version of what cannot be decoded is reported once, and a history that is not ours is seen by it. */
  #keptOut = new Map<string, Kept>();
  #resolveSynced: () => void = () => {};
  /** Who waits for a list that is not begun yet. */
  #waiting: (() => void)[] = [];
  #interrupt: () => void = () => {};

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

  listedAnew(signal: AbortSignal): Promise<void> {
    const either = AbortSignal.any([signal, this.#signal]);
    return new Promise((resolve, reject) => {
      if (either.aborted) return reject(either.reason);
      either.addEventListener('abort', () => reject(either.reason), { once: true });
      this.#waiting.push(resolve);
      this.#interrupt();
    });
  }

  async #run(): Promise<void> {
    // Whoever begins it may wait for the first list, too.
    await Promise.resolve();
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
    const isDue = this.#waiting.length > 0 || this.#clock.monotonic() >= this.#listAgainAt;
    if (this.#version !== undefined && isDue) return this.#startOver('due');
    if (this.#version === undefined) this.#version = await this.#list();
    else if (await this.#isOtherHistory(this.#version)) return this.#startOver('rewound');
    const end = await this.#watch(this.#version);
    return end === 'ended' ? { cause: end } : this.#startOver(end);
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
    const keptOut = new Map<string, Kept>();
    let version = '';
    const waiting = this.#waiting.splice(0);
    try {
      for await (const page of client.pages(resource, selection, this.#signal)) {
        for (const raw of page.items) this.#decode(raw, keptOut, (object) => objects.push(object));
        version = page.resourceVersion;
      }
    } catch (error) {
      this.#waiting.unshift(...waiting);
      throw error;
    }
    this.#keptOut = keptOut;
    store.replace(objects);
    this.#listAgainAt = this.#clock.monotonic() + (this.#options.relistMs ?? hourMs) * (0.75 + this.#random() / 4);
    this.hasSynced = true;
    this.#resolveSynced();
    for (const resolve of waiting) resolve();
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
    if (raw === undefined) return store.size + this.#keptOut.size > 0;
    const key = keyOf(raw.metadata);
    const known = (store.get(key) ?? this.#keptOut.get(key))?.metadata;
    return known?.uid !== raw.metadata.uid || compareVersions(raw.metadata.resourceVersion, known.resourceVersion) < 0;
  }

  /** `due`: it was interrupted, as somebody waits for a list. */
  async #watch(resourceVersion: string): Promise<'ended' | 'expired' | 'due'> {
    const { client, resource, selection = {} } = this.#options;
    const timeoutSeconds = Math.round(300 * (1 + this.#random()));
    const start = this.#clock.monotonic();
    const interruption = new AbortController();
    this.#interrupt = () => interruption.abort();
    if (this.#waiting.length > 0) return 'due';
    const signal = AbortSignal.any([this.#signal, interruption.signal]);
    try {
      for await (const event of client.watch(resource, { ...selection, resourceVersion, timeoutSeconds }, signal)) {
        if (event.kind === 'expired') return 'expired';
        this.#follow(event);
        this.#failures = 0;
      }
    } catch (error) {
      if (interruption.signal.aborted) return 'due';
      throw error;
    } finally {
      this.#interrupt = () => {};
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
      this.#keptOut.delete(key);
      this.#options.store.delete(key);
    } else if (!this.#decode(event.object, this.#keptOut, (object) => this.#options.store.set(object))) this.#options.store.delete(key);
  }

  /** False: it is not meant, or cannot be decoded, and was reported unless it was before. */
  #decode(raw: KubernetesObject, keptOut: Map<string, Kept>, take: (object: T) => void): boolean {
    const { decode, isMeant, onUndecodable } = this.#options;
    const key = keyOf(raw.metadata);
    if (isMeant?.(raw) === false) {
      keptOut.set(key, { metadata: versionOf(raw) });
      return false;
    }
    let object: T;
    try {
      object = decode(raw);
    } catch (error) {
      const known = this.#keptOut.get(key)?.metadata;
      keptOut.set(key, { metadata: raw.metadata });
      if (known?.resourceVersion !== raw.metadata.resourceVersion) tell(() => onUndecodable?.(raw, error));
      return false;
    }
    keptOut.delete(key);
    take(object);
    return true;
  }
}

const versionOf = ({ metadata: { name, namespace, uid, resourceVersion, creationTimestamp } }: KubernetesObject): Kept['metadata'] => ({
  name,
  uid,
  resourceVersion,
  creationTimestamp,
  ...(namespace === undefined ? {} : { namespace }),
});
