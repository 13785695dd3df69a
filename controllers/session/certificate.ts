import 'reflect-metadata';
import { createPrivateKey, randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { fingerprintOf } from './wire.js';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const hourMs = 60 * 60_000;
/** Both sides compare fingerprints and nothing else: clocks that differ keep nobody out. */
const tenYearsMs = 10 * 365 * 24 * hourMs;

/** A certificate that nobody vouches for, known to the other side by its fingerprint. Kept in memory alone. */
export interface Identity {
  /** In PEM form, as the key. */
  readonly certificate: string;
  readonly key: string;
  /** Of the certificate, as `fingerprintOf`. */
  readonly fingerprint: string;
}

x509.cryptoProvider.set(webcrypto);

export interface IdentityOptions {
  /** As whom a server is known; none when absent. */
  readonly hosts?: readonly string[];
  readonly validForMs?: number;
  readonly now?: number;
}

/** `name` tells people whose it is; nothing trusts it. */
export async function makeIdentity(name: string, options: IdentityOptions = {}): Promise<Identity> {
  const { hosts = [], validForMs = tenYearsMs, now = Date.now() } = options;
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    serialNumber: `00${randomBytes(15).toString('hex')}`,
    notBefore: new Date(now - 24 * hourMs),
    notAfter: new Date(now + validForMs),
    signingAlgorithm: algorithm,
    keys,
    extensions: hosts.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(hosts.map((value) => ({ type: 'dns', value })))],
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  return {
    certificate: certificate.toString('pem'),
    key: createPrivateKey({ key, format: 'der', type: 'pkcs8' }).export({ format: 'pem', type: 'pkcs8' }).toString(),
    fingerprint: fingerprintOf(new Uint8Array(certificate.rawData)),
  };
}
