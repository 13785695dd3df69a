import { acceptedCertificates, faultOfCertificates } from '#drivers/certificates.js';
import { DriverError } from '#drivers/error.js';
import type { Credentials } from '#drivers/target.js';

/** How we know a host. */
export interface KnownBy {
  /** Authorities in PEM form, in place of those that Node knows. */
  readonly ca?: string;
  /** Of the host's certificate: 32 bytes in upper case hexadecimal with colons. It then need not be issued by anyone, nor name the host. */
  readonly sha256?: string;
}

/** Reads `ca.crt` and `sha256`. @throws DriverError Denied, naming the key and never its value */
export function knownBy(secret: Credentials): KnownBy {
  const [ca, sha256] = [fileText(secret, 'ca.crt'), fileText(secret, 'sha256')];
  if (ca !== undefined) checkAuthorities(ca);
  return { ...(ca === undefined ? {} : { ca }), ...(sha256 === undefined ? {} : { sha256: fingerprint(sha256) }) };
}

/** What the host is logged in to with. @throws DriverError Denied or Invalid, naming the key and never its value */
export function required(secret: Credentials, key: string): string {
  const value = secret.text(key) ?? '';
  return value.trim() === '' ? refuse(key, 'it is missing or empty', 'what the host is logged in to with') : value;
}

/** As a file has it, with a line break at its end. */
export function fileText(secret: Credentials, key: string): string | undefined {
  const value = Buffer.from(secret.get(key) ?? [])
    .toString('utf8')
    .trim();
  return value === '' ? undefined : value;
}

function checkAuthorities(pem: string): void {
  const fault = faultOfCertificates(pem);
  if (fault !== undefined) refuse('ca.crt', fault, acceptedCertificates);
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
