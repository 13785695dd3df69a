import type { Console, Consoles, MachineId } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { Daemon } from './daemon.js';
import { handleOf, readDomain } from './domains.js';
import { hasCode } from './gone.js';
import type { RpcStream } from './rpc/connection.js';
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
    return {
      output: untilTaken(stream.output),
      write: (bytes, writing) => stream.write(bytes, writing).catch(refuseEnded),
      [Symbol.asyncDispose]: () => stream[Symbol.asyncDispose](),
    };
  }

  /** That a machine has no console, the host tells as an error of its own. */
  async #explain(id: MachineId, reason: unknown, signal: AbortSignal): Promise<never> {
    if (!hasCode(reason, 'Internal')) throw reason;
    const { serial } = readShape(await readDomain(this.#daemon, id, 'current', signal));
    if (serial) throw reason;
    throw new DriverError('Invalid', `machine ${id} has no serial console; give it one with devices.serial`, { cause: reason });
  }
}

/** That another has taken over, or that the machine is gone, the host may tell as an error of the stream; to the reader it is the end. */
async function* untilTaken(output: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* output;
  } catch (reason) {
    if (libvirtCodeOf(reason) === undefined) throw reason;
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

/** What the host says when it closed the stream, it says to writers, too. */
function refuseEnded(reason: unknown): never {
  if (libvirtCodeOf(reason) === undefined) throw reason;
  throw new DriverError('Conflict', 'the console has ended: its machine stopped, or another opener took it over', { cause: reason });
}
