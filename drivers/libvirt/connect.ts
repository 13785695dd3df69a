import { Credentials } from '#drivers/target.js';
import { decodeLogin, decodeSshIdentity, decodeTlsIdentity } from './credentials.js';
import { type Connection, type ConnectOptions, connectDaemon } from './rpc/connection.js';
import { sshTransport } from './transport/ssh.js';
import { tcpTransport } from './transport/tcp.js';
import { tlsTransport } from './transport/tls.js';
import type { Transport } from './transport/transport.js';
import { unixTransport } from './transport/unix.js';
import { type Place, parseLibvirtUri } from './uri.js';

export interface LibvirtOptions extends ConnectOptions {
  /** What the daemon lets us in with, and is known by. Default: none. */
  readonly credentials?: Credentials;
}

/** Reaches the daemon behind `uri` (see parseLibvirtUri). */
export async function connectLibvirt(uri: string, options: LibvirtOptions, signal: AbortSignal): Promise<Connection> {
  const { credentials = new Credentials([]), ...rest } = options;
  const { name, place } = parseLibvirtUri(uri);
  return await connectDaemon({ transport: transportTo(place, name, credentials), name, ...decodeLogin(credentials) }, rest, signal);
}

function transportTo(place: Place, name: string, credentials: Credentials): Transport {
  switch (place.kind) {
    case 'unix':
      return unixTransport(place.paths);
    case 'tcp':
      return tcpTransport(place);
    case 'ssh':
      return sshTransport(place, name, decodeSshIdentity(credentials));
    case 'tls':
      return tlsTransport(place, decodeTlsIdentity(credentials));
  }
}
