import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Identity } from '../session/certificate.js';
import type { Advice } from './advice.js';
import { Bodies } from './body.js';
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

/** An API server gives up after two seconds. Whoever holds a connection without asking is not one. */
const patience = {
  handshakeTimeout: 5_000,
  headersTimeout: 10_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 1_000,
  keepAliveTimeout: 10_000,
};
/** Some for each of several API servers. */
const mostConnections = 32;

/** Rejects when the port cannot be had. */
export async function serveAdmission({ host, port, advise }: ServerOptions): Promise<AdmissionServer> {
  const bodies = new Bodies();
  const server = createServer(patience, (request, response) => {
    answer(request, bodies, advise).then(
      (body) => send(response, 200, JSON.stringify(body)),
      (reason: unknown) => send(response, 400, reason instanceof TypeError || reason instanceof RangeError ? reason.message : 'no JSON'),
    );
  });
  server.maxConnections = mostConnections;
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

async function answer(request: IncomingMessage, bodies: Bodies, advise: ServerOptions['advise']): Promise<object> {
  if (request.method !== 'POST') throw new TypeError('POST an AdmissionReview');
  return bodies.read(request, (text) => {
    const review = readReview(JSON.parse(text));
    return answerTo(review, advise(review.kind, review.object));
  });
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
