import { anyOf, within } from '#drivers/deadline.js';
import { DriverError } from '#drivers/error.js';
import { Gate } from '#drivers/https/gate.js';
import { Refusals } from '#drivers/https/refusals.js';
import { isRefusedLogin } from '../refusal.js';
import { Channel } from './channel.js';
import { type Endpoint, urlOf } from './http.js';
import type { Login } from './login.js';

/** What asks and acts; what waits for events, by one socket of its own. */
export type Lane = 'control' | 'watch';

/** So that one slow machine holds up nothing else, and a host with few places has some for others. */
const places: Readonly<Record<Lane, number>> = { control: 4, watch: 1 };

export interface Sending {
  /** For messages. */
  readonly what: string;
  readonly lane: Lane;
  /** In milliseconds, from when it is asked. */
  readonly timeoutMs: number;
  /** Whether it may be sent again when it is not known if it arrived. */
  readonly repeatable: boolean;
}

/** A login belongs to a socket, and sockets come and go: who is refused once would be so with every message. */
const usualRefusals = new Refusals(isRefusedLogin);

/** The ways to one host. Rejects with DriverError only. */
export class Lanes implements AsyncDisposable {
  readonly peer: string;
  readonly url: string;
  readonly #make: () => Channel;
  readonly #unlessRefused: <T>(act: () => Promise<T>) => Promise<T>;
  readonly #gates = { control: new Gate(places.control), watch: new Gate(places.watch) };
  readonly #idle: Record<Lane, Channel[]> = { control: [], watch: [] };
  readonly #all = new Set<Channel>();
  readonly #ending = new AbortController();

  constructor(endpoint: Endpoint, login: Login, refusals: Refusals = usualRefusals) {
    this.peer = `${endpoint.host}:${endpoint.port}`;
    this.url = urlOf(endpoint);
    this.#make = () => new Channel(endpoint, login);
    this.#unlessRefused = (act) => refusals.unlessRefused(endpoint, { ...login }, act);
  }

  /** The host's answer, be it a fault. */
  async send(message: string, { what, lane, timeoutMs, repeatable }: Sending, signal: AbortSignal): Promise<string> {
    using either = anyOf([signal, this.#ending.signal]);
    return await this.#gates[lane].through(async () => {
      const channel = this.#taken(lane);
      const done = new AbortController();
      try {
        return await within(
          timeoutMs,
          `${this.peer}: ${what}`,
          this.#unlessRefused(() => channel.send(message, repeatable, done.signal)),
          either.signal,
        );
      } finally {
        done.abort();
        this.#idle[lane].push(channel);
      }
    }, either.signal);
  }

  /** Whatever is pending, or comes, rejects with the error. */
  end(why: DriverError): void {
    this.#ending.abort(why);
    for (const channel of this.#all) channel.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end(new DriverError('Unavailable', `${this.peer}: the connection was closed by us`));
  }

  #taken(lane: Lane): Channel {
    const channel = this.#idle[lane].pop() ?? this.#make();
    this.#all.add(channel);
    return channel;
  }
}
