import { once } from 'node:events';
import { createConnection, type NetConnectOpts, type Socket } from 'node:net';

/** A connection to what listens on this host. The signal is for the connecting. */
export async function connectServer(place: NetConnectOpts, signal: AbortSignal): Promise<Socket> {
  const socket = createConnection({ ...place, noDelay: true } as NetConnectOpts);
  try {
    await once(socket, 'connect', { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}
