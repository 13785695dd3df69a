import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Hypervisor } from '#crds/types.js';
import type { Driver, HostDescription } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { Connect } from '#drivers/target.js';
import { isSameWay, type Way } from '../credentials.js';
import type { GuestPace } from '../host/guests-view.js';
import type { HostScope } from '../host/scope.js';
import { type Changes, HostView } from '../host/view.js';
import { decodeRecord } from '../virtual-machine/record-text.js';

export interface Connected {
  readonly driver: Driver;
  readonly view: HostView;
  readonly description: HostDescription;
}

export interface HostOptions {
  readonly name: string;
  readonly cluster: string;
  readonly connect: Connect;
  readonly hypervisor: () => Hypervisor | undefined;
  /** How it is reached as things are now; undefined while that is not known. */
  readonly way: () => Way | undefined;
  /** What comes before all else whenever it is reached; a connection with which it cannot be done is given up. */
  readonly onReached?: (driver: Driver, view: HostView, signal: AbortSignal) => Promise<void>;
  /** The view changed, or the connection did. */
  readonly onChange: (changes: Changes | 'connection') => void;
  readonly onTrouble: (message: string, error: unknown) => void;
  readonly pace?: Partial<Pace>;
}

/** How often a host is looked at without being asked to. */
export interface Pace {
  /** State only: catches what a lost event would have told. */
  readonly glanceMs: number;
  /** Everything: catches what no event tells. */
  readonly resyncMs: number;
  /** Guests, which tell nothing by themselves but that an agent came or went. */
  readonly guests?: GuestPace;
}

const usualPace: Pace = { glanceMs: 10_000, resyncMs: 5 * 60_000 };
/** One act brings several events: they are answered with one read. */
const gatherMs = 20;
const reconnectMs = { first: 500, most: 15_000 };
/** Credentials that were refused are not soon tried again: hosts lock an account after a few wrong passwords, ESXi after five within 15 minutes. */
const refusedMs = 10 * 60_000;
const lookMs = 1_000;
/** So many lists in a row may come to nothing. libvirt on Xen holds a list for up to a minute, which is three. */
const mostLate = 6;

const isLate = (reason: unknown): boolean => reason instanceof DriverError && (reason.code === 'TimedOut' || reason.code === 'Busy');

/** One host: connected to for as long as the agent lives, again and again, and its view kept fresh. */
export class Host implements HostScope {
  readonly name: string;
  readonly cluster: string;
  readonly #options: HostOptions;
  readonly #pace: Pace;
  #connected: Connected | undefined;
  #failure: DriverError | undefined;

  constructor(options: HostOptions) {
    this.name = options.name;
    this.cluster = options.cluster;
    this.#options = options;
    this.#pace = { ...usualPace, ...options.pace };
  }

  get hypervisor(): Hypervisor | undefined {
    return this.#options.hypervisor();
  }

  get connected(): Connected | undefined {
    return this.#connected;
  }

  /** Why there is no connection; absent while there is one, or before the first try has failed. */
  get failure(): DriverError | undefined {
    return this.#failure;
  }

  get capabilities(): HostDescription['capabilities'] {
    return this.#connected?.description.capabilities ?? [];
  }

  async run(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      const began = Date.now();
      const way = this.#options.way();
      await this.#connectOnce(way, signal);
      failures = Date.now() - began > reconnectMs.most ? 0 : failures + 1;
      if (await this.#changesWithin(this.#pause(way, failures), way, signal)) failures = 0;
    }
  }

