import { type ClientRequest, type IncomingMessage, Agent as PlainAgent, request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { DriverError } from '#drivers/error.js';
import { type Trust, TrustingAgent } from '#drivers/https/trusting-agent.js';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** By HTTPS, when there is one. */
  readonly trust?: Trust;
}

export interface Sent {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface Received {
  readonly response: IncomingMessage;
  readonly body: Buffer;
  readonly socket: Socket;
}

/** Rather refused than out of memory. */
const maxReplyBytes = 32 * 2 ** 20;
/** A host closes sockets that are idle for two minutes; before that, we do. */
const idleMs = 60_000;

export const urlOf = ({ host, port, trust }: Endpoint): string =>
  `http${trust === undefined ? '' : 's'}://${host.includes(':') ? `[${host}]` : host}:${port}/wsman`;

/** One socket, kept alive: a login over NTLM belongs to it. Requests go one after the other. */
export class OneSocket {
  readonly #endpoint: Endpoint;
  readonly #agent: PlainAgent;
  /** By which the last request went; another one has not been logged in on. */
  #socket: Socket | undefined;

  constructor(endpoint: Endpoint) {
    const options = { keepAlive: true, maxSockets: 1, timeout: idleMs };
    this.#endpoint = endpoint;
    this.#agent = endpoint.trust === undefined ? new PlainAgent(options) : new TrustingAgent(endpoint.trust, options);
  }

  /** The socket that the next request will go by, if it is still open. */
  get socket(): Socket | undefined {
    return this.#socket?.destroyed === false ? this.#socket : undefined;
  }

  /** `only` is the one socket by which this may go: Unavailable, and nothing is sent, when it has been closed. */
  async exchange({ headers, body }: Sent, only: Socket | undefined, signal: AbortSignal): Promise<Received> {
    const { host, port, trust } = this.#endpoint;
    const send = trust === undefined ? plainRequest : tlsRequest;
    const head = { ...headers, 'Content-Length': body.length, 'User-Agent': 'virtwright' };
    const asked = send({ host, port, path: '/wsman', method: 'POST', agent: this.#agent, headers: head, signal });
    const responded = responseTo(asked);
    // It may fail before anybody waits for it.
    responded.catch(() => {});
    const socket = await socketOf(asked);
    if (only !== undefined && socket !== only) {
      asked.destroy();
      throw new SocketGone();
    }
    this.#socket = socket;
    asked.end(body);
    const response = await responded;
    return { response, body: await readBody(response), socket };
  }

  destroy(): void {
    this.#agent.destroy();
    this.#socket?.destroy();
  }
}

/** The socket that was logged in on is closed, and nothing of the request was sent. */
export class SocketGone extends DriverError {
  constructor() {
    super('Unavailable', 'the host closed the connection while it was idle');
  }
}

function socketOf(asked: ClientRequest): Promise<Socket> {
  return new Promise((resolve, reject) => {
    asked.once('socket', resolve);
    asked.once('error', reject);
  });
}

function responseTo(asked: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    asked.once('response', resolve);
    asked.on('error', reject);
  });
}

async function readBody(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxReplyBytes) throw new DriverError('Internal', `the reply is longer than the ${maxReplyBytes / 2 ** 20} MiB accepted`);
    chunks.push(chunk);
  }
  if (!response.complete) throw new DriverError('Unavailable', `the reply broke off after ${length} bytes`);
  return Buffer.concat(chunks);
}
