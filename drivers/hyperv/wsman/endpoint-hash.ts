import { createHash } from 'node:crypto';

/** The OIDs of signatures whose own hash is used, as DER has their content; for all others it is SHA-256 (RFC 5929 4.1). */
const hashes: Readonly<Record<string, string>> = {
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
  '2a8648ce3d040303': 'sha384',
  '2a8648ce3d040304': 'sha512',
};

/** What tells the TLS connection to this host from one to anybody else (`tls-server-end-point`). `certificate` is DER. */
export function endpointHash(certificate: Buffer): Buffer {
  return createHash(hashes[signatureOid(certificate)] ?? 'sha256')
    .update(certificate)
    .digest();
}

/** Within the outermost sequence, after what is signed, stands with what. */
function signatureOid(certificate: Buffer): string {
  const whole = tlv(certificate, 0);
  const signed = tlv(certificate, whole.content);
  const algorithm = tlv(certificate, signed.end);
  const oid = tlv(certificate, algorithm.content);
  return certificate.subarray(oid.content, oid.end).toString('hex');
}

/** Where a value begins and ends whose tag stands at `at`. */
function tlv(der: Buffer, at: number): { readonly content: number; readonly end: number } {
  const first = der[at + 1] ?? 0;
  if (first < 0x80) return { content: at + 2, end: at + 2 + first };
  const bytes = first & 0x7f;
  const content = at + 2 + bytes;
  return { content, end: content + der.readUIntBE(at + 2, Math.max(1, Math.min(bytes, 6))) };
}
