import { once } from 'node:events';
import { createServer as createHttpServer, type Server } from 'node:http';
import { type AddressInfo, isIPv6, type Socket } from 'node:net';
import { createServer, type TLSSocket, type Server as TlsServer } from 'node:tls';
import { makeIdentity } from './certificate.js';
import type { SessionMetrics } from './metrics.js';
import type { Opening } from './opening.js';
import { attend, turnAway, type Visit } from './visit.js';
import { WaitingRoom } from './waiting-room.js';
import { methods, peerOf, placeOf, protocol } from './wire.js';

export interface DoorOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** `host:port` that clients are told, where it is not the one that is listened on. */
  readonly announced?: string | undefined;
  readonly metrics: SessionMetrics;
  /** Told of the door's certificate, in PEM form. */
  readonly onCertificate?: (certificate: string) => void;
}

interface Admitted {
  readonly opening: Opening;
  /** Ends whoever came in. */
  readonly end: AbortController;
  state: 'open' | 'used' | 'over';
}

/** One certificate opens one connection; a client that tries twice may have two for a moment. */
const mostPerCertificate = 4;
const handshakeMs = 10_000;
const keepAliveMs = 30_000;

/**
 * Where people come in to a machine's console and the like. It opens to nobody but those whose certificate a session names, to each once, and says
 * nothing to anybody else. Who is slow, or many, or half-gone is seen off without keeping the others waiting.
 */
export class Door implements AsyncDisposable {
  /** As clients are told. */
  readonly address: string;
  /** Of the door's own certificate. */
  readonly fingerprint: string;
  readonly #tls: TlsServer;
  readonly #http: Server;
  readonly #room: WaitingRoom;
  readonly #metrics: SessionMetrics;
  readonly #admitted = new Map<string, Admitted>();
  /** Connections by the certificate that they came with. */
  readonly #known = new Map<TLSSocket, string>();

  /** Rejects with an Error that says so when the address cannot be listened on. */
  static async open(options: DoorOptions): Promise<Door> {
    const { certificate: cert, key, fingerprint } = await makeIdentity('virtwright-agent');
    options.onCertificate?.(cert);
    // Nobody vouches for the certificates: they are compared, once the other side has proven that it has the key.
    const proof = { requestCert: true, rejectUnauthorized: false, minVersion: protocol.tls, ALPNProtocols: [protocol.alpn] } as const;
    const server = createServer({ cert, key, ...proof, handshakeTimeout: handshakeMs });
    server.listen(options.port, options.host);
    await once(server, 'listening').catch((cause: Error) => {
      throw new Error(`--sessions: ${options.host}:${options.port} cannot be listened on (${cause.message}); give another`, { cause });
    });
    const { address, port } = server.address() as AddressInfo;
    const listened = `${isIPv6(address) ? `[${address}]` : address}:${port}`;
    return new Door(server, { ...options, address: options.announced ?? listened, fingerprint });
  }

  private constructor(
    server: TlsServer,
    options: Pick<DoorOptions, 'metrics'> & { readonly address: string; readonly fingerprint: string },
  ) {
    ({ address: this.address, fingerprint: this.fingerprint } = options);
    this.#metrics = options.metrics;
    this.#room = new WaitingRoom(() => this.#metrics.turnedAway('Slow'));
    this.#tls = server
      .on('connection', (socket: Socket) => this.#knock(socket))
      .on('secureConnection', (socket) => this.#greet(socket))
      .on('tlsClientError', (_error, socket) => socket.destroy());
    // Times are kept in the waiting room; what comes in may take as long as it takes.
    this.#http = createHttpServer({ maxHeaderSize: 4_096, keepAliveTimeout: 1, requestTimeout: 0, headersTimeout: 0 })
      .on('request', (request, response) => this.#enter({ kind: 'request', request, response }))
      .on('checkContinue', (request, response) => this.#enter({ kind: 'request', request, response }))
      .on('upgrade', (request, socket, head) => this.#enter({ kind: 'upgrade', request, socket, head }))
      .on('clientError', (_error, socket) => {
        this.#metrics.turnedAway('Request');
        socket.destroy();
      });
  }

  /** Lets one in by this session, if nobody came in by it yet; in place of what was admitted under its uid. */
  admit(opening: Opening): void {
    if ((this.stateOf(opening.uid) ?? 'open') !== 'open') return;
    this.#admitted.set(opening.uid, { opening, end: new AbortController(), state: 'open' });
  }

  /** Nobody comes in by it any more, and who has, leaves; it is forgotten. */
  dismiss(uid: string): void {
    this.#admitted.get(uid)?.end.abort();
    this.#admitted.delete(uid);
  }

  /** `over` stays until it is dismissed: who once left does not come in again. Undefined for one that was not admitted. */
  stateOf(uid: string): Admitted['state'] | undefined {
    return this.#admitted.get(uid)?.state;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const uid of [...this.#admitted.keys()]) this.dismiss(uid);
    this.#room.empty();
    for (const socket of this.#known.keys()) socket.destroy();
    this.#tls.close();
    await once(this.#tls, 'close');
  }

  #knock(socket: Socket): void {
    socket.setKeepAlive(true, keepAliveMs);
    socket.on('error', () => {});
    this.#room.enter(socket);
  }

  #greet(socket: TLSSocket): void {
    socket.on('error', () => {});
    const fingerprint = peerOf(socket);
    const alike = [...this.#known.values()].filter((one) => one === fingerprint).length;
    const expected = [...this.#admitted.values()].some(({ opening }) => opening.fingerprint === fingerprint);
    if (fingerprint === undefined || !expected || alike >= mostPerCertificate) {
      this.#metrics.turnedAway('Certificate');
      socket.destroy();
      return;
    }
    this.#known.set(socket, fingerprint);
    socket.once('close', () => this.#known.delete(socket));
    this.#http.emit('connection', socket);
  }

  #enter(visit: Visit): void {
    const socket = visit.request.socket as TLSSocket;
    const [place = ''] = (visit.request.url ?? '').split('?', 1);
    const admitted = [...this.#admitted.values()].find(({ opening: { uid } }) => placeOf(uid) === place);
    // Another's session is not there, to who asks.
    if (admitted?.state !== 'open' || admitted.opening.fingerprint !== this.#known.get(socket)) {
      this.#metrics.turnedAway('Request');
      turnAway(visit, 404, 'there is no such session, or somebody came in by it already; make a new one');
      return;
    }
    const method = methods[admitted.opening.service.kind];
    if (visit.request.method === method) void this.#host(visit, admitted, socket);
    else turnAway(visit, 405, `accepted is ${method}`);
  }

  async #host(visit: Visit, admitted: Admitted, socket: TLSSocket): Promise<void> {
    const { opening, end } = admitted;
    const { purpose, service } = opening;
    admitted.state = 'used';
    this.#room.letIn(socket);
    this.#metrics.came(purpose);
    opening.onUse?.(socket.remoteAddress ?? 'somewhere');
    socket.once('close', () => end.abort());
    if (socket.destroyed) end.abort();
    await attend(visit, service, (direction, bytes) => this.#metrics.carried(purpose, direction, bytes), end.signal);
    // Who does not take the answer is not waited for.
    setTimeout(() => socket.destroy(), lastWordMs).unref();
    this.#metrics.left(purpose);
    admitted.state = 'over';
    opening.onEnd?.();
  }
}

const lastWordMs = 10_000;
