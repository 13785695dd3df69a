import { DriverError } from '#drivers/error.js';
import { fileText, knownBy, required } from '#drivers/https/trust-keys.js';
import { Credentials } from '#drivers/target.js';
import type { HypervUri } from './uri.js';
import type { Endpoint } from './wsman/http.js';
import type { Principal } from './wsman/kerberos/kinit.js';
import type { Login } from './wsman/login.js';

/**
 * Reads `username` and `password`, for NTLM, Basic or Kerberos, and for the last also `keytab` in the password's place; over HTTPS, when nothing else
 * is said, in the place of all `tls.crt` and `tls.key`, a certificate that the host maps to an account, and `ca.crt` or `sha256`, by which we know the host.
 * @throws DriverError Denied or Invalid, naming the key and never its value
 */
export function decodeCredentials(
  { host, port, transport, auth }: HypervUri,
  secret: Credentials = new Credentials([]),
): { readonly endpoint: Endpoint; readonly login: Login } {
  if (transport === 'http') return { endpoint: { host, port }, login: account(secret) };
  const trust = knownBy(secret);
  if (auth === 'basic')
    return { endpoint: { host, port, trust }, login: { kind: auth, ...named(secret), password: required(secret, 'password') } };
  if (auth === 'kerberos') return { endpoint: { host, port, trust }, login: { kind: auth, ...principalIn(secret) } };
  const [cert, key] = [fileText(secret, 'tls.crt'), fileText(secret, 'tls.key')];
  if (cert === undefined && key === undefined) return { endpoint: { host, port, trust }, login: account(secret) };
  if (cert === undefined || key === undefined)
    throw new DriverError('Denied', 'credentials: of "tls.crt" and "tls.key" the Secret holds but one; accepted: both, or neither');
  return { endpoint: { host, port, trust: { ...trust, client: { cert, key } } }, login: { kind: 'certificate', cert, key } };
}

const named = (secret: Credentials) => ({ username: required(secret, 'username') });

/** A keytab is taken before a password. @throws DriverError Denied */
function principalIn(secret: Credentials): Principal {
  const principal = required(secret, 'username');
  if (!/^[^\s@\\-][^\s@\\]*@[^\s@]+$/.test(principal))
    throw new DriverError(
      'Denied',
      'credentials: key "username" of the Secret is no principal of Kerberos; accepted: USER@REALM, the realm in capitals',
    );
  const keytab = secret.get('keytab');
  if (keytab !== undefined && keytab.length > 0) return { principal, by: 'keytab', secret: Buffer.from(keytab).toString('base64') };
  return { principal, by: 'password', secret: required(secret, 'password') };
}

/** `DOMAIN\\user`, or `user` for an account of the host itself. */
function account(secret: Credentials): Login {
  const [name, password] = [required(secret, 'username'), required(secret, 'password')];
  const at = name.indexOf('\\');
  return { kind: 'ntlm', domain: name.slice(0, Math.max(at, 0)), username: name.slice(at + 1), password };
}
