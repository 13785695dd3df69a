import { X509Certificate } from 'node:crypto';

/** What is wrong with certificates in PEM form; undefined when there is at least one, and each can be read. Never quotes them. */
export function faultOfCertificates(pem: string): string | undefined {
  const found = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (found.length === 0) return 'it holds no certificate';
  const broken = found.findIndex((one) => !isReadable(one));
  return broken < 0 ? undefined : `certificate ${broken + 1} of ${found.length} cannot be read`;
}

export const acceptedCertificates = 'certificates in PEM form ("-----BEGIN CERTIFICATE-----")';

function isReadable(pem: string): boolean {
  try {
    new X509Certificate(pem);
    return true;
  } catch {
    return false;
  }
}
