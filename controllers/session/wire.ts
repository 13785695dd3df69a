import { createHash } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

/** What both ends agree on: HTTP/1.1 over TLS 1.3, each side known by the fingerprint of its certificate. Loads nothing: all commands load it. */
export const protocol = {
  alpn: 'http/1.1',
  tls: 'TLSv1.3',
  /** In `Upgrade`: from then on bytes go both ways as they are. */
  upgrade: 'virtwright-bytes',
} as const;

/** What goes over a session: bytes both ways, a picture, a volume's content, or a question and its answer. */
export type Carries = 'line' | 'picture' | 'delivery' | 'question';

/** How it is asked for. */
export const methods: Readonly<Record<Carries, string>> = { line: 'GET', picture: 'GET', delivery: 'PUT', question: 'POST' };

/** Of a question, and of its answer. */
export const mostQuestionBytes = 8 * 2 ** 20;

export interface Picture {
  /** As `image/png`. */
  readonly type: string;
  readonly bytes: Uint8Array;
}

/** A session's own place at the agent: its object's uid. */
export const placeOf = (uid: string): string => `/${uid}`;

/** SHA-256 of a certificate in DER form, in lower-case hex. */
export const fingerprintOf = (certificate: Uint8Array): string => createHash('sha256').update(certificate).digest('hex');

/** Who is at the other end, once the handshake is over; undefined for who showed no certificate. */
export function peerOf(socket: TLSSocket): string | undefined {
  const { raw } = socket.getPeerCertificate();
  return raw === undefined ? undefined : fingerprintOf(raw);
}
