import type { Duplex } from 'node:stream';
import type { Client } from 'ssh2';
import { unlessAborted } from '#drivers/deadline.js';
import { DriverError } from '#drivers/error.js';
import { timely } from './patience.js';
import { connectFailed, execute, forwardToPort, forwardToSocket, outputOf, ProgramStream } from './ssh-channel.js';
import { openLink, type SshHost, type SshIdentity } from './ssh-link.js';
import { type ListeningPlace, peerName, type Transport } from './transport.js';

export interface SshPlace extends SshHost {
  /** Of the daemon's sockets on its host, the likeliest first. */
  readonly paths: readonly [string, ...string[]];
}

/** `name` is what the daemon is to open, e.g. `qemu:///system`. */
export function sshTransport(place: SshPlace, name: string, identity: SshIdentity): Transport {
  return new SshTransport(place, name, identity);
}

/** One login for all connections, from the first to the last of them. */
class SshTransport implements Transport {
  readonly peer: string;
  readonly isLocal = false;
  readonly #place: SshPlace;
  readonly #name: string;
  readonly #identity: SshIdentity;
  #link: Promise<Client> | undefined;
  /** Who has a connection, or waits for one. */
  #users = 0;

  constructor(place: SshPlace, name: string, identity: SshIdentity) {
    this.peer = peerName(place);
    this.#place = place;
    this.#name = name;
    this.#identity = identity;
  }

  connect(signal: AbortSignal): Promise<Duplex> {
    return this.#open((client) => this.#toDaemon(client), signal);
  }

  reach(place: ListeningPlace, signal: AbortSignal): Promise<Duplex> {
    return this.#open((client) => this.#toPlace(client, place), signal);
  }

  async #open(open: (client: Client) => Promise<Duplex>, signal: AbortSignal): Promise<Duplex> {
    this.#users += 1;
    try {
      const stream = await timely(this.peer, signal, (until) => this.#opened(open, until));
      stream.once('close', () => this.#leave());
      return stream;
    } catch (reason) {
      this.#leave();
      throw reason;
    }
  }

  /** What comes too late is let go of. */
  async #opened(open: (client: Client) => Promise<Duplex>, signal: AbortSignal): Promise<Duplex> {
    const opening = open(await unlessAborted(this.#linked(), signal));
    try {
      return await unlessAborted(opening, signal);
    } catch (reason) {
      opening.then((stream) => stream.destroy()).catch(() => {});
      throw reason;
    }
  }

  /** Shared by all who ask at the same time, so nobody's signal ends it. */
  #linked(): Promise<Client> {
    if (this.#link !== undefined) return this.#link;
    const link = timely(this.peer, new AbortController().signal, (until) => openLink(this.#place, this.#identity, until));
    this.#link = link;
    const forget = () => {
      if (this.#link === link) this.#link = undefined;
    };
    link.then((client) => client.once('close', forget), forget);
    return link;
  }

  #leave(): void {
    this.#users -= 1;
    if (this.#users > 0) return;
    this.#link?.then((client) => client.end()).catch(() => {});
    this.#link = undefined;
  }

  async #toDaemon(client: Client): Promise<Duplex> {
    let refused: number | undefined;
    for (const path of this.#place.paths) {
      const opened = await forwardToSocket(client, path);
      if ('channel' in opened) return opened.channel;
      refused = opened.refused;
    }
    if (refused === connectFailed) await this.#mustListen(client);
    return this.#byProgram(client);
  }

  /** For hosts whose sshd does not forward to sockets. */
  async #byProgram(client: Client): Promise<Duplex> {
    const [path] = this.#place.paths;
    const [helper, nc] = [`virt-ssh-helper ${quoted(this.#name)}`, `nc -U ${quoted(path)}`];
    const started = await execute(client, shell(`if command -v virt-ssh-helper >/dev/null; then exec ${helper}; else exec ${nc}; fi`));
    if ('channel' in started) return new ProgramStream(started.channel, this.peer);
    const why = `sshd neither forwards to sockets nor runs programs (${started.words})`;
    throw new DriverError('Denied', `${this.peer}: ${why}: set AllowStreamLocalForwarding yes in its configuration`);
  }

  /** sshd says no more than that it did not connect, whether it may not or could not. */
  async #mustListen(client: Client): Promise<void> {
    const { user, paths } = this.#place;
    const looks = paths.map((path) => `test -S ${quoted(path)} && { test -w ${quoted(path)} && echo ${here} || echo ${closed}; }`);
    const looking = await execute(client, shell([...looks, `echo ${looked}`].join('; ')));
    const found = 'channel' in looking ? await outputOf(looking.channel) : '';
    if (!found.includes(looked) || found.includes(here)) return;
    const where = `${this.peer}: ${paths.join(' or ')}`;
    if (!found.includes(closed))
      throw new DriverError('Unavailable', `${where}: no libvirt daemon listens there: start libvirtd, or virtqemud, on that host`);
    const remedy = 'let that user join the group that owns it (unix_sock_group in libvirtd.conf)';
    throw new DriverError('Denied', `${where} may not be opened by user "${user}" there: ${remedy}`);
  }

  async #toPlace(client: Client, place: ListeningPlace): Promise<Duplex> {
    const opened = place.kind === 'port' ? await forwardToPort(client, place.host, place.port) : await forwardToSocket(client, place.path);
    if ('channel' in opened) return opened.channel;
    const remedy =
      opened.refused === connectFailed
        ? 'nothing listens there'
        : 'set AllowTcpForwarding and AllowStreamLocalForwarding in its sshd_config';
    throw new DriverError('Unavailable', `${this.peer} does not forward: ${remedy} (${opened.words})`);
  }
}

/** Words of a look at the daemon's sockets. */
const [here, closed, looked] = ['virtwright-here', 'virtwright-closed', 'virtwright-looked'];

/** Whatever the shell of the user is. */
const shell = (script: string): string => `sh -c ${quoted(script)}`;

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
