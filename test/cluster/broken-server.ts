import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connection } from '#controllers/kubernetes/connection.js';
import { createAuthority, issue } from './certificates.js';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** An HTTPS server that says what the test wants: for everything that a real API server cannot be brought to say. */
export interface BrokenServer extends AsyncDisposable {
  readonly connection: Connection;
  /** `GET /api/v1/...`, in order. */
  readonly requests: readonly string[];
  /** Connections accepted so far. */
  readonly accepted: number;
  answer(handler: Handler): void;
}

export async function startBrokenServer(): Promise<BrokenServer> {
  const folder = await mkdtemp(join(tmpdir(), 'virtwright-broken-'));
  const authority = await createAuthority(folder);
  const pair = await issue(folder, 'server', '/CN=broken', 'serverAuth');
  const [ca, cert, key] = await Promise.all([authority.cert, pair.cert, pair.key].map((path) => readFile(path)));
  await rm(folder, { recursive: true });
  if (!ca || !cert || !key) throw new Error('no certificates');
  const requests: string[] = [];
  let accepted = 0;
  let handler: Handler = (_, response) => json(response, 404, {});
  const server = createServer({ cert, key }, (request, response) => {
    requests.push(`${request.method} ${request.url}`);
    response.on('error', () => {});
    handler(request, response);
  });
  server.on('secureConnection', () => accepted++);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return {
    connection: {
      server: url,
      namespace: 'default',
      credentials: async () => ({ headers: { Authorization: 'Bearer hunter2' }, tls: { ca } }),
    },
    requests,
    get accepted() {
      return accepted;
    },
    answer(wanted) {
      handler = wanted;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

export function json(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}
