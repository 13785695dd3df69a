import { setTimeout as sleep } from 'node:timers/promises';
import type { Hypervisor } from '#crds/types.js';
import type { Driver, HostDescription } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { HostScope } from '../host/scope.js';
import { type Changes, HostView } from '../host/view.js';

export interface Connected {
  readonly driver: Driver;
  readonly view: HostView;
  readonly description: HostDescription;
}

export type Connect = (uri: string, signal: AbortSignal) => Promise<Driver>;

export interface HostOptions {
  readonly name: string;
  readonly cluster: string;
  readonly connect: Connect;
  readonly hypervisor: () => Hypervisor | undefined;
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
}

const usualPace: Pace = { glanceMs: 10_000, resyncMs: 5 * 60_000 };
/** One act brings several events: they are answered with one read. */
const gatherMs = 20;
const reconnectMs = { first: 500, most: 15_000 };

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
      await this.#connectOnce(signal);
      failures = Date.now() - began > reconnectMs.most ? 0 : failures + 1;
      const pause = Math.min(reconnectMs.first * 2 ** Math.min(failures - 1, 10), reconnectMs.most);
      await sleep(Math.max(pause, reconnectMs.first) * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {});
    }
  }

  /** Resolves when the connection is over, however it ended. */
  async #connectOnce(signal: AbortSignal): Promise<void> {
    const hypervisor = this.#options.hypervisor();
    if (hypervisor === undefined) return;
    const life = new AbortController();
    const alive = AbortSignal.any([signal, life.signal]);
    try {
      await using driver = await this.#options.connect(hypervisor.spec.uri, alive);
      try {
        await this.#live(driver, hypervisor.spec.uri, alive);
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

  async #live(driver: Driver, uri: string, signal: AbortSignal): Promise<void> {
    const view = new HostView(driver, this.#options.onChange, signal);
    const description = await driver.host.describe(signal);
    const watching = this.#heedEvents(driver, view, signal);
    // The connection may break before anybody waits for this.
    watching.catch(() => {});
    await view.resync(signal);
    this.#connected = { driver, view, description };
    this.#failure = undefined;
    this.#options.onChange('connection');
    const lost = driver.closed.then(() => {
      throw new DriverError('Unavailable', `the connection to host ${this.name} broke; it is made again`);
    });
    await Promise.race([lost, watching, this.#glances(view, signal), this.#resyncs(driver, view, signal), this.#untilMoved(uri, signal)]);
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
      if (!gathering) settle().catch(() => {});
      gathering = true;
    }
    throw new DriverError('Unavailable', `host ${this.name} ended its events; connecting again`);
  }

  async #glances(view: HostView, signal: AbortSignal): Promise<never> {
    for (;;) {
      await sleep(this.#pace.glanceMs, undefined, { signal });
      await view.glance(signal);
      await this.#settle(view, signal);
    }
  }

  async #resyncs(driver: Driver, view: HostView, signal: AbortSignal): Promise<never> {
    for (;;) {
      await sleep(this.#pace.resyncMs * (0.8 + 0.4 * Math.random()), undefined, { signal });
      const description = await driver.host.describe(signal);
      this.#connected = { driver, view, description };
      await view.resync(signal);
      this.#options.onChange('connection');
    }
  }

  /** A look that fails is repeated by the next glance; the connection itself says when it is lost. */
  async #settle(view: HostView, signal: AbortSignal): Promise<void> {
    await view.refreshAll(signal).catch((reason) => {
      if (!signal.aborted) this.#options.onTrouble(`reading host ${this.name}`, reason);
    });
  }

  async #untilMoved(uri: string, signal: AbortSignal): Promise<void> {
    for (;;) {
      await sleep(1_000, undefined, { signal });
      const now = this.#options.hypervisor()?.spec.uri;
      if (now !== uri)
        throw new DriverError(
          'Unavailable',
          now === undefined ? `Hypervisor ${this.name} was deleted` : `host ${this.name} is reached by another URI now`,
        );
    }
  }
}
