import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createPlainServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { endpointHash } from '#drivers/hyperv/wsman/endpoint-hash.js';
import type { Answered } from '../wsman/service.js';
import { decoded, wide, wideType } from './charset.js';
import { type Challenged, challenged, type LoggedIn, loggedIn } from './ntlm-login.js';
import { sealedType, unwrap, wrap } from './sealed.js';
import { type Acceptor, type User, userNamed, type Ways } from './users.js';

export interface ListenerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** In PEM form; without one, plain HTTP. */
  readonly certificate?: { readonly cert: string; readonly key: string };
  readonly server: string;
  readonly users: readonly User[];
  readonly ways: Ways;
  readonly acceptor?: Acceptor | undefined;
  /** In bytes: a longer message is answered with 413. */
  readonly maxMessage: number;
  readonly answer: (text: string, user: User) => Promise<Answered>;
  /** What is told of a message in letters that WinRM does not know. */
  readonly unreadable: () => Answered;
  /** What is told to whoever asks, before a login. */
  readonly identity: () => string;
}

/** Who has come by a ticket seals nothing. */
type Login = Challenged | LoggedIn | { readonly kind: 'ticket'; readonly user: User };

const soapType = 'application/soap+xml;charset=UTF-8';
const mutual = 'http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual';

/** The door of WinRM: who comes in, and by which way; what was sealed is opened, and what is answered is sealed. */
export class Listener implements AsyncDisposable {
  readonly #options: ListenerOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** A login by NTLM belongs to the socket that it came by. */
  readonly #logins = new WeakMap<Socket, Login>();
  /** Fingerprints of the certificates that clients showed. */
  readonly #shown = new WeakMap<Socket, string>();
  readonly #endpointHash: Buffer | undefined;

  private constructor(options: ListenerOptions) {
    const { certificate } = options;
    const handle = (request: IncomingMessage, response: ServerResponse) => void this.#handle(request, response);
    this.#options = options;
    this.#endpointHash = certificate === undefined ? undefined : endpointHash(new X509Certificate(certificate.cert).raw);
    this.#server =
      certificate === undefined
        ? createPlainServer(handle)
        : createTlsServer({ ...certificate, requestCert: true, rejectUnauthorized: false }, handle);
    this.#server.on(certificate === undefined ? 'connection' : 'secureConnection', (socket: Socket) => this.#welcome(socket));
  }

