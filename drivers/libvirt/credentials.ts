import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { acceptedCertificates, faultOfCertificates } from '#drivers/certificates.js';
import { DriverError } from '#drivers/error.js';
import type { Credentials } from '#drivers/target.js';
import type { Login } from './rpc/scram.js';
import { KnownHosts } from './transport/known-hosts.js';
import type { SshIdentity } from './transport/ssh-link.js';
import type { TlsIdentity } from './transport/tls.js';

/**
 * Reads `ca.crt`, and `tls.crt` with `tls.key`, as Secrets of type kubernetes.io/tls have them.
 * @throws DriverError Denied, naming the key and never its value
 */
export function decodeTlsIdentity(secret: Credentials): TlsIdentity {
  const [ca, cert, key] = [fileText(secret, 'ca.crt'), fileText(secret, 'tls.crt'), fileText(secret, 'tls.key')];
  if (ca === undefined) refuse('ca.crt', 'it is missing or empty', `${acceptedCertificates}, of the authority that issued the host's`);
  checkCertificates('ca.crt', ca);
  if (cert === undefined && key === undefined) return { ca };
  if (cert === undefined || key === undefined)
    return refuse(cert === undefined ? 'tls.crt' : 'tls.key', 'it is missing or empty, and the other one is there', 'both, or neither');
  checkPair(cert, key);
  return { ca, own: { cert, key } };
}

/**
 * Reads `username` and `password`, for a daemon that asks for them.
 * @throws DriverError Denied or Invalid, naming the key and never its value
 */
export function decodeLogin(secret: Credentials): { readonly login?: Login } {
  const [username, password] = [secret.text('username') ?? '', secret.text('password') ?? ''];
  if (username === '' && password === '') return {};
  if (username === '' || password === '')
    return refuse(username === '' ? 'username' : 'password', 'it is missing or empty, and the other one is there', 'both, or neither');
  return { login: { username, password } };
}

/**
 * Reads `ssh-privatekey`, as Secrets of type kubernetes.io/ssh-auth name it, its `passphrase`, and `known_hosts`.
 * @throws DriverError Denied or Invalid, naming the key and never its value
 */
export function decodeSshIdentity(secret: Credentials): SshIdentity {
  const [privateKey, hosts, passphrase] = [fileText(secret, 'ssh-privatekey'), fileText(secret, 'known_hosts'), secret.text('passphrase')];
  const knownHosts = new KnownHosts(hosts ?? '');
  if (knownHosts.isEmpty) refuse('known_hosts', 'it names no host with its key', 'lines as "ssh-keyscan HOST" prints them');
  if (privateKey === undefined) return refuse('ssh-privatekey', 'it is missing or empty', "a private key in PEM form, or OpenSSH's");
  return { privateKey: `${privateKey}\n`, knownHosts, ...(passphrase === undefined || passphrase === '' ? {} : { passphrase }) };
}

function checkPair(cert: string, key: string): void {
  checkCertificates('tls.crt', cert);
  const accepted = 'the private key of the certificate in "tls.crt", in PEM form, without a passphrase';
  const readable = readKey(key) ?? refuse('tls.key', 'it cannot be read', accepted);
  if (!new X509Certificate(cert).checkPrivateKey(readable)) refuse('tls.key', 'it is the key of another certificate', accepted);
}

function readKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}

function checkCertificates(key: string, pem: string): void {
  const fault = faultOfCertificates(pem);
  if (fault !== undefined) refuse(key, fault, acceptedCertificates);
}

/** As a file has it, with a line break at its end. */
function fileText(secret: Credentials, key: string): string | undefined {
  const value = Buffer.from(secret.get(key) ?? [])
    .toString('utf8')
    .trim();
  return value === '' ? undefined : value;
}

function refuse(key: string, why: string, accepted: string): never {
  throw new DriverError('Denied', `credentials: key "${key}" of the Secret: ${why}; accepted: ${accepted}`);
}
