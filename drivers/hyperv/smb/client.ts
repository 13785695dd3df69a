import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { anyOf, within } from '#drivers/deadline.js';
import { DriverError } from '#drivers/error.js';
import { networkError } from '#drivers/https/network-error.js';
import { type Answer, Connection, type Question } from './connection.js';
import { commands } from './header.js';
import { type Agreed, logIn, type SmbLogin } from './login.js';
import { decodeValidateNegotiate, encodeValidateNegotiate } from './messages/info.js';
import { encodeValidation, isSame } from './messages/negotiate.js';
import { decodeTreeConnect, encodeNothing, encodeTreeConnect } from './messages/session.js';
import { ShareOfTree, type SmbShare } from './share.js';
import { shareError, statuses } from './status.js';
import { Tree } from './tree.js';

export type { SmbFile } from './file.js';
export type { SmbLogin } from './login.js';
export type { Grant } from './messages/security.js';
export type { SmbShare } from './share.js';

export interface SmbEndpoint {
  readonly host: string;
  /** 445, unless something stands between. */
  readonly port: number;
}

/** In milliseconds: from nothing to a session. */
const patience = 15_000;
const goodbye = 2_000;

/**
 * A session with a server of files by SMB, logged in by NTLM. Sealed where the server can (3.0 and newer), else signed; nothing else is taken. When the
 * connection breaks it is done with: all that is asked then rejects, and whoever needs it connects anew. Every error is a DriverError.
 */
export class SmbClient implements AsyncDisposable {
  readonly #host: string;
  readonly #connection: Connection;
  readonly #agreed: Agreed;

  private constructor(host: string, connection: Connection, agreed: Agreed) {
    this.#host = host;
    this.#connection = connection;
    this.#agreed = agreed;
  }

  static async connect(endpoint: SmbEndpoint, login: SmbLogin, signal: AbortSignal): Promise<SmbClient> {
    const peer = `${endpoint.host}:${endpoint.port}`;
    const ending = new AbortController();
    using either = anyOf([signal, ending.signal]);
    const opened = SmbClient.#open(endpoint, login, either.signal);
    try {
      return await within(patience, 'the file server', opened, signal);
    } catch (reason) {
      // It may have come in when nobody waited any more.
      opened.then(
        (late) => late[Symbol.asyncDispose](),
        () => {},
      );
      throw told(peer, reason);
    } finally {
      ending.abort();
    }
  }

  static async #open(endpoint: SmbEndpoint, login: SmbLogin, signal: AbortSignal): Promise<SmbClient> {
    const connection = new Connection(await connected(endpoint, signal));
    try {
      return new SmbClient(endpoint.host, connection, await logIn(connection, login, signal));
    } catch (reason) {
      connection.end(DriverError.from(reason));
      throw reason;
    }
  }

  /** What is spoken, and how it is kept from others: for those who want to know. */
  get agreed(): Pick<Agreed, 'dialect' | 'cipher' | 'signing'> {
    return this.#agreed;
  }

  /** Whether nothing can be asked any more. */
  get isOver(): boolean {
    return this.#connection.isOver;
  }

  /** `name` as in `C$`. NotFound where there is none. */
  async share(name: string, signal: AbortSignal): Promise<SmbShare> {
    const path = `\\\\${this.#host}\\${name}`;
    if (name === '' || /[\\/\0]/.test(name)) throw new DriverError('Invalid', `share "${name}" given; accepted: its name alone, as in C$`);
    const { header, packet } = await this.#ask(path, { command: commands.treeConnect, body: encodeTreeConnect(path) }, signal);
    if (header.status !== statuses.success) throw shareError(path, header.status);
    const type = decodeTreeConnect(packet);
    if (type !== 'a folder') throw new DriverError('Invalid', `${path}: it is ${type}; a share of files is wanted`);
    await this.#validate(path, header.treeId, signal);
    return new ShareOfTree(new Tree(this.#connection, this.#agreed, header.treeId, path));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const never = new AbortController().signal;
    const asked = this.#connection.ask({ command: commands.logoff, body: encodeNothing() }, never);
    await within(goodbye, 'logoff', asked, never).catch(() => {});
    this.#connection.end(new DriverError('Unavailable', 'the session was closed by us'));
  }

  async #ask(path: string, question: Question, signal: AbortSignal): Promise<Answer> {
    return await this.#connection.ask(question, signal).catch((reason) => {
      throw told(path, reason);
    });
  }

  /** 3.1.1 has keys of what was said before the login; with those before it, it is asked again, signed. */
  async #validate(path: string, treeId: number, signal: AbortSignal): Promise<void> {
    if (this.#agreed.dialect === '3.1.1') return;
    const body = encodeValidateNegotiate(encodeValidation(this.#agreed.clientGuid));
    const { header, packet } = await this.#ask(path, { command: commands.ioctl, body, treeId }, signal);
    // A server of 2.1 may know no such question: that it says so is signed as well.
    if (header.status !== statuses.success && this.#agreed.dialect === '2.1') return;
    if (header.status === statuses.success && isSame(decodeValidateNegotiate(packet), this.#agreed)) return;
    const error = new DriverError(
      'Denied',
      `${path}: what the file server speaks was changed on its way: somebody wants a weaker protocol`,
    );
    this.#connection.end(error);
    throw error;
  }
}

async function connected({ host, port }: SmbEndpoint, signal: AbortSignal): Promise<Socket> {
  const socket = createConnection({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 });
  try {
    await once(socket, 'connect', { signal });
    return socket;
  } catch (reason) {
    socket.destroy();
    throw reason;
  }
}

/** Why a server of files is not reached is put right there. */
function told(peer: string, reason: unknown): DriverError {
  const isRefused = reason instanceof Error && 'code' in reason && reason.code === 'ECONNREFUSED';
  return networkError(peer, isRefused ? new DriverError('Unavailable', nothingListens, { cause: reason }) : reason);
}

const nothingListens =
  'nothing listens there (ECONNREFUSED): on Windows, allow the firewall rule "File and Printer Sharing (SMB-In)", and see that the service LanmanServer runs';
