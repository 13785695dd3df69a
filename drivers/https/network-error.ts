import { DriverError, type DriverErrorCode } from '#drivers/error.js';

type Meaning = readonly [DriverErrorCode, string];

const mistrusted = 'put its authority into key "ca.crt" of the Secret, or its SHA-256 fingerprint into key "sha256"';
const untrusted: Meaning = ['Denied', `its certificate is not trusted: ${mistrusted}`];

/** Node's and OpenSSL's names of what went wrong. */
const meanings: Readonly<Record<string, Meaning>> = {
  ENOTFOUND: ['Unavailable', 'its name is not known: check the URI, and DNS'],
  EAI_AGAIN: ['Unavailable', 'its name cannot be looked up now: check DNS'],
  ECONNREFUSED: ['Unavailable', 'nothing listens there: check the port, and that the management services run'],
  EHOSTUNREACH: ['Unavailable', 'there is no way to it: check network and firewall'],
  ENETUNREACH: ['Unavailable', 'there is no way to it: check network and firewall'],
  ETIMEDOUT: ['Unavailable', 'it does not answer: check network and firewall'],
  ECONNRESET: ['Unavailable', 'the connection broke; the host may still be at what was asked'],
  EPIPE: ['Unavailable', 'the connection broke; the host may still be at what was asked'],
  EPROTO: ['Unavailable', 'what answers there does not speak TLS: check the port'],
  ERR_SSL_WRONG_VERSION_NUMBER: ['Unavailable', 'what answers there does not speak TLS: check the port'],
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  CERT_SIGNATURE_FAILURE: untrusted,
  CERT_NOT_YET_VALID: ['Denied', 'its certificate is not valid yet: check the clocks'],
  CERT_HAS_EXPIRED: ['Denied', 'its certificate has expired: renew it on the host'],
  ERR_TLS_CERT_ALTNAME_INVALID: ['Denied', `its certificate is for another name: use that name in the URI, or ${mistrusted}`],
};

/** `peer` is the host as the URI names it. */
export function networkError(peer: string, reason: unknown): DriverError {
  if (reason instanceof DriverError) return new DriverError(reason.code, `${peer}: ${reason.message}`, { cause: reason.cause ?? reason });
  const code = codeOf(reason);
  const [meaning, words] = meanings[code ?? ''] ?? [
    'Unavailable',
    `the connection failed: ${reason instanceof Error ? reason.message : reason}`,
  ];
  return new DriverError(meaning, `${peer}: ${words}${code === undefined ? '' : ` (${code})`}`, { cause: reason });
}

/** Whether the socket was closed by the host, which it may do at any time to one that was idle. */
export function isBroken(reason: unknown): boolean {
  return ['ECONNRESET', 'EPIPE'].includes(codeOf(reason) ?? '');
}

/** Of several addresses that were tried, the first one's. */
function codeOf(reason: unknown): string | undefined {
  if (reason instanceof AggregateError) return codeOf(reason.errors[0]);
  return reason instanceof Error && 'code' in reason && typeof reason.code === 'string' ? reason.code : undefined;
}
