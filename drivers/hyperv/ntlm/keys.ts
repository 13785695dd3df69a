import { createHash, createHmac } from 'node:crypto';
import { md4 } from './md4.js';

export interface Account {
  readonly username: string;
  /** Empty for an account of the host itself. */
  readonly domain: string;
  readonly password: string;
}

export const md5 = (...parts: readonly Uint8Array[]): Buffer => digest(createHash('md5'), parts);
export const hmacMd5 = (key: Uint8Array, ...parts: readonly Uint8Array[]): Buffer => digest(createHmac('md5', key), parts);

function digest(hash: ReturnType<typeof createHash> | ReturnType<typeof createHmac>, parts: readonly Uint8Array[]): Buffer {
  for (const part of parts) hash.update(part);
  return hash.digest();
}

export const utf16 = (text: string): Buffer => Buffer.from(text, 'utf16le');

/** NTOWFv2 (MS-NLMP 3.3.2): what host and client both make of the password. */
export function responseKey({ username, domain, password }: Account): Buffer {
  return hmacMd5(md4(utf16(password)), utf16(username.toUpperCase() + domain));
}

/** The first 16 bytes of an NTLMv2 response, and the key that wraps the session's own. `blob` is the rest of the response. */
export function prove(key: Buffer, serverChallenge: Buffer, blob: Buffer): { readonly proof: Buffer; readonly baseKey: Buffer } {
  const proof = hmacMd5(key, serverChallenge, blob);
  return { proof, baseKey: hmacMd5(key, proof) };
}

export type Direction = 'client-to-server' | 'server-to-client';

/** The keys of one direction, of 128 bits (MS-NLMP 3.4.5). */
export function directionKeys(sessionKey: Buffer, direction: Direction): { readonly sign: Buffer; readonly seal: Buffer } {
  const derived = (what: string) => md5(sessionKey, Buffer.from(`session key to ${direction} ${what} key magic constant\0`));
  return { sign: derived('signing'), seal: derived('sealing') };
}
