import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { DriverError } from '#drivers/error.js';
import { isBroken, networkError } from '#drivers/https/network-error.js';
import { certificateOf } from '#drivers/https/trusting-agent.js';
import { NtlmClient, type SecurityContext } from '../ntlm/client.js';
import { endpointHash } from './endpoint-hash.js';
import { type Endpoint, OneSocket, type Received, type Sent, SocketGone } from './http.js';
import { kerberosToken } from './kerberos/token.js';
import { authorization, challengeIn, type Login, noWay, offered, refusedLogin } from './login.js';
import { openBody, sealBody, sealedType } from './sealed-body.js';
import { textIn } from './text.js';

export const soapType = 'application/soap+xml;charset=UTF-8';

/** What was agreed on over a socket; by NTLM, also what seals. */
interface Agreed {
  readonly socket: Socket;
  readonly context?: SecurityContext;
}

/** One way to the host: a socket and, where the login belongs to it, what was agreed on over it. One message at a time. */
export class Channel {
  readonly #endpoint: Endpoint;
  readonly #login: Login;
  readonly #http: OneSocket;
  #agreed: Agreed | undefined;

  constructor(endpoint: Endpoint, login: Login) {
    this.#endpoint = endpoint;
    this.#login = login;
    this.#http = new OneSocket(endpoint);
  }

  /** The answer's text, be it a fault. `repeatable`: it may be sent again when it is not known if it arrived. Rejects with DriverError only. */
  async send(message: string, repeatable: boolean, signal: AbortSignal): Promise<string> {
    try {
      return await this.#send(Buffer.from(message), repeatable, signal);
    } catch (reason) {
      // What was sealed and not answered leaves both ends at odds about what comes next.
      this.#forget();
      throw this.#told(reason);
    }
  }

  destroy(): void {
    this.#http.destroy();
  }

