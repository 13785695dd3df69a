import type { Console, Consoles, MachineId, Screenshot } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { child } from '#drivers/xml/tree.js';
import type { Daemon } from './daemon.js';
import type { Dialect } from './dialects/dialect.js';
import { handleOf, isActive, readDomain } from './domains.js';
import { hasCode } from './gone.js';
import { openGraphics } from './graphics.js';
import { pictureOf } from './picture.js';
import type { RpcStream } from './rpc/connection.js';
import { libvirtCodeOf } from './rpc/driver-error.js';
import { consoleFlags } from './rpc/flags.js';
import { domainOpenConsole, domainScreenshot } from './rpc/procedures.js';
import { readServerPlace, readVideo } from './xml/graphics.js';

export class LibvirtConsoles implements Consoles {
  readonly #daemon: Daemon;
  readonly #dialect: Dialect;
  readonly #lost = new AbortController();
  /** Consoles that their next opener must end, as the daemon does not. */
  readonly #shared = new Map<MachineId, WeakRef<SerialConsole>>();

  constructor(daemon: Daemon, dialect: Dialect) {
    this.#daemon = daemon;
    this.#dialect = dialect;
    void daemon.connection.closed.then(() => this.#lost.abort());
  }

  async open(id: MachineId, signal: AbortSignal): Promise<Console> {
    const shares = this.#dialect.sharesConsoles === true;
    if (shares || this.#dialect.consoles === 'OfTheirOwn') await this.#mustHaveConsole(id, signal);
    const what = { domain: handleOf(id), device: undefined, flags: shares ? 0 : consoleFlags.force };
    const opened = whileOpening(signal, (opening) => this.#daemon.connection.openStream(domainOpenConsole, what, opening));
    const stream = await opened.catch((reason) => this.#explain(id, reason, signal));
    const console = new SerialConsole(stream);
    if (shares) await this.#takeOver(id, console);
    return console;
  }

  /** The daemon opens what the machine did not ask for. */
  async #mustHaveConsole(id: MachineId, signal: AbortSignal): Promise<void> {
    const domain = await readDomain(this.#daemon, id, 'current', signal);
    if (!isActive(domain)) throw new DriverError('Conflict', `machine ${id} is Off; its console is silent`);
    if (!this.#dialect.readShape(domain).serial) throw noConsole(id);
  }

  /** Of two at once, each would hear a part. */
  async #takeOver(id: MachineId, console: SerialConsole): Promise<void> {
    const before = this.#shared.get(id)?.deref();
    this.#shared.set(id, new WeakRef(console));
    await before?.end();
  }

  /** libvirt would pass on the server's socket itself, by a way that Node does not have; but the server is on this host, as its daemon is. */
  async graphics(id: MachineId, signal: AbortSignal): Promise<Console> {
    const domain = await readDomain(this.#daemon, id, 'current', signal);
    if (!isActive(domain)) throw new DriverError('Conflict', `machine ${id} is Off; nothing of it is to be seen`);
    const place = readServerPlace(domain);
    if (place === undefined) throw new DriverError('Invalid', `machine ${id} has no graphics; give it some with devices.graphics`);
    return openGraphics(this.#daemon.connection, place, this.#lost.signal, signal);
  }

  async screenshot(id: MachineId, signal: AbortSignal): Promise<Screenshot> {
    const what = { domain: handleOf(id), screen: 0, flags: 0 };
    const picture = pictureOf(this.#daemon.connection.download(domainScreenshot, what, signal));
    return picture.catch((reason) => this.#explainDark(id, reason, signal));
  }

  /** The host says of a machine without a screen, as of one that is off, that it is not the time for it. */
  async #explainDark(id: MachineId, reason: unknown, signal: AbortSignal): Promise<never> {
    if (!hasCode(reason, 'Conflict')) throw reason;
    const domain = await readDomain(this.#daemon, id, 'current', signal);
    if (!isActive(domain) || readVideo(child(domain, 'devices')) !== undefined) throw reason;
    throw new DriverError('Invalid', `machine ${id} has no screen; give it one with devices.graphics`, { cause: reason });
  }

  /** That a machine has no console, the host tells as an error of its own. */
  async #explain(id: MachineId, reason: unknown, signal: AbortSignal): Promise<never> {
    if (!hasCode(reason, 'Internal')) throw reason;
    const { serial } = this.#dialect.readShape(await readDomain(this.#daemon, id, 'current', signal));
    if (serial) throw reason;
    throw noConsole(id, reason);
  }
}

const noConsole = (id: MachineId, cause?: unknown): DriverError =>
  new DriverError('Invalid', `machine ${id} has no serial console; give it one with devices.serial`, { cause });

class SerialConsole implements Console {
  readonly output: AsyncIterable<Uint8Array>;
  readonly #stream: RpcStream;
  #ended = false;

  constructor(stream: RpcStream) {
    this.#stream = stream;
    this.output = this.#untilTaken();
  }

  async write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    if (this.#ended) refuseEnded(undefined);
    await this.#stream.write(bytes, signal).catch((reason) => refuseEnded(reason));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stream[Symbol.asyncDispose]();
  }

  /** For another one. */
  async end(): Promise<void> {
    this.#ended = true;
    await this.#stream[Symbol.asyncDispose]();
  }

  /** That another has taken over, or that the machine is gone, the host may tell as an error of the stream; to the reader it is the end. */
  async *#untilTaken(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* this.#stream.output;
    } catch (reason) {
      if (libvirtCodeOf(reason) === undefined) throw reason;
    }
    this.#ended = true;
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

/** What the host said when it closed the stream, it says to writers, too. */
function refuseEnded(reason: unknown): never {
  if (reason !== undefined && libvirtCodeOf(reason) === undefined) throw reason;
  throw new DriverError('Conflict', 'the console has ended: its machine stopped, or another opener took it over', { cause: reason });
}
