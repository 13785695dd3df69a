import { unlessAborted } from '#drivers/deadline.js';
import { DriverError } from '#drivers/error.js';
import { Refusals } from '#drivers/https/refusals.js';
import { isRefusedLogin } from '../refusal.js';
import { SmbClient, type SmbEndpoint, type SmbLogin, type SmbShare } from './client.js';

/** In milliseconds: how long a session that nobody uses is kept. */
const idleMs = 60_000;

/** Whoever is refused once would be so each time, until the account is locked. */
const refusals = new Refusals(isRefusedLogin);

interface Session {
  readonly client: SmbClient;
  readonly shares: Map<string, Promise<SmbShare>>;
}

/** A share as long as somebody works with it. */
export interface Lease extends Disposable {
  readonly share: SmbShare;
}

/** A server of files: connected when it is first asked, kept for a while, and connected anew after a break. Nothing is repeated by itself. */
export class SmbServer implements AsyncDisposable {
  readonly #endpoint: SmbEndpoint;
  readonly #login: SmbLogin;
  readonly #ending = new AbortController();
  #session: Promise<Session> | undefined;
  #users = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(endpoint: SmbEndpoint, login: SmbLogin) {
    this.#endpoint = endpoint;
    this.#login = login;
  }

  /** @throws DriverError as the server answers */
  async lease(name: string, signal: AbortSignal): Promise<Lease> {
    this.#users += 1;
    clearTimeout(this.#idle);
    try {
      const share = await unlessAborted(this.#share(name), signal);
      return { share, [Symbol.dispose]: () => this.#leave() };
    } catch (reason) {
      this.#leave();
      throw reason;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort(new DriverError('Unavailable', 'the session was closed by us'));
    await this.#close();
  }

  async #share(name: string): Promise<SmbShare> {
    const { client, shares } = await this.#connected();
    const known = shares.get(name);
    if (known !== undefined) return known;
    const asked = client.share(name, this.#ending.signal);
    shares.set(name, asked);
    asked.catch(() => shares.delete(name));
    return asked;
  }

  /** Nobody's signal ends it: others wait for it, too. */
  async #connected(): Promise<Session> {
    const before = this.#session;
    if (before !== undefined && (await before).client.isOver && this.#session === before) this.#session = undefined;
    this.#session ??= this.#connect();
    return this.#session;
  }

  #connect(): Promise<Session> {
    const { host, port } = this.#endpoint;
    const made = refusals
      .unlessRefused({ host, port }, { ...this.#login }, () => SmbClient.connect(this.#endpoint, this.#login, this.#ending.signal))
      .then((client) => ({ client, shares: new Map() }));
    made.catch(() => {
      if (this.#session === made) this.#session = undefined;
    });
    return made;
  }

  #leave(): void {
    this.#users -= 1;
    clearTimeout(this.#idle);
    if (this.#users === 0) this.#idle = setTimeout(() => void this.#close(), idleMs).unref();
  }

  async #close(): Promise<void> {
    clearTimeout(this.#idle);
    const session = this.#session;
    this.#session = undefined;
    const open = await session?.catch(() => undefined);
    await open?.client[Symbol.asyncDispose]();
  }
}