  /** Before the next try, as long as nothing changes. */
  #pause(way: Way | undefined, failures: number): number {
    const refused = way?.kind === 'open' && way.target.credentials !== undefined && this.#failure?.code === 'Denied';
    const backoff = Math.min(reconnectMs.first * 2 ** Math.max(failures - 1, 0), reconnectMs.most);
    return (refused || way?.kind === 'closed' ? refusedMs : backoff) * (0.5 + Math.random() / 2);
  }

  /** Resolves when the connection is over, however it ended. */
  async #connectOnce(way: Way | undefined, signal: AbortSignal): Promise<void> {
    if (way === undefined) return;
    const life = new AbortController();
    const alive = AbortSignal.any([signal, life.signal]);
    // All that waits for this host ends with the connection, and that is more than ten at a time.
    setMaxListeners(0, alive);
    try {
      if (way.kind === 'closed') throw way.failure;
      await using driver = await this.#options.connect(way.target, alive);
      try {
        await this.#live(driver, way, alive);
      } finally {
        life.abort();
        this.#connected = undefined;
      }
    } catch (reason) {
      if (signal.aborted) return;
      this.#failure = reason instanceof DriverError ? reason : DriverError.from(reason);
      this.#options.onTrouble(`host ${this.name}`, this.#failure);
      this.#options.onChange('connection');
    }
  }

  async #live(driver: Driver, way: Way, signal: AbortSignal): Promise<void> {
    const view = new HostView(driver, this.#options.onChange, signal, {
      bootOf: ({ mark }) => decodeRecord(mark?.record ?? '').boot ?? { number: 0, at: 0 },
      ...(this.#pace.guests === undefined ? {} : { pace: this.#pace.guests }),
    });
    const description = await driver.host.describe(signal);
    const watching = this.#heedEvents(driver, view, signal);
    // The connection may break before anybody waits for this.
    watching.catch(() => {});
    await view.resync(signal);
    await this.#options.onReached?.(driver, view, signal);
    this.#connected = { driver, view, description };
    this.#failure = undefined;
    this.#options.onChange('connection');
    void view.followGuests(signal);
    const lost = driver.closed.then(() => {
      throw new DriverError('Unavailable', `the connection to host ${this.name} broke; it is made again`);
    });
    const moved = this.#untilMoved(way, signal).then(() => {
      throw this.#whyMoved(this.#options.way());
    });
    await Promise.race([lost, watching, this.#glances(view, signal), this.#resyncs(driver, view, signal), moved]);
  }

  async #heedEvents({ events }: Driver, view: HostView, signal: AbortSignal): Promise<void> {
    if (events === undefined) return new Promise(() => {});
    let gathering = false;
    const settle = async () => {
      await sleep(gatherMs, undefined, { signal });
      gathering = false;
      await this.#settle(view, signal);
    };
    for await (const event of events.watch(signal)) {
      view.heed(event);
      if (event.kind === 'gap' && event.because !== undefined) this.#options.onTrouble(`events of host ${this.name}`, event.because);
      if (!gathering) settle().catch(() => {});
      gathering = true;
    }
    throw new DriverError('Unavailable', `host ${this.name} ended its events; connecting again`);
  }

  /** One machine that hangs can keep its host from listing all of them for a while: no reason to give up the connection, which the others are reached by. */
  async #glances(view: HostView, signal: AbortSignal): Promise<never> {
    for (let late = 0; ; ) {
      await sleep(this.#pace.glanceMs, undefined, { signal });
      try {
        await view.glance(signal);
        late = 0;
      } catch (reason) {
        if (signal.aborted || !isLate(reason) || ++late > mostLate) throw reason;
        this.#options.onTrouble(`listing host ${this.name}`, reason);
      }
      await this.#settle(view, signal);
    }
  }

  async #resyncs(driver: Driver, view: HostView, signal: AbortSignal): Promise<never> {
    for (;;) {
      await sleep(this.#pace.resyncMs * (0.8 + 0.4 * Math.random()), undefined, { signal });
      const description = await this.#unlessItFails(driver.host.describe(signal), signal);
      if (description !== undefined && !signal.aborted) this.#connected = { driver, view, description };
      await this.#unlessItFails(view.resync(signal), signal);
      this.#options.onChange('connection');
    }
  }

  async #settle(view: HostView, signal: AbortSignal): Promise<void> {
    await this.#unlessItFails(view.refreshAll(signal), signal);
  }

  /** A look that fails, as at one store that hangs, is repeated by the next glance; the connection itself says when it is lost. */
  async #unlessItFails<T>(look: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    return look.catch((reason) => {
      if (!signal.aborted) this.#options.onTrouble(`reading host ${this.name}`, reason);
      return undefined;
    });
  }

  /** Resolves when the host is to be reached in another way than this. */
  async #untilMoved(from: Way | undefined, signal: AbortSignal): Promise<void> {
    while (isSameWay(from, this.#options.way())) await sleep(lookMs, undefined, { signal });
  }

  #whyMoved(now: Way | undefined): DriverError {
    if (now?.kind === 'closed') return now.failure;
    const { name } = this;
    const why = now === undefined ? `Hypervisor ${name} was deleted` : `host ${name} is reached by another URI, or other credentials, now`;
    return new DriverError('Unavailable', why);
  }

  /** Whether the way changed before the time was up. */
  async #changesWithin(ms: number, from: Way | undefined, signal: AbortSignal): Promise<boolean> {
    const over = new AbortController();
    const waiting = AbortSignal.any([signal, over.signal]);
    const passed = sleep(ms, false, { signal: waiting });
    const moved = this.#untilMoved(from, waiting).then(() => true);
    try {
      return await Promise.race([passed, moved]);
    } catch {
      return false;
    } finally {
      over.abort();
    }
  }
}
