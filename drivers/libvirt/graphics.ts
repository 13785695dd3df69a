import type { Duplex } from 'node:stream';
import { onAbort, throwIfAborted, unlessAborted } from '#drivers/deadline.js';
import type { Console } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { Connection } from './rpc/connection.js';
import type { ServerPlace } from './xml/graphics.js';

/** A viewer's connection to the server of a machine, until `lost` ends it. */
export async function openGraphics(
  host: Pick<Connection, 'reach'>,
  place: ServerPlace,
  lost: AbortSignal,
  signal: AbortSignal,
): Promise<Console> {
  throwIfAborted(signal);
  const socket = await host.reach(place, signal).catch((cause) => {
    throwIfAborted(signal);
    if (cause instanceof DriverError) throw new DriverError(cause.code, `${listensOn(place)}. ${cause.message}`, { cause });
    throw new DriverError('Unavailable', `${whyUnreached(place)} (${cause instanceof Error ? cause.message : String(cause)})`, { cause });
  });
  const stop = onAbort(lost, () => socket.destroy());
  socket.once('close', stop);
  return new Viewer(socket);
}

const listensOn = (place: ServerPlace): string =>
  `the machine's graphics listen on ${place.kind === 'port' ? `${place.host}, port ${place.port}` : `socket ${place.path}`}, of its host`;

const whyUnreached = (place: ServerPlace): string =>
  place.kind === 'port'
    ? `${listensOn(place)}, where this process does not reach them: it must run on that host and in its network`
    : `${listensOn(place)}, which this process cannot open: it must run on that host, with that folder and the right to it`;

class Viewer implements Console {
  readonly output: AsyncIterable<Uint8Array>;
  readonly #socket: Duplex;
  #isOver = false;

  constructor(socket: Duplex) {
    this.#socket = socket;
    // By SSH, bytes for a server that has let go still go somewhere.
    for (const end of ['end', 'close'])
      socket.once(end, () => {
        this.#isOver = true;
      });
    // Whoever reads or writes is told; nobody else need be.
    socket.on('error', () => {});
    this.output = untilGone(socket);
  }

  async write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    if (this.#isOver) throw ended(undefined);
    const written = new Promise<void>((resolve, reject) =>
      this.#socket.write(bytes, (error) => (error == null ? resolve() : reject(ended(error)))),
    );
    await unlessAborted(written, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
  }
}

/** That the machine stopped may come as a broken connection; to the reader it is the end. */
async function* untilGone(socket: Duplex): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* socket as AsyncIterable<Buffer>;
  } catch {
    // A socket of this host breaks when its other end is gone, and for nothing else.
  }
}

const ended = (cause: unknown): DriverError =>
  new DriverError('Conflict', 'the viewer has been let go: its machine stopped, or another viewer has it for itself', { cause });
