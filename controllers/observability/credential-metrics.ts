import { X509Certificate } from 'node:crypto';
import { Gauge, type Registry } from 'prom-client';

type Purpose = 'client' | 'sessions' | 'webhook';

export interface CredentialMetrics {
  /** What this process shows for that purpose from now on, in PEM form. */
  showing(purpose: Purpose, certificate: string | Buffer): void;
  /** As an Authorization header has it. */
  showingToken(header: string): void;
}

/** Whoever hands out tokens that end sooner renews them as well, as a kubelet does. */
const leastTokenSeconds = 14 * 24 * 3_600;

export function createCredentialMetrics(registry: Registry): CredentialMetrics {
  const expires = new Gauge({
    name: 'virtwright_credential_expiration_timestamp_seconds',
    help: 'When the certificate, or the token of over two weeks, ends that this process shows for a purpose.',
    labelNames: ['purpose'],
    registers: [registry],
  });
  const ends = (purpose: Purpose, seconds: number | undefined) =>
    seconds === undefined ? expires.remove({ purpose }) : expires.set({ purpose }, seconds);
  return {
    showing: (purpose, certificate) => ends(purpose, endOf(certificate)),
    showingToken(header) {
      const { iat, exp } = claimsOf(header);
      const isLong = iat !== undefined && exp !== undefined && exp - iat > leastTokenSeconds;
      ends('client', isLong ? exp : undefined);
    },
  };
}

/** Undefined for what is no certificate: whoever needs it says so. */
function endOf(certificate: string | Buffer): number | undefined {
  try {
    return Date.parse(new X509Certificate(certificate).validTo) / 1_000;
  } catch {
    return undefined;
  }
}

/** Nothing of what is no JWT, as a token may be anything. */
function claimsOf(header: string): { readonly iat?: number | undefined; readonly exp?: number | undefined } {
  try {
    const claims: unknown = JSON.parse(Buffer.from(header.split('.')[1] ?? '', 'base64url').toString());
    const number = (name: 'iat' | 'exp') => {
      const value = typeof claims === 'object' && claims !== null ? Reflect.get(claims, name) : undefined;
      return typeof value === 'number' ? value : undefined;
    };
    return { iat: number('iat'), exp: number('exp') };
  } catch {
    return {};
  }
}
