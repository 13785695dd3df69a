import type { Client } from './api.js';
import { type Clock, systemClock, within } from './clock.js';
import { ApiError } from './error.js';
import { type EventText, eventOf, events, type Occurrences, seriesOf } from './event-object.js';
import type { KubernetesObject, ObjectRef } from './resource.js';
import { tell } from './tell.js';

export { type EventText, events } from './event-object.js';

export interface EventOptions {
  readonly client: Client;
  /** Who speaks, e.g. `virtwright.io/controller`. */
  readonly controller: string;
  /** Which one of them: pod or host name. */
  readonly instance: string;
  readonly clock?: Clock;
  /** An event could not be written, or was one too many: for a counter. */
  readonly onDropped?: (why: 'failed' | 'limited', error?: unknown) => void;
}

/** What `kubectl describe` shows. The same words on the same object again only count up. */
export interface EventRecorder extends AsyncDisposable {
  /** Never throws, never waits. */
  record(about: KubernetesObject, text: EventText): void;
  /** Resolves when what was recorded so far is written or given up. */
  flush(): Promise<void>;
}

export function createEventRecorder(options: EventOptions): EventRecorder {
  return new SeriesRecorder(options);
}

interface Series extends Occurrences {
  readonly key: string;
  lastAt: number;
  count: number;
  writtenCount: number;
  writes: number;
  /** The event object, once it is written. */
  ref?: ObjectRef;
  /** Takes back the write that is planned. */
  cancel?: () => void;
}

const rememberMs = 600_000;
const mostRemembered = 4_096;
const mostPending = 1_000;
/** Before a series is written again: this, doubled by every write, but never longer than that. */
const firstPauseMs = 10_000;
const longestPauseMs = 360_000;
const givenUpAfterMs = 60_000;
const lastWordsMs = 5_000;

class SeriesRecorder implements EventRecorder {
  readonly #options: EventOptions;
  readonly #clock: Clock;
  readonly #series = new Map<string, Series>();
  readonly #allowances = new Map<string, Allowance>();
  readonly #pending = new Set<Series>();
  readonly #ended = new AbortController();
  #writing: Promise<void> = Promise.resolve();

  constructor(options: EventOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  record(about: KubernetesObject, text: EventText): void {
    if (this.#ended.signal.aborted) return;
    const now = this.#clock.now();
    const key = JSON.stringify([about.metadata.uid, text.type, text.reason, text.action, text.note]);
    const known = this.#recall(key, now);
    if (known) this.#again(known, now);
    else if (this.#pending.size >= mostPending || !this.#allows(about.metadata.uid)) this.#drop('limited');
    else
      this.#enqueue(
        this.#remember({ key, about: withoutContent(about), text, firstAt: now, lastAt: now, count: 1, writtenCount: 0, writes: 0 }),
      );
  }

  async flush(): Promise<void> {
    for (const series of this.#series.values()) if (series.cancel) this.#enqueue(series);
    await this.#writing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const cancel = this.#clock.after(lastWordsMs, () => this.#ended.abort());
    await this.flush();
    cancel();
    this.#ended.abort();
  }

  #recall(key: string, now: number): Series | undefined {
    const known = this.#series.get(key);
    return known && now - known.lastAt <= rememberMs ? this.#remember(known) : undefined;
  }

  /** At the end of the map: those at its beginning are forgotten first. */
  #remember(series: Series): Series {
    this.#series.delete(series.key);
    this.#series.set(series.key, series);
    evict(this.#series);
    return series;
  }

  #allows(uid: string): boolean {
    const allowance = this.#allowances.get(uid) ?? new Allowance(this.#clock.monotonic());
    this.#allowances.delete(uid);
    this.#allowances.set(uid, allowance);
    evict(this.#allowances);
    return allowance.take(this.#clock.monotonic());
  }

  #again(series: Series, now: number): void {
    series.count++;
    series.lastAt = now;
    if (this.#pending.has(series) || series.cancel) return;
    const pause = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.max(0, series.writes - 1));
    series.cancel = this.#clock.after(pause, () => this.#enqueue(series));
  }

  #enqueue(series: Series): void {
    series.cancel?.();
    delete series.cancel;
    this.#pending.add(series);
    this.#writing = this.#writing.then(() => this.#write(series));
  }

  async #write(series: Series): Promise<void> {
    this.#pending.delete(series);
    const { count } = series;
    if (count === series.writtenCount) return;
    try {
      series.ref = await within(this.#clock, givenUpAfterMs, this.#ended.signal, (signal) => this.#send(series, signal));
      series.writtenCount = count;
      series.writes++;
    } catch (error) {
      this.#drop('failed', error);
    }
  }

  async #send(series: Series, signal: AbortSignal): Promise<ObjectRef> {
    const { client } = this.#options;
    if (series.ref && (await client.mergePatch(events, series.ref, seriesOf(series), {}, signal).then(() => true, isGone)))
      return series.ref;
    const event = eventOf(series, this.#options);
    await client.create(events, event, signal);
    return event.metadata;
  }

  #drop(why: 'failed' | 'limited', error?: unknown): void {
    tell(() => this.#options.onDropped?.(why, error));
  }
}

/** Different things said about one object: a burst, then one per minute. */
class Allowance {
  static readonly #burst = 25;
  static readonly #refillMs = 60_000;
  #left = Allowance.#burst;
  #since: number;

  constructor(now: number) {
    this.#since = now;
  }

  take(now: number): boolean {
    const refills = Math.floor((now - this.#since) / Allowance.#refillMs);
    this.#left = Math.min(Allowance.#burst, this.#left + refills);
    this.#since += refills * Allowance.#refillMs;
    if (this.#left === 0) return false;
    this.#left--;
    return true;
  }
}

function evict(map: Map<string, unknown>): void {
  for (const key of map.keys()) {
    if (map.size <= mostRemembered) return;
    map.delete(key);
  }
}

/** Events live an hour by default: one that is counted up may be gone. */
function isGone(error: unknown): false {
  if (ApiError.is(error, 'NotFound')) return false;
  throw error;
}

/** A series outlives its object: it must not keep all of it. */
function withoutContent({ apiVersion, kind, metadata }: KubernetesObject): KubernetesObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  return { apiVersion, kind, metadata: { name, uid, resourceVersion, creationTimestamp, ...(namespace !== undefined && { namespace }) } };
}
