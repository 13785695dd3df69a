import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { onAbort } from '#drivers/deadline.js';
import { DriverError } from '#drivers/error.js';
import { type Meaning, networkError } from './network-error.js';
import { timely } from './patience.js';
import { type Endpoint, peerName, reachesNothing, type Transport } from './transport.js';

/** In PEM form: who issued the host's certificate, and what we show. */
export interface TlsIdentity {
  readonly ca: string;
  readonly own?: { readonly cert: string; readonly key: string };
}

/** The host must have a certificate of that authority for the name that we call it by. There is no way around that. */
export function tlsTransport(endpoint: Endpoint, identity: TlsIdentity): Transport {
  const peer = peerName(endpoint);
  const connectOnce = async (signal: AbortSignal) => {
    checkDates(identity);
    return await timely(peer, signal, (until) => connectTls(endpoint, identity, until)).catch((reason) => {
      throw networkError(peer, reason, { ...meanings(identity), ...namesOf(reason) });
    });
  };
  return { peer, isLocal: false, connect: connectOnce, reach: reachesNothing(peer) };
}

async function connectTls({ host, port }: Endpoint, { ca, own }: TlsIdentity, signal: AbortSignal): Promise<TLSSocket> {
  const options = { host, port, servername: isIP(host) === 0 ? host : '', ca, ...own, minVersion: 'TLSv1.2' } as const;
  const socket = connect({ ...options, rejectUnauthorized: true });
  try {
    socket.setNoDelay(true);
    await once(socket, 'secureConnect', { signal });
    if ((await firstByte(socket, signal)) !== accepted) throw Object.assign(new Error('the daemon hung up'), { code: notAccepted });
    return unmerged(socket);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/**
 * A daemon takes one message out of a TLS record and then waits for the network, whatever else is in there. So each of our writes, a
 * message or a part of one, gets a record of its own: Node merges those that wait only by _writev.
 */
const unmerged = (socket: TLSSocket): TLSSocket => Object.assign(socket, { _writev: undefined });

/** With it, behind the handshake, a daemon says that it takes our certificate; one that does not just hangs up. */
const accepted = 1;
const notAccepted = 'VERIFICATION_FAILED';

function firstByte(socket: TLSSocket, signal: AbortSignal): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const look = () => {
      const bytes: Buffer | null = socket.read(1);
      if (bytes !== null) settle(() => resolve(bytes[0]));
    };
    const over = () => settle(() => resolve(undefined));
    const failed = (error: Error) => settle(() => reject(error));
    const settle = (act: () => void) => {
      stop();
      socket.off('readable', look).off('end', over).off('close', over).off('error', failed);
      act();
    };
    socket.on('readable', look).on('end', over).on('close', over).on('error', failed);
    const stop = onAbort(signal, () => failed(new Error('given up')));
  });
}

/** A certificate of ours that is out of date is nothing that a daemon would tell us. */
function checkDates({ own }: TlsIdentity): void {
  if (own === undefined) return;
  const { validFrom, validTo } = new X509Certificate(own.cert);
  const [from, to, now] = [Date.parse(validFrom), Date.parse(validTo), Date.now()];
  if (from <= now && now <= to) return;
  const dates = `it is valid from ${new Date(from).toISOString()} to ${new Date(to).toISOString()}`;
  throw new DriverError('Denied', `the certificate in key "tls.crt" of the Secret is out of date: ${dates}; put a new one there`);
}

const untrusted: Meaning = [
  'Denied',
  'its certificate is not of the authority in key "ca.crt" of the Secret: put there the authority that issued it, or see who answers there',
];
const weak: Meaning = ['Denied', 'its certificate, or that of its authority, is too weak: issue it anew, with a longer key and SHA-256'];
const notTls: Meaning = ['Unavailable', 'what answers there does not speak TLS: check the port'];

/** Node's and OpenSSL's names of what went wrong. */
function meanings({ own }: TlsIdentity): Readonly<Record<string, Meaning>> {
  const refused: Meaning = ['Denied', own === undefined ? bare : mistrusted(own.cert)];
  const alerts = ['TLSV13_ALERT_CERTIFICATE_REQUIRED', 'TLSV1_ALERT_UNKNOWN_CA', 'TLSV1_ALERT_ACCESS_DENIED', 'TLSV1_ALERT_DECRYPT_ERROR'];
  const oldAlerts = ['BAD_CERTIFICATE', 'CERTIFICATE_EXPIRED', 'CERTIFICATE_REVOKED', 'CERTIFICATE_UNKNOWN', 'UNSUPPORTED_CERTIFICATE'];
  return {
    ...Object.fromEntries([...alerts, ...oldAlerts.map((name) => `SSLV3_ALERT_${name}`)].map((name) => [`ERR_SSL_${name}`, refused])),
    ...handshake,
    [notAccepted]: refused,
  };
}

const handshake: Readonly<Record<string, Meaning>> = {
  ECONNREFUSED: [
    'Unavailable',
    'nothing listens there: check the port, and that the daemon listens by TLS (listen_tls, libvirtd-tls.socket)',
  ],
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  CERT_SIGNATURE_FAILURE: untrusted,
  INVALID_PURPOSE: ['Denied', 'its certificate is not for servers: issue one with serverAuth among its extended key usages'],
  INVALID_CA: untrusted,
  CERT_REVOKED: ['Denied', 'its certificate has been revoked: issue a new one'],
  EE_KEY_TOO_SMALL: weak,
  CA_KEY_TOO_SMALL: weak,
  CA_MD_TOO_WEAK: weak,
  CERT_NOT_YET_VALID: ['Denied', 'its certificate is not valid yet: check the clocks'],
  CERT_HAS_EXPIRED: ['Denied', 'its certificate, or that of its authority, has expired: renew it on the host, and restart the daemon'],
  EPROTO: notTls,
  ERR_SSL_WRONG_VERSION_NUMBER: notTls,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: notTls,
};

const bare =
  'the daemon wants a certificate of us: put one, issued by the authority that it trusts, into keys "tls.crt" and "tls.key" of the Secret';

const mistrusted = (cert: string): string =>
  `the daemon does not take the certificate in key "tls.crt" of the Secret (${subjectOf(cert)}): it must be issued by an authority in the daemon's ca_file, be for clients, and be in its tls_allowed_dn_list where it has one`;

const subjectOf = (cert: string): string => new X509Certificate(cert).subject.replaceAll('\n', ', ');

/** For which names the host's certificate is, where it is not for the one we use. */
function namesOf(reason: unknown): Readonly<Record<string, Meaning>> {
  const why = reason instanceof Error && 'reason' in reason ? String(reason.reason) : '';
  return {
    ERR_TLS_CERT_ALTNAME_INVALID: ['Denied', `its certificate is for another name: use that name in the URI, or issue it anew. ${why}`],
  };
}
