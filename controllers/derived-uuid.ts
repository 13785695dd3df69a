import { createHash } from 'node:crypto';

/** The same words always give the same uuid, and others another (RFC 9562, version 8). */
export function uuidOf(words: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify(words)).digest();
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x80;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = hash.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}

/** What can carry no mark is told to be ours by its uuid, which is derived from whose it is. */
export const derivedUuid = (kind: 'pool' | 'network', cluster: string, uid: string, host: string): string =>
  uuidOf([`virtwright.io/${kind}`, cluster, uid, host]);