  /** What is wrong with Windows' remote management is put right there. */
  #told(reason: unknown): DriverError {
    const { host, port } = this.#endpoint;
    const error = networkError(`${host}:${port}`, reason);
    if (!(reason instanceof Error && 'code' in reason && reason.code === 'ECONNREFUSED')) return error;
    const how = this.#isOverTls ? '`winrm quickconfig -transport:https`, which needs a certificate' : '`winrm quickconfig`';
    return new DriverError(error.code, `${error.message}; on Windows: ${how}`, { cause: reason });
  }

  async #send(message: Buffer, repeatable: boolean, signal: AbortSignal, isSecondTry = false): Promise<string> {
    // A host may close a socket that was idle at any time, unnoticed until it is used.
    const wasOpen = this.#http.socket !== undefined;
    const socket = isOfSocket(this.#login) ? await this.#agreedSocket(this.#login, signal) : undefined;
    try {
      const received = await this.#http.exchange(this.#wrapped(message), socket, signal);
      return textIn(this.#unwrapped(received));
    } catch (reason) {
      // A login that has run out with its socket: nothing was sent, or the host did not take it.
      const isHarmless = reason instanceof SocketGone || (repeatable && wasOpen && isBroken(reason));
      if (isSecondTry || !isHarmless) throw reason;
      this.#forget();
      return this.#send(message, repeatable, signal, true);
    }
  }

  #forget(): void {
    if (this.#agreed !== undefined) this.#agreed.socket.destroy();
    this.#agreed = undefined;
  }

  #wrapped(message: Buffer): Sent {
    const header = authorization(this.#login);
    if (this.#agreed?.context !== undefined && this.#endpoint.trust === undefined)
      return { headers: { 'Content-Type': sealedType }, body: sealBody(message, soapType, this.#agreed.context) };
    return { headers: { 'Content-Type': soapType, ...(header && { Authorization: header }) }, body: message };
  }

  #unwrapped({ response, body }: Received): Buffer {
    const status = response.statusCode ?? 0;
    if (status === 401) throw this.#unauthorized(offered(response));
    // A fault comes as 400 or 500; any other refusal is not WS-Management's own.
    if (status !== 200 && !((status === 400 || status === 500) && body.length > 0)) throw httpError(status);
    if (this.#agreed?.context === undefined || this.#endpoint.trust !== undefined) return body;
    if (!/^multipart\/encrypted/i.test(response.headers['content-type'] ?? ''))
      throw new DriverError('Denied', 'the host answers a sealed message with one that anybody could have written');
    return openBody(body, this.#agreed.context);
  }

  /** A host that has forgotten us asks as one that never knew us; after a login it does not offer ours any more. */
  #unauthorized(ways: readonly string[]): DriverError {
    const { kind } = this.#login;
    if (isOfSocket(this.#login)) return new SocketGone();
    const takes = kind === 'basic' ? 'basic' : undefined;
    return takes === undefined || ways.some((way) => way.toLowerCase() === takes) ? refusedLogin(kind, this.#isOverTls) : noWay(kind, ways);
  }

  /** The socket that we are logged in on, after logging in if need be. */
  async #agreedSocket(login: LoginOfSocket, signal: AbortSignal): Promise<Socket> {
    if (this.#agreed !== undefined && this.#agreed.socket === this.#http.socket) return this.#agreed.socket;
    this.#agreed = undefined;
    this.#agreed = login.kind === 'ntlm' ? await this.#byNtlm(login, signal) : await this.#byKerberos(login, signal);
    return this.#agreed.socket;
  }

  /** A token for the host, which is all that it asks for. Who it is, TLS has told. */
  async #byKerberos(login: Extract<Login, { kind: 'kerberos' }>, signal: AbortSignal): Promise<Agreed> {
    const token = await kerberosToken(login, this.#endpoint.host, signal);
    const { response, socket } = await this.#http.exchange(empty('Negotiate', token), undefined, signal);
    this.#checkLoggedIn(response, login.kind);
    return { socket };
  }

  async #byNtlm(login: Extract<Login, { kind: 'ntlm' }>, signal: AbortSignal): Promise<Agreed> {
    const ntlm = new NtlmClient(login);
    const first = await this.#http.exchange(empty('Negotiate', ntlm.first), undefined, signal);
    const challenge = challengeIn(first.response);
    if (challenge === undefined) throw this.#noChallenge(first);
    const { message, context } = ntlm.answer(challenge, bindingTo(first.socket));
    const last = await this.#http.exchange(empty('Negotiate', message), first.socket, signal);
    this.#checkLoggedIn(last.response, login.kind);
    return { socket: first.socket, context };
  }

  #checkLoggedIn(response: IncomingMessage, kind: LoginOfSocket['kind']): void {
    const ways = offered(response);
    if (response.statusCode === 401)
      throw kind === 'kerberos' && !ways.some((way) => /^(negotiate|kerberos)$/i.test(way))
        ? noWay(kind, ways)
        : refusedLogin(kind, this.#isOverTls);
    if (response.statusCode !== 200) throw httpError(response.statusCode ?? 0);
  }

  get #isOverTls(): boolean {
    return this.#endpoint.trust !== undefined;
  }

  #noChallenge({ response }: Received): DriverError {
    const status = response.statusCode ?? 0;
    return status === 401 ? noWay('ntlm', offered(response)) : httpError(status);
  }
}

type LoginOfSocket = Extract<Login, { kind: 'ntlm' | 'kerberos' }>;

const isOfSocket = (login: Login): login is LoginOfSocket => login.kind === 'ntlm' || login.kind === 'kerberos';

/** The messages of a login bear nothing else. */
const empty = (scheme: string, token: Buffer): Sent => ({
  headers: { Authorization: `${scheme} ${token.toString('base64')}`, 'Content-Type': soapType },
  body: Buffer.alloc(0),
});

function bindingTo(socket: Socket) {
  const certificate = certificateOf(socket);
  return certificate === undefined ? {} : { endpointHash: endpointHash(certificate) };
}

function httpError(status: number): DriverError {
  const [code, why] = statuses[status] ?? ['Unavailable', 'this is no WinRM: check host and port in the URI'];
  return new DriverError(code, `the host answered with HTTP status ${status}: ${why}`);
}

const statuses: Readonly<Record<number, readonly [DriverError['code'], string]>> = {
  200: ['Denied', 'it takes a login without looking at it, and then could not seal anything: check what listens there'],
  403: ['Denied', 'it lets nobody in from here: look at its IPv4Filter and IPv6Filter, and at what stands between'],
  404: ['Unavailable', 'nothing listens under /wsman: check the port, and `winrm enumerate winrm/config/listener`'],
  413: ['Exhausted', 'the message is larger than the host takes: raise MaxEnvelopeSizekb there'],
  503: ['Unavailable', 'the service WinRM is starting, or overloaded'],
};
