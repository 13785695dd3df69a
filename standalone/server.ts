import { once, setMaxListeners } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { kubeconfigText, prepareFiles, writePrivate } from './files.js';
import { Housekeeper } from './housekeeper/housekeeper.js';
import { Handler } from './http/handle.js';
import type { Caller } from './requests/authorize.js';
import { Registry } from './resources/registry.js';
import { Disk } from './store/disk.js';
import { Store } from './store/store.js';
import { Vault } from './store/vault.js';

export interface StandaloneOptions {
  /** All its data: objects, certificates, kubeconfig. Made when it is not there; nobody else may read it. */
  readonly folder: string;
  /** On loopback; any free one when 0. */
  readonly port: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** An API server of Kubernetes' ways for one host, in this process. */
export interface Standalone extends AsyncDisposable {
  readonly url: string;
  readonly kubeconfig: string;
}

export async function startStandalone({ folder, port, now = Date.now }: StandaloneOptions): Promise<Standalone> {
  const files = await prepareFiles(folder);
  const disk = new Disk(files.objects, new Vault(files.sealingKey));
  const [store, registry, ended] = [new Store(disk), new Registry(), new AbortController()];
  // One for each watch.
  setMaxListeners(0, ended.signal);
  const housekeeper = new Housekeeper(store, registry, now);
  await housekeeper.begin();
  const handler = new Handler({ store, registry, now, signal: ended.signal });
  const { certificate: cert, key } = files.server;
  const server = createServer(
    { cert, key, ca: files.authority, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.2' },
    (request, response) => {
      void handler.handle(request, response, callerOf(request));
    },
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
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await writePrivate(files.kubeconfig, kubeconfigText(url, files.authority, files.admin));
  return {
    url,
    kubeconfig: files.kubeconfig,
    async [Symbol.asyncDispose]() {
      ended.abort();
      server.close();
      server.closeIdleConnections();
      await store.settled();
      for (const socket of sockets) socket.destroy();
      await housekeeper[Symbol.asyncDispose]();
      await store.settled();
      await disk[Symbol.asyncDispose]();
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
