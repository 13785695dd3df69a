import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { Vcsim } from '#test/peers/vsphere/vcsim.js';

/** What becomes of a request. What the host would have answered comes by `forward`. */
export type Trouble = (asked: Asked) => Promise<Answer | 'cut'>;

export interface Asked {
  readonly operation: string;
  readonly body: string;
  forward(): Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly cookies?: readonly string[];
}

/** Stands before a simulator, with its certificate, and makes the troubles that it does not have. */
export interface VsphereProxy extends AsyncDisposable {
  readonly port: number;
  /** The operations that were asked for, in order. */
  readonly asked: readonly string[];
  /** The next so many requests of that name (`*`: of any) meet the trouble; all until `calm`, when no number is given. */
  trouble(operation: string, trouble: Trouble, times?: number): void;
  calm(): void;
  /** All connections break at once. */
  cut(): void;
  /** While true, whoever connects is turned away. */
  closed(closed: boolean): void;
}

export async function startProxy(target: Vcsim): Promise<VsphereProxy> {
  const [cert, key] = await Promise.all([readFile(target.pair.cert), readFile(target.pair.key)]);
  const agent = new Agent({ keepAlive: true, ca: target.ca });
  const sockets = new Set<Socket>();
  const asked: string[] = [];
  let troubles: { operation: string; trouble: Trouble; left: number }[] = [];
  let isClosed = false;

  const troubleFor = (operation: string): Trouble | undefined => {
    const found = troubles.find((one) => [operation, '*'].includes(one.operation) && one.left > 0);
    if (found !== undefined) found.left -= 1;
    return found?.trouble;
  };
  const server = createServer({ cert, key }, async (incoming, response) => {
    const body = (await buffer(incoming)).toString();
    const operation = /<(?:\w+:)?Body[^>]*>\s*<(?:\w+:)?(\w+)/.exec(body)?.[1] ?? `${incoming.method} ${incoming.url}`;
    asked.push(operation);
    const forward = () => ask(target.port, agent, incoming, body);
    const trouble = troubleFor(operation) ?? (({ forward }) => forward());
    await trouble({ operation, body, forward }).then(
      (answer) => give(response, answer),
      () => response.destroy(),
    );
  });
  server.on('connection', (socket: Socket) => {
    socket.on('error', () => {});
    if (isClosed) return void socket.destroy();
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    trouble: (operation, trouble, times = Number.POSITIVE_INFINITY) => void troubles.unshift({ operation, trouble, left: times }),
    calm: () => {
      troubles = [];
    },
    cut,
    closed: (closed) => {
      isClosed = closed;
    },
    async [Symbol.asyncDispose]() {
      cut();
      agent.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function give(response: ServerResponse, answer: Answer | 'cut'): void {
  if (answer === 'cut') return void response.destroy();
  response.on('error', () => {});
  response
    .writeHead(answer.status, { 'Content-Type': 'text/xml; charset=utf-8', 'Set-Cookie': [...(answer.cookies ?? [])] })
    .end(answer.body);
}

async function ask(port: number, agent: Agent, { method, url, headers }: IncomingMessage, body: string): Promise<Answer> {
  const asked = request({ host: '127.0.0.1', port, agent, method, path: url, headers: { ...headers, host: `127.0.0.1:${port}` } });
  asked.end(body);
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  return { status: answer.statusCode ?? 0, body: (await buffer(answer)).toString(), cookies: answer.headers['set-cookie'] ?? [] };
}

/** The host refuses, and does nothing. */
export const faults = (type: string, said = '', fields = ''): Trouble => {
  const detail = `<${type}Fault xmlns="urn:vim25" xsi:type="${type}">${fields}</${type}Fault>`;
  const fault = `<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>${said}</faultstring><detail>${detail}</detail></soapenv:Fault>`;
  return async () => ({ status: 500, body: inEnvelope(fault) });
};

/** The request never gets there. */
export const cuts: Trouble = async () => 'cut';

/** The work is done, and nobody hears of it. */
export const losesReply: Trouble = async ({ forward }) => {
  await forward();
  return 'cut';
};

/** What the host answers, with a change. */
export const edits =
  (edit: (body: string) => string): Trouble =>
  async ({ forward }) => {
    const answer = await forward();
    return { ...answer, body: edit(answer.body) };
  };

export const answers =
  (body: string, status = 200): Trouble =>
  async () => ({ status, body });

export function inEnvelope(content: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
    xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>${content}</soapenv:Body></soapenv:Envelope>`;
}
