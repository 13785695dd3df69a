import { type Meaning, networkError } from './network-error.js';
import { timely } from './patience.js';
import { connectServer } from './server.js';
import { type Endpoint, peerName, reachesNothing, type Transport } from './transport.js';

const meanings: Readonly<Record<string, Meaning>> = {
  ECONNREFUSED: ['Unavailable', 'nothing listens there: check the port, and that your tunnel is up, or the daemon listens by TCP'],
};

/** Nothing on the way is secret: for what begins on this host alone. */
export function tcpTransport(endpoint: Endpoint): Transport {
  const peer = peerName(endpoint);
  const connect = (signal: AbortSignal) =>
    timely(peer, signal, (until) => connectServer(endpoint, until)).catch((reason) => {
      throw networkError(peer, reason, meanings);
    });
  return { peer, isLocal: false, connect, reach: reachesNothing(peer) };
}
