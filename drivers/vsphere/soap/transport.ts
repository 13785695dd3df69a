import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { anyOf, within } from '#drivers/deadline.js';
import { DriverError } from '#drivers/error.js';
import { Gate } from '#drivers/https/gate.js';
import { isBroken, networkError } from '#drivers/https/network-error.js';
import { type Trust, TrustingAgent } from '#drivers/https/trusting-agent.js';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly trust: Trust;
}

export interface Message {
  /** What is asked, for messages: the operation's name. */
  readonly what: string;
  /** A message is posted; without one, the file at `path` is got. */
  readonly body?: string;
  /** From the host's root on, encoded. The API's own when left out. */
  readonly path?: string;
  /** In bytes. 64 MiB when left out. */
  readonly maxReply?: number;
  /** `watch` has a socket of its own, which it may hold for as long as it likes; of `control`, four are under way at a time. */
  readonly lane: Lane;
  /** How long the host may take to answer, in milliseconds, from when it is asked. */
  readonly timeoutMs: number;
  /** Whether it may be sent again when it is not known if it arrived. */
  readonly repeatable: boolean;
}

export type Lane = 'control' | 'watch';

export interface Reply {
  readonly status: number;
  readonly body: string;
}

/** A host has few places for clients, and does little at a time. */
const maxOutstanding = 4;
/** A host closes sockets that are idle; before that, we do. */
const idleMs = 5_000;
/** Rather refused than out of memory. */
const maxReplyBytes = 64 * 2 ** 20;
/** Chooses what the host knows of its API: vSphere 6.0 or newer. */
const soapAction = 'urn:vim25/6.0';

/** SOAP by HTTPS towards one host: sockets kept alive, cookies, limits of size and time. What the messages say is not its concern. */
export class Transport implements AsyncDisposable {
  readonly peer: string;
  readonly #endpoint: Endpoint;
  readonly #agents: Readonly<Record<Lane, TrustingAgent>>;
  readonly #gate = new Gate(maxOutstanding);
  readonly #ending = new AbortController();
  readonly #cookies = new Map<string, string>();

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
    this.peer = `${endpoint.host}:${endpoint.port}`;
    const options = { keepAlive: true, timeout: idleMs };
    this.#agents = { control: new TrustingAgent(endpoint.trust, options), watch: new TrustingAgent(endpoint.trust, options) };
  }

  /** The host's answer, be it a fault. Rejects with DriverError only. */
  async send(message: Message, signal: AbortSignal): Promise<Reply> {
    using either = anyOf([signal, this.#ending.signal]);
    const send = () => this.#within(message, either.signal);
    return await (message.lane === 'watch' ? send() : this.#gate.through(send, either.signal));
  }

  /** Forgets who we are, so that we can log in anew. */
  forgetCookies(): void {
    this.#cookies.clear();
  }

  /** Drops all sockets; whatever is pending, or comes, rejects with the error. */
  end(why: DriverError): void {
    this.#ending.abort(why);
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end(new DriverError('Unavailable', `${this.peer}: the connection was closed by us`));
  }

  async #within(message: Message, signal: AbortSignal): Promise<Reply> {
    const done = new AbortController();
    try {
      return await within(message.timeoutMs, `${this.peer}: ${message.what}`, this.#send(message, done.signal), signal);
    } finally {
      done.abort();
    }
  }

  async #send(message: Message, signal: AbortSignal, isSecondTry = false): Promise<Reply> {
    const asked = this.#request(message, signal);
    try {
      const response = await asked.response;
      this.#takeCookies(response);
      return this.#checked(message, { status: response.statusCode ?? 0, body: await readBody(message, response) });
    } catch (reason) {
      if (message.repeatable && !isSecondTry && asked.isReused() && isBroken(reason)) return this.#send(message, signal, true);
      throw networkError(this.peer, reason);
    }
  }

  #request({ body, path = '/sdk', lane }: Message, signal: AbortSignal) {
    const content = body === undefined ? undefined : Buffer.from(body);
    const { host, port } = this.#endpoint;
    const method = content === undefined ? 'GET' : 'POST';
    const asked = request({ host, port, path, method, agent: this.#agents[lane], headers: this.#headers(content), signal });
    const response = new Promise<IncomingMessage>((resolve, reject) => {
      asked.once('response', resolve);
      asked.on('error', reject);
    });
    asked.end(content);
    return { response, isReused: () => asked.reusedSocket };
  }

  #headers(content: Buffer | undefined): Readonly<Record<string, string | number>> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    return {
      ...(content && { 'Content-Type': 'text/xml; charset=utf-8', 'Content-Length': content.length, SOAPAction: soapAction }),
      'User-Agent': 'virtwright',
      ...(cookie === '' ? {} : { Cookie: cookie }),
    };
  }

  /** Kept to the letter: a host's session may stand in quotes. */
  #takeCookies({ headers }: IncomingMessage): void {
    for (const cookie of headers['set-cookie'] ?? []) {
      const [, name, value] = /^\s*([^=;\s]+)=([^;]*)/.exec(cookie) ?? [];
      if (name !== undefined && value !== undefined) this.#cookies.set(name, value);
    }
  }

  /** A fault comes as 500; any other refusal is not the API's own. */
  #checked({ what, body }: Message, reply: Reply): Reply {
    if (reply.status === 200 || (reply.status === 500 && body !== undefined)) return reply;
    if (body === undefined && reply.status === 404) throw new DriverError('NotFound', `${what}: there is no such file`);
    const why = words[reply.status] ?? 'this is no vSphere API: check host and port in the URI';
    throw new DriverError('Unavailable', `${what} was answered with HTTP status ${reply.status}: ${why}`);
  }
}

const words: Readonly<Record<number, string>> = {
  502: 'the management service behind the proxy does not answer',
  503: 'the management service is starting, or overloaded',
  504: 'the management service behind the proxy does not answer',
};

const utf8 = new TextDecoder('utf-8', { fatal: true });

async function readBody({ what, maxReply = maxReplyBytes }: Message, response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxReply) throw new DriverError('Internal', `the reply to ${what} is longer than the ${maxReply / 2 ** 20} MiB accepted`);
    chunks.push(chunk);
  }
  if (!response.complete) throw new DriverError('Unavailable', `the reply to ${what} broke off after ${length} bytes`);
  return utf8.decode(Buffer.concat(chunks));
}
