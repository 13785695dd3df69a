import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ServeOptions {
  /** 0: any free one. */
  readonly port: number;
  /** Default: loopback only. */
  readonly host?: string;
  /** A Prometheus registry. */
  readonly metrics: { readonly contentType: string; metrics(): Promise<string> };
  /** What is wrong; undefined when nothing is. */
  readonly notReady?: () => string | undefined;
  readonly notHealthy?: () => string | undefined;
}

export interface Served extends AsyncDisposable {
  /** E.g. `http://127.0.0.1:9090`. */
  readonly url: string;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** /metrics, /healthz and /readyz until disposed. Rejects when the port cannot be had. */
export async function serve(options: ServeOptions): Promise<Served> {
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (request, response) => {
    answerTo(request, options).then(
      (answer) => send(response, answer),
      () => send(response, plain(500, 'internal error')),
    );
  });
  server.maxConnections = 64;
  server.listen(options.port, options.host ?? '127.0.0.1');
  await once(server, 'listening');
  const { address, port, family } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answerTo(request: IncomingMessage, options: ServeOptions): Promise<Answer> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return plain(405, 'GET only');
  switch (request.url?.split('?')[0]) {
    case '/metrics':
      return { status: 200, type: options.metrics.contentType, text: await options.metrics.metrics() };
    case '/healthz':
      return verdict(options.notHealthy?.());
    case '/readyz':
      return verdict(options.notReady?.());
    default:
      return plain(404, 'here are /metrics, /healthz and /readyz');
  }
}

const verdict = (wrong: string | undefined): Answer => (wrong === undefined ? plain(200, 'ok') : plain(503, wrong));
const plain = (status: number, text: string): Answer => ({ status, type: 'text/plain; charset=utf-8', text: `${text}\n` });

function send(response: ServerResponse, { status, type, text }: Answer): void {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text) });
  response.end(response.req.method === 'HEAD' ? undefined : text);
}
