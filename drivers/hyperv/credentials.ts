import { DriverError } from '#drivers/error.js';
import { fileText, knownBy, required } from '#drivers/https/trust-keys.js';
import { Credentials } from '#drivers/target.js';
import type { HypervUri } from './uri.js';
import type { Endpoint } from './wsman/http.js';
import type { Login } from './wsman/login.js';

/**
 * Reads `username` and `password`, for NTLM; over HTTPS in their place `tls.crt` and `tls.key`, a certificate that the host maps to an account, and
 * `ca.crt` or `sha256`, by which we know the host.
 * @throws DriverError Denied or Invalid, naming the key and never its value
 */
export function decodeCredentials(
  { host, port, transport }: HypervUri,
  secret: Credentials = new Credentials([]),
): { readonly endpoint: Endpoint; readonly login: Login } {
  if (transport === 'http') return { endpoint: { host, port }, login: account(secret) };
  const [cert, key] = [fileText(secret, 'tls.crt'), fileText(secret, 'tls.key')];
  const trust = knownBy(secret);
  if (cert === undefined && key === undefined) return { endpoint: { host, port, trust }, login: account(secret) };
  if (cert === undefined || key === undefined)
    throw new DriverError('Denied', 'credentials: of "tls.crt" and "tls.key" the Secret holds but one; accepted: both, or neither');
  return { endpoint: { host, port, trust: { ...trust, client: { cert, key } } }, login: { kind: 'certificate', cert, key } };
}

/** `DOMAIN\\user`, or `user` for an account of the host itself. */
function account(secret: Credentials): Login {
  const [name, password] = [required(secret, 'username'), required(secret, 'password')];
  const at = name.indexOf('\\');
  return { kind: 'ntlm', domain: name.slice(0, Math.max(at, 0)), username: name.slice(at + 1), password };
}
