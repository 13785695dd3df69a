import { unlessAborted } from '#drivers/deadline.js';
import { DriverError } from '#drivers/error.js';
import { isFault, toDriverError } from './driver-error.js';
import { decodeReply, encodeRequest, type Operation } from './envelope.js';
import { VimFault } from './fault.js';
import { currentTime, login, logout, retrieveServiceContent, type ServiceContent } from './operations.js';
import { type Endpoint, type Lane, Transport } from './transport.js';
import type { Ref } from './types.js';

export interface User {
  readonly username: string;
  readonly password: string;
}

export interface AskOptions {
  readonly lane?: Lane;
  /** In milliseconds. 30 s when left out. */
  readonly timeoutMs?: number;
  /** What is asked has a meaning only in this session: in another one it is not asked again. */
  readonly ofSession?: boolean;
}

/** In milliseconds: for logging in, whoever waits for it, and for leaving. */
const patience = { login: 30_000, logout: 5_000, ask: 30_000 };
const serviceInstance: Ref = { type: 'ServiceInstance', value: 'ServiceInstance' };

/**
 * One login at one host. A session that the host has forgotten is opened again, once for all who find out at the same time, and what was
 * asked is asked again: the host has done nothing of it. It is always closed, too: a host keeps only so many.
 */
export class Session implements AsyncDisposable {
  readonly content: ServiceContent;
  /** Resolves with the reason when the host is no longer reached through this session. */
  readonly closed: Promise<DriverError>;
  readonly #transport: Transport;
  readonly #user: User;
  readonly #settleClosed: (why: DriverError) => void;
  #failure: DriverError | undefined;
  #renewing: Promise<void> | undefined;
  #age = 0;
  /** Whether the host may keep a session for us, answered or not. */
  #mayBeKnown = false;

  private constructor(transport: Transport, user: User, content: ServiceContent) {
    let settle = (_: DriverError) => {};
    this.closed = new Promise((resolve) => {
      settle = resolve;
    });
    this.#settleClosed = settle;
    this.#transport = transport;
    this.#user = user;
    this.content = content;
  }

  static async open(endpoint: Endpoint, user: User, signal: AbortSignal): Promise<Session> {
    const transport = new Transport(endpoint);
    let session: Session | undefined;
    try {
      const content = await call(transport, retrieveServiceContent, serviceInstance, {}, {}, signal);
      session = new Session(transport, user, content);
      await session.#renew(0, signal);
      return session;
    } catch (reason) {
      const left = session?.[Symbol.asyncDispose]() ?? transport[Symbol.asyncDispose]();
      // Whoever gave up does not wait for a login that may yet be answered, so that it can be undone.
      if (!signal.aborted) await left;
      throw asDriverError(reason);
    }
  }

  /** Another number after every login: what the host kept for a session before, such as filters and views, is gone. */
  get age(): number {
    return this.#age;
  }

  /** The host, for messages. */
  get peer(): string {
    return this.#transport.peer;
  }

  /** Rejects with DriverError only; the host's fault is its cause. */
  async ask<Args, Result>(
    operation: Operation<Args, Result>,
    target: Ref,
    args: Args,
    signal: AbortSignal,
    options: AskOptions = {},
  ): Promise<Result> {
    for (let isSecondTry = false; ; isSecondTry = true) {
      if (this.#failure !== undefined) throw this.#failure;
      const age = this.#age;
      try {
        return await call(this.#transport, operation, target, args, options, signal);
      } catch (reason) {
        if (isSecondTry || !isFault(reason, 'NotAuthenticated')) throw asDriverError(reason);
        await this.#renew(age, signal);
        if (options.ofSession === true) throw asDriverError(reason);
      }
    }
  }

  /** A small file that the host gives out beside its API. `path` is encoded. */
  async file(what: string, path: string, maxReply: number, signal: AbortSignal): Promise<string> {
    if (this.#failure !== undefined) throw this.#failure;
    const message = { what, path, maxReply, lane: 'control', timeoutMs: patience.ask, repeatable: true } as const;
    return (await this.#transport.send(message, signal)).body;
  }

  /** Makes sure that the host still knows us: some questions are answered with nothing when it does not. True when it had to be told again. */
  async verify(signal: AbortSignal): Promise<boolean> {
    const age = this.#age;
    await this.ask(currentTime, serviceInstance, {}, signal);
    return this.#age !== age;
  }

  /** The host is no longer reached: everything rejects from now on. */
  end(why: DriverError): void {
    if (this.#failure !== undefined) return;
    this.#failure = why;
    this.#transport.end(why);
    this.#settleClosed(why);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const why = new DriverError('Unavailable', `${this.peer}: the connection was closed by us`);
    if (this.#failure === undefined) {
      this.#failure = why;
      await this.#renewing?.catch(() => {});
      await this.#logout();
      this.#transport.end(why);
      this.#settleClosed(why);
    }
    await this.closed;
  }

  /** Shared by all whom the host does not know any more. */
  async #renew(age: number, signal: AbortSignal): Promise<void> {
    if (this.#age !== age) return;
    this.#renewing ??= this.#login(AbortSignal.timeout(patience.login)).finally(() => {
      this.#renewing = undefined;
    });
    await unlessAborted(this.#renewing, signal);
  }

  async #login(signal: AbortSignal): Promise<void> {
    this.#transport.forgetCookies();
    const { username, password } = this.#user;
    this.#mayBeKnown = true;
    try {
      // In English, which our own words are in as well.
      const args = { userName: username, password, locale: 'en' };
      await call(this.#transport, login, this.content.sessionManager, args, {}, signal);
      this.#age += 1;
    } catch (reason) {
      const error = asDriverError(reason);
      // Trying again would lock the account.
      if (error.code === 'Denied') this.end(error);
      throw error;
    }
  }

  async #logout(): Promise<void> {
    if (!this.#mayBeKnown) return;
    await call(
      this.#transport,
      logout,
      this.content.sessionManager,
      {},
      { timeoutMs: patience.logout },
      AbortSignal.timeout(patience.logout),
    ).catch(() => {});
  }
}

async function call<Args, Result>(
  transport: Transport,
  operation: Operation<Args, Result>,
  target: Ref,
  args: Args,
  { lane = 'control', timeoutMs = patience.ask }: AskOptions,
  signal: AbortSignal,
): Promise<Result> {
  const body = encodeRequest(operation, target, args);
  const message = { what: operation.name, body, lane, timeoutMs, repeatable: operation.repeatable };
  return decodeReply(operation, (await transport.send(message, signal)).body);
}

function asDriverError(reason: unknown): DriverError {
  return reason instanceof VimFault ? toDriverError(reason) : DriverError.from(reason);
}
