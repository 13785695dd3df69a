import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to a server that can be blocked: what is sent then stays on the way, as with a broken network, and no connection closes. */
export interface Forwarder extends AsyncDisposable {
  readonly port: number;
  block(blocked: boolean): void;
  /** All connections break at once. */
  cut(): void;
  readonly connections: number;
}

export async function startForwarder(targetPort: number): Promise<Forwarder> {
  const sockets = new Set<Socket>();
  let blocked = false;
  const join = (from: Socket, to: Socket): void => {
    sockets.add(from);
    from.on('error', () => {});
    from.on('data', (bytes) => to.write(bytes));
    from.once('end', () => to.end());
    from.once('close', () => {
      sockets.delete(from);
      to.destroy();
    });
    if (blocked) from.pause();
  };
  const server = createServer((client) => {
    const target = connect(targetPort, '127.0.0.1');
    join(client, target);
    join(target, client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    block(wanted) {
      blocked = wanted;
      for (const socket of sockets) wanted ? socket.pause() : socket.resume();
    },
    cut,
    get connections() {
      return sockets.size / 2;
    },
    async [Symbol.asyncDispose]() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
