import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { Libvirtd } from './libvirtd.js';

/** Bytes to and from a port of where it runs. What runs in the background gets no input unless it is told to. */
const relay = 'exec 3<>"/dev/tcp/127.0.0.1/$0" || exit; cat >&3 <&0 & cat <&3; kill $!';

/**
 * The daemon's machines show their screens in its own network; from then on they are reached on the same ports of this one, as on a host
 * whose agent runs beside its daemon.
 */
export const reachDisplays = (daemon: Libvirtd): Promise<AsyncDisposable> => reachPorts(daemon, daemon.displayPorts);

/** As `reachDisplays`, for other ports of the daemon's loopback. */
export async function reachPorts(daemon: Libvirtd, ports: readonly number[]): Promise<AsyncDisposable> {
  const servers = ports.map((port) => createServer((socket) => forward(daemon, port, socket)).listen(port, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  return { [Symbol.asyncDispose]: async () => void (await Promise.all(servers.map(close))) };
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  await closed;
}

function forward(daemon: Libvirtd, port: number, socket: Socket): void {
  const [command, ...words] = [...daemon.enter, 'bash', '-c', relay, `${port}`];
  const child = spawn(command as string, words, { stdio: ['pipe', 'pipe', 'ignore'] });
  // Either end may go first, and take the pipes along.
  for (const stream of [socket, child.stdin, child.stdout]) stream.on('error', () => {});
  socket.pipe(child.stdin);
  child.stdout.pipe(socket);
  child.once('exit', () => socket.destroy());
  socket.once('close', () => child.kill('SIGKILL'));
}
