import type { Console, Consoles, MachineId } from '#drivers/driver.js';
import type { Daemon } from './daemon.js';
import { handleOf } from './domains.js';
import type { RpcStream } from './rpc/connection.js';
import { consoleFlags } from './rpc/flags.js';
import { domainOpenConsole } from './rpc/procedures.js';

export class LibvirtConsoles implements Consoles {
  readonly #daemon: Daemon;

  constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  open(id: MachineId, signal: AbortSignal): Promise<Console> {
    const what = { domain: handleOf(id), device: undefined, flags: consoleFlags.force };
    return whileOpening(signal, (opening) => this.#daemon.connection.openStream(domainOpenConsole, what, opening));
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
