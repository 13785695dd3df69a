import { X509Certificate } from 'node:crypto';
import { DriverError } from '#drivers/error.js';

/** What a Secret holds, by key. */
export type Credentials = Readonly<Record<string, string>>;

/** How we log in, and how we know the host. */
export interface Login {
  readonly username: string;
  readonly password: string;
  /** Authorities in PEM form, in place of those that Node knows. */
  readonly ca?: string;
  /** Of the host's certificate: 32 bytes in upper case hexadecimal with colons. It then need not be issued by anyone, nor name the host. */
  readonly sha256?: string;
}

/**
 * Reads `username`, `password`, and `ca.crt` or `sha256`; what else a Secret holds is none of ours.
 * @throws DriverError Denied, naming the key and never its value: another Secret may well do
 */
export function decodeCredentials(secret: Credentials): Login {
  const [username, password] = [required(secret, 'username'), required(secret, 'password')];
  const ca = optional(secret, 'ca.crt');
  const sha256 = optional(secret, 'sha256');
  if (ca !== undefined) checkAuthorities(ca);
  return { username, password, ...(ca === undefined ? {} : { ca }), ...(sha256 === undefined ? {} : { sha256: fingerprint(sha256) }) };
}

function optional(secret: Credentials, key: string): string | undefined {
  const value = Object.hasOwn(secret, key) ? secret[key] : undefined;
  return value?.trim() === '' ? undefined : value;
}

function required(secret: Credentials, key: string): string {
  return optional(secret, key) ?? refuse(key, 'it is missing or empty', 'what the host is logged in to with');
}

function checkAuthorities(pem: string): void {
  const found = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  const accepted = 'certificates in PEM form ("-----BEGIN CERTIFICATE-----")';
  if (found.length === 0) refuse('ca.crt', 'it holds no certificate', accepted);
  for (const [at, one] of found.entries())
    try {
      new X509Certificate(one);
    } catch {
      refuse('ca.crt', `certificate ${at + 1} of ${found.length} cannot be read`, accepted);
    }
}

function fingerprint(text: string): string {
  const digits = text
    .trim()
    .replace(/^sha256[:=]/i, '')
    .replaceAll(':', '')
    .toUpperCase();
  if (!/^[0-9A-F]{64}$/.test(digits))
    refuse(
      'sha256',
      `it is no SHA-256 fingerprint`,
      'the 64 hexadecimal digits of `openssl x509 -noout -fingerprint -sha256`, with or without colons',
    );
  return digits.replace(/..(?!$)/g, '$&:');
}

function refuse(key: string, why: string, accepted: string): never {
  throw new DriverError('Denied', `credentials: key "${key}" of the Secret: ${why}; accepted: ${accepted}`);
}
