import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Identity } from '../session/certificate.js';
import type { Advice } from './advice.js';
import { answerTo, readReview } from './review.js';

export interface ServerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly advise: (kind: string, object: unknown) => Advice;
}

/** Where the API server asks. It answers no one before it was given a certificate. */
export interface AdmissionServer extends AsyncDisposable {
  readonly port: number;
  use(identity: Pick<Identity, 'certificate' | 'key'>): void;
}

/** Twice the largest object that an API server stores, for it sends the old one as well, and what is around them. */
const largestBytes = 8 * 1024 * 1024;

/** Rejects when the port cannot be had. */
export async function serveAdmission({ host, port, advise }: ServerOptions): Promise<AdmissionServer> {
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000, keepAliveTimeout: 60_000 }, (request, response) => {
    answer(request, advise).then(
      (body) => send(response, 200, JSON.stringify(body)),
      (reason: unknown) => send(response, 400, reason instanceof TypeError || reason instanceof RangeError ? reason.message : 'no JSON'),
    );
  });
  server.maxConnections = 256;
  server.on('tlsClientError', (_reason, socket) => socket.destroy());
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    use: ({ certificate, key }) => server.setSecureContext({ cert: certificate, key, minVersion: 'TLSv1.2' }),
    [Symbol.asyncDispose]: () => closed(server),
  };
}

async function answer(request: IncomingMessage, advise: ServerOptions['advise']): Promise<object> {
  if (request.method !== 'POST') throw new TypeError('POST an AdmissionReview');
  const review = readReview(JSON.parse(await textOf(request)));
  return answerTo(review, advise(review.kind, review.object));
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > largestBytes) throw new RangeError(`at most ${largestBytes} bytes are read`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function send(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}

async function closed(server: Server): Promise<void> {
  const ended = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await ended;
}