  static async open(options: ListenerOptions): Promise<Listener> {
    const listener = new Listener(options);
    listener.#server.listen(options.port, options.host);
    await once(listener.#server, 'listening');
    return listener;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get sockets(): number {
    return this.#sockets.size;
  }

  /** All connections break at once. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }

  #welcome(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    const shown = socket instanceof TLSSocket ? socket.getPeerX509Certificate()?.fingerprint256 : undefined;
    // Node forgets it once something was said.
    if (shown !== undefined) this.#shown.set(socket, shown);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const body = await this.#read(request);
      if (body === undefined) end(response, 413);
      else await this.#answer(request, response, body);
    } catch {
      response.destroy();
    }
  }

  /** Undefined when it is far longer than a message can be, sealed or not. */
  async #read(request: IncomingMessage): Promise<Buffer | undefined> {
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > 4 * this.#options.maxMessage) return undefined;
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  async #answer(request: IncomingMessage, response: ServerResponse, body: Buffer): Promise<void> {
    // PowerShell says its version behind the path, and Windows minds no case.
    if (!/^\/wsman\/?(\?|$)/i.test(request.url ?? '')) return end(response, 404);
    if (request.method !== 'POST') return end(response.setHeader('Allow', 'POST'), 405);
    if (request.headers['wsmanidentify'] === 'unauthenticated') return end(response, 200, this.#options.identity());
    const login = this.#logins.get(request.socket);
    const isSealed = /^multipart\/encrypted/i.test(request.headers['content-type'] ?? '');
    if (isSealed) return login?.kind === 'logged-in' ? this.#sealed(response, body, login) : this.#unauthorized(response);
    const user = (await this.#byTicket(request, response)) ?? this.#userOf(request, response, login);
    if (user === undefined) return;
    if (body.length === 0) return end(response, 200);
    if (this.#endpointHash === undefined && !this.#options.ways.unencrypted) return this.#unauthorized(response);
    const found = decoded(body, request.headers['content-type'] ?? '');
    const { status, body: answer } = found === undefined ? this.#options.unreadable() : await this.#answerTo(body, found.text, user);
    if (found?.isWide === true && answer !== '') response.writeHead(status, { 'Content-Type': wideType }).end(wide(answer));
    else end(response, status, answer);
  }

  async #sealed(response: ServerResponse, body: Buffer, { user, context }: LoggedIn): Promise<void> {
    const plain = unwrap(body, context);
    if (plain === undefined) return end(response, 400);
    const { status, body: answer } = await this.#answerTo(plain, new TextDecoder().decode(plain), user);
    if (answer === '') return end(response, status);
    response.writeHead(status, { 'Content-Type': sealedType });
    response.end(wrap(Buffer.from(answer), soapType, context));
  }

  async #answerTo(message: Buffer, text: string, user: User): Promise<Answered> {
    if (message.length > this.#options.maxMessage) return { status: 413, body: '' };
    return this.#options.answer(text, user);
  }

  /** Who asks; undefined when that has been answered already. */
  #userOf(request: IncomingMessage, response: ServerResponse, login: Login | undefined): User | undefined {
    const [scheme = '', token = ''] = (request.headers.authorization ?? '').split(' ');
    const { ways } = this.#options;
    if (ways.negotiate && /^(negotiate|ntlm)$/i.test(scheme)) return this.#negotiated(request, response, scheme, token, login);
    if (scheme === '' && (login?.kind === 'logged-in' || login?.kind === 'ticket')) return login.user;
    const user = ways.basic && /^basic$/i.test(scheme) ? this.#basic(token) : this.#mapped(request);
    if (user === undefined) this.#unauthorized(response);
    return user;
  }

  /** Undefined when it is no ticket, or none of ours. */
  async #byTicket({ headers, socket }: IncomingMessage, response: ServerResponse): Promise<User | undefined> {
    const [scheme = '', token = ''] = (headers.authorization ?? '').split(' ');
    const { acceptor, users } = this.#options;
    const isTicket = /^(negotiate|kerberos)$/i.test(scheme) && !Buffer.from(token, 'base64').toString('latin1').startsWith('NTLMSSP');
    if (acceptor === undefined || !isTicket) return undefined;
    const found = await acceptor.accept(token).catch(() => undefined);
    const user = found && userNamed(users, found.principal.replace(/@.*/, ''));
    if (user === undefined) return undefined;
    response.setHeader('WWW-Authenticate', `${scheme} ${found?.answer ?? ''}`);
    this.#logins.set(socket, { kind: 'ticket', user });
    return user;
  }

  #basic(token: string): User | undefined {
    const [, name = '', password] = /^([^:]*):(.*)$/s.exec(Buffer.from(token, 'base64').toString('utf8')) ?? [];
    const user = userNamed(this.#options.users, name);
    return user !== undefined && user.password === password ? user : undefined;
  }

  #mapped({ socket, headers }: IncomingMessage): User | undefined {
    if (!this.#options.ways.certificate || headers.authorization !== mutual) return undefined;
    const shown = this.#shown.get(socket);
    return shown === undefined ? undefined : this.#options.users.find(({ certificates = [] }) => certificates.includes(shown));
  }

  #negotiated(
    request: IncomingMessage,
    response: ServerResponse,
    scheme: string,
    token: string,
    login: Login | undefined,
  ): User | undefined {
    const message = Buffer.from(token, 'base64');
    const first = this.#options.ways.ntlm ? challenged(message, this.#options.server) : undefined;
    if (first !== undefined) {
      this.#logins.set(request.socket, first);
      response.setHeader('WWW-Authenticate', `${scheme} ${first.message.toString('base64')}`);
      end(response, 401);
      return undefined;
    }
    const binding = { endpointHash: this.#endpointHash, isStrict: this.#options.ways.strictBinding };
    const done = login?.kind === 'challenged' ? loggedIn(login, message, this.#options.users, binding) : undefined;
    if (done === undefined) {
      this.#logins.delete(request.socket);
      this.#unauthorized(response);
      return undefined;
    }
    this.#logins.set(request.socket, done);
    return done.user;
  }

  #unauthorized(response: ServerResponse): void {
    const { negotiate, basic } = this.#options.ways;
    response.setHeader('WWW-Authenticate', [...(negotiate ? ['Negotiate'] : []), ...(basic ? ['Basic realm="WSMAN"'] : [])]);
    end(response, 401);
  }
}

function end(response: ServerResponse, status: number, body = ''): void {
  response.writeHead(status, body === '' ? {} : { 'Content-Type': soapType });
  response.end(body);
}
