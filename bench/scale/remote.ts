import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Driver, HostEvent } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { Queue } from '#drivers/fake/queue.js';
import { type Asked, onMessages, send, type Told } from './wire.js';

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: DriverError) => void;
}

/** What agents of the bench need of a host: all that a fake one has but consoles. */
const facets = ['host', 'machines', 'power', 'live', 'pools', 'volumes', 'networks', 'guests', 'stats'] as const;

/** A fake host in another process, which outlives this one and whose CPU and memory are not counted as this one's. */
export async function connectRemote(path: string, uri: string, signal: AbortSignal): Promise<Driver> {
  const socket = connect(path);
  await once(socket, 'connect', { signal }).catch((cause: unknown) => {
    throw new DriverError('Unavailable', `no fake hosts at ${path}`, { cause });
  });
  const hello: Asked = { kind: 'hello', uri };
  send(socket, hello);
  return driverOver(new Line(socket));
}

function driverOver(line: Line): Driver {
  const verbs = (facet: string) =>
    new Proxy(
      {},
      {
        get:
          (_, verb) =>
          (...args: readonly unknown[]) =>
            line.call(facet, String(verb), args),
      },
    );
  const driver = {
    ...Object.fromEntries(facets.map((facet) => [facet, verbs(facet)])),
    events: { watch: (signal: AbortSignal) => line.watch(signal) },
    closed: line.closed,
    [Symbol.asyncDispose]: async () => line.close(),
  };
  return driver as unknown as Driver;
}

class Line {
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  readonly #watchers = new Set<Queue<HostEvent>>();
  #lastId = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => socket.once('close', () => resolve(this.#end())));
    socket.on('error', () => {});
    onMessages<Told>(socket, (told) => this.#hear(told));
  }

  /** The last argument is the signal, which ends the waiting. */
  call(facet: string, verb: string, args: readonly unknown[]): Promise<unknown> {
    const signal = args.at(-1) as AbortSignal;
    if (signal.aborted) return Promise.reject(gaveUp(signal));
    if (this.#socket.destroyed) return Promise.reject(lost());
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const stop = () => reject(gaveUp(signal));
      const over = () => {
        signal.removeEventListener('abort', stop);
        this.#waiting.delete(id);
      };
      signal.addEventListener('abort', stop, { once: true });
      this.#waiting.set(id, {
        resolve(value) {
          over();
          resolve(value);
        },
        reject(reason) {
          over();
          reject(reason);
        },
      });
      send(this.#socket, { kind: 'call', id, facet, verb, args: args.slice(0, -1) });
    });
  }

  async *watch(signal: AbortSignal): AsyncGenerator<HostEvent, void> {
    const watcher = new Queue<HostEvent>();
    this.#watchers.add(watcher);
    const end = () => watcher.end();
    signal.addEventListener('abort', end, { once: true });
    send(this.#socket, { kind: 'watch' });
    yield* watcher;
    this.#watchers.delete(watcher);
  }

  close(): void {
    this.#socket.destroy();
  }

  #hear(told: Told): void {
    if (told.kind === 'answer') this.#waiting.get(told.id)?.resolve(told.value);
    else if (told.kind === 'refusal') this.#waiting.get(told.id)?.reject(new DriverError(told.code, told.message));
    else for (const watcher of this.#watchers) watcher.push(told.event);
  }

  #end(): void {
    for (const { reject } of [...this.#waiting.values()]) reject(lost());
    for (const watcher of this.#watchers) watcher.end();
  }
}

const lost = (): DriverError => new DriverError('Unavailable', 'the process of the fake hosts is gone');
const gaveUp = ({ reason }: AbortSignal): DriverError =>
  new DriverError('TimedOut', 'given up before the fake host answered', { cause: reason });
