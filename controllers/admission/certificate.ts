import { X509Certificate } from 'node:crypto';
import { makeIdentity } from '../session/certificate.js';

/** What the Secret has, in PEM form. */
export interface Kept {
  readonly certificate: string;
  readonly key: string;
  /** Whom to trust: the certificate, and the one before it, which others may still show. */
  readonly bundle: string;
}

const dayMs = 24 * 60 * 60_000;
const validForMs = 365 * dayMs;
/** A third of its life before its end a certificate is replaced. */
const renewedBeforeMs = validForMs / 3;

/** Whether this is good for that name for long enough. What cannot be read is not. */
export function isGood({ certificate, key, bundle }: Kept, name: string, now: number): boolean {
  try {
    const read = new X509Certificate(certificate);
    const isLasting = Date.parse(read.validTo) - now > renewedBeforeMs && Date.parse(read.validFrom) <= now;
    return isLasting && read.checkHost(name) !== undefined && bundle.includes(certificate.trim()) && key.includes('PRIVATE KEY');
  } catch {
    return false;
  }
}

/** One that vouches for itself: whoever trusts the bundle trusts this server, and nobody else. */
export async function renewed(name: string, before: Kept | undefined, now: number): Promise<Kept> {
  const { certificate, key } = await makeIdentity(name, { hosts: [name], validForMs, now });
  return {
    certificate,
    key,
    bundle: [certificate, ...(before === undefined ? [] : [before.certificate])].map((one) => `${one.trim()}\n`).join(''),
  };
}
