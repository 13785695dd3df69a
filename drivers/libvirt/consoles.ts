import type { Console, Consoles, MachineId } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { Daemon } from './daemon.js';
import { handleOf, readDomain } from './domains.js';
import { hasCode } from './gone.js';
import type { RpcStream } from './rpc/connection.js';
import { throwIfAborted } from './rpc/deadline.js';
import { libvirtCodeOf } from './rpc/driver-error.js';
import { consoleFlags } from './rpc/flags.js';
import { domainOpenConsole } from './rpc/procedures.js';
import { readShape } from './xml/read.js';

export class LibvirtConsoles implements Consoles {
  readonly #daemon: Daemon;

  constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  async open(id: MachineId, signal: AbortSignal): Promise<Console> {
    const what = { domain: handleOf(id), device: undefined, flags: consoleFlags.force };
    const opened = whileOpening(signal, (opening) => this.#daemon.connection.openStream(domainOpenConsole, what, opening));
    const stream = await opened.catch((reason) => this.#explain(id, reason, signal));
    return new LibvirtConsole(stream);
  }

  /** That a machine has no console, the host tells as an error of its own. */
  async #explain(id: MachineId, reason: unknown, signal: AbortSignal): Promise<never> {
    if (!hasCode(reason, 'Internal')) throw reason;
    const { serial } = readShape(await readDomain(this.#daemon, id, 'current', signal));
    if (serial) throw reason;
    throw new DriverError('Invalid', `machine ${id} has no serial console; give it one with devices.serial`, { cause: reason });
  }
}

class LibvirtConsole implements Console {
  readonly output: AsyncIterable<Uint8Array>;
  readonly #stream: RpcStream;
  #ended = false;

  constructor(stream: RpcStream) {
    this.#stream = stream;
    this.output = this.#untilTaken();
  }

  /** When the machine stops, the host ends what it sends, and swallows what is written. */
  async write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    if (this.#ended) refuseEnded();
    await this.#stream.write(bytes, signal).catch((reason) => {
      // What the host says when it closed the stream, it says to writers, too.
      if (libvirtCodeOf(reason) === undefined) throw reason;
      refuseEnded(reason);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    await this.#stream[Symbol.asyncDispose]();
  }

  /** That another has taken over, or that the machine is gone, the host may tell as an error of the stream; to the reader it is the end. */
  async *#untilTaken(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* this.#stream.output;
      this.#ended = true;
    } catch (reason) {
      this.#ended = true;
      if (libvirtCodeOf(reason) === undefined) throw reason;
    }
  }
}

/** The caller's signal is for the opening; a stream is ended by letting go of it. */
async function whileOpening(signal: AbortSignal, open: (signal: AbortSignal) => Promise<RpcStream>): Promise<RpcStream> {
  const opening = new AbortController();
  const abort = () => opening.abort(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  try {
    return await open(opening.signal);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function refuseEnded(reason?: unknown): never {
  throw new DriverError('Conflict', 'the console has ended: its machine stopped, or another opener took it over', { cause: reason });
}
