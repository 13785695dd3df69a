import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { encodeFrame, FrameCutter } from '#drivers/hyperv/smb/frame.js';

/** What becomes of a message on its way: another, several, none, or the end of both connections. */
export type Change = (packet: Buffer) => Buffer | readonly Buffer[] | 'lost' | 'cut';

export interface SmbProxy extends AsyncDisposable {
  readonly port: number;
  /** What the server says from now on. */
  onAnswer: Change;
  onQuestion: Change;
}

/** Stands between a client and a server of files at a port of this host, as whoever has the network does. */
export async function startSmbProxy(target: number): Promise<SmbProxy> {
  const sockets = new Set<Socket>();
  const proxy = { onAnswer: (packet: Buffer) => packet, onQuestion: (packet: Buffer) => packet } as {
    onAnswer: Change;
    onQuestion: Change;
  };
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) sockets.add(socket);
    relay(client, upstream, (packet) => proxy.onQuestion(packet));
    relay(upstream, client, (packet) => proxy.onAnswer(packet));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(proxy, {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  });
}

function relay(from: Socket, to: Socket, change: Change): void {
  const cutter = new FrameCutter();
  from.on('data', (chunk: Buffer) => {
    for (const packet of cutter.push(chunk)) {
      const changed = change(packet);
      if (changed === 'cut') from.destroy();
      else if (changed !== 'lost') for (const each of [changed].flat()) to.write(encodeFrame(each));
    }
  });
  from.on('error', () => {});
  from.once('close', () => to.destroy());
}
