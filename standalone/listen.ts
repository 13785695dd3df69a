import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Identities } from './files.js';
import type { Handler } from './http/handle.js';
import type { Caller } from './requests/authorize.js';

export interface Listening {
  readonly url: string;
  /** Takes nothing new, waits for what is under way, and lets go of who is still there. */
  end(underWay: () => Promise<void>): Promise<void>;
}

/** On loopback, over TLS, for who has a certificate of the authority's. Any free port when it is 0. */
export async function listen(handler: Handler, { authority, server: own }: Identities, port: number): Promise<Listening> {
  const server = createServer(
    {
      cert: own.certificate,
      key: own.key,
      ca: authority,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
      handshakeTimeout: 20_000,
    },
    (request, response) => void handler.handle(request, response, callerOf(request)),
  );
  server.headersTimeout = 20_000;
  server.requestTimeout = 60_000;
  const sockets = new Set<Socket>();
  server.on('secureConnection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async end(underWay) {
      server.close();
      server.closeIdleConnections();
      await underWay();
      for (const socket of sockets) socket.destroy();
    },
  };
}

const callers = new WeakMap<Socket, Caller>();

/** Who is at the other end of a connection. Read once: it takes longer than a small request. */
function callerOf({ socket }: IncomingMessage): Caller {
  const known = callers.get(socket) ?? readCaller(socket as TLSSocket);
  callers.set(socket, known);
  return known;
}

function readCaller(socket: TLSSocket): Caller {
  const subject = socket.getPeerCertificate().subject as Readonly<Record<string, string | string[]>> | undefined;
  const groups = [subject?.['O'] ?? []].flat();
  return { user: [subject?.['CN'] ?? 'unknown'].flat()[0] ?? 'unknown', groups: [...groups, 'system:authenticated'] };
}
