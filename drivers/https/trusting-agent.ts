import { Agent, type AgentOptions, type RequestOptions } from 'node:https';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect, type TLSSocket } from 'node:tls';
import { DriverError } from '#drivers/error.js';

/** How a host is known. With neither, by the authorities that Node knows. */
export interface Trust {
  readonly ca?: string;
  readonly sha256?: string;
  /** What we show the host, in PEM form. */
  readonly client?: { readonly cert: string; readonly key: string };
}

/** In milliseconds, to connect and agree on TLS. */
const patience = 15_000;

/** Of each socket, as Node forgets it once something was said. */
const certificates = new WeakMap<Duplex, Buffer>();

/** What the host at the other end of a socket of ours showed when it was connected, in DER form. */
export const certificateOf = (socket: Duplex): Buffer | undefined => certificates.get(socket);

type Done = (error: Error | null, socket: Duplex) => void;

/** Gives out only sockets to a host that is known: the first byte of a request, and with it a password, goes to no other. */
export class TrustingAgent extends Agent {
  readonly #trust: Trust;
  readonly #connecting = new Set<TLSSocket>();

  constructor(trust: Trust, options: AgentOptions) {
    super({ ...options, ...tlsOptions(trust) });
    this.#trust = trust;
  }

  /** What Node calls to connect; it takes the socket from `done`, when it is ready. */
  override createConnection({ host, port }: RequestOptions, done: Done = () => {}): undefined {
    const address = { host: host ?? '', port: Number(port), servername: isIP(host ?? '') ? '' : (host ?? '') };
    const socket = connect({ ...address, ...tlsOptions(this.#trust), ALPNProtocols: ['http/1.1'] });
    const finish = (error: Error | null) => {
      if (!this.#connecting.delete(socket)) return;
      socket.setTimeout(0);
      socket.removeAllListeners('timeout');
      if (error === null) return done(null, socket);
      socket.destroy();
      done(error, socket);
    };
    this.#connecting.add(socket);
    socket.setTimeout(patience, () => finish(new DriverError('TimedOut', `no TLS connection within ${patience / 1000} s`)));
    socket.on('error', finish);
    socket.once('close', () => finish(new Error('the connection closed before TLS was agreed on')));
    socket.once('secureConnect', () => {
      const certificate = socket.getPeerX509Certificate();
      if (certificate !== undefined) certificates.set(socket, certificate.raw);
      finish(mistrust(certificate?.fingerprint256, this.#trust));
    });
  }

  override destroy(): void {
    for (const socket of this.#connecting) socket.destroy();
    super.destroy();
  }
}

/** A pinned certificate need not name the host; nor need anyone have issued it, unless an authority is given as well. */
function tlsOptions({ ca, sha256, client }: Trust) {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(client === undefined ? {} : { cert: client.cert, key: client.key }),
    rejectUnauthorized: sha256 === undefined || ca !== undefined,
    ...(sha256 === undefined ? {} : { checkServerIdentity: () => undefined }),
  };
}

function mistrust(shown: string | undefined, { sha256 }: Trust): DriverError | null {
  if (sha256 === undefined || shown === sha256) return null;
  const why = `the host shows a certificate with the SHA-256 ${shown}, not the pinned ${sha256}`;
  return new DriverError('Denied', `${why}; if it was renewed, put its fingerprint in key "sha256" of the Secret`);
}
