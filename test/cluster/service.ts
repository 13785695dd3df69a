import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** What a node's proxy makes of a Service: connections to its address go to the first of its pods that takes them. */
export interface ProxiedService extends AsyncDisposable {
  /** Behind it from now on; connections that there are break. */
  to(...endpoints: readonly Endpoint[]): void;
  /** Takes connections and lets nothing through. */
  hang(): void;
}

export async function proxyService(at: Endpoint): Promise<ProxiedService> {
  const sockets = new Set<Socket>();
  let behind: readonly Endpoint[] | 'hanging' = [];
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on('error', () => {}).once('close', () => sockets.delete(socket));
  };
  const through = (client: Socket, [first, ...others]: readonly Endpoint[]): void => {
    if (first === undefined) return void client.destroy();
    const target = keep(connect(first.port, first.host));
    target.once('connect', () => client.pipe(target).pipe(client));
    target.once('error', () => through(client, others));
    client.once('close', () => target.destroy());
    target.once('close', () => target.pending || client.destroy());
  };
  const server = createServer((client) => {
    keep(client);
    if (behind !== 'hanging') through(client, behind);
  });
  server.listen(at.port, at.host);
  await once(server, 'listening');
  const become = (next: typeof behind): void => {
    behind = next;
    for (const socket of sockets) socket.destroy();
  };
  return {
    to: (...endpoints) => become(endpoints),
    hang: () => become('hanging'),
    async [Symbol.asyncDispose]() {
      become([]);
      server.close();
      await once(server, 'close');
    },
  };
}
