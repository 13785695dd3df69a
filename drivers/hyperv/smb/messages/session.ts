import { u8, u16, u32, u64, utf16, View } from '../bytes.js';
import { headerBytes } from '../header.js';

const signingRequired = 2;
const setupBytes = 24;
const treeBytes = 8;

export function encodeSessionSetup(token: Buffer): Buffer {
  const place = u16(headerBytes + setupBytes, token.length);
  return Buffer.concat([u16(25), u8(0, signingRequired), u32(0, 0), place, u64(0), token]);
}

export interface SessionSetup {
  /** That the server let us in without looking at who we are. */
  readonly isGuest: boolean;
  readonly token: Buffer;
}

/** @throws DriverError Internal */
export function decodeSessionSetup(packet: Buffer): SessionSetup {
  const view = new View('the answer to the login', packet);
  const [guest, nobody] = [1, 2];
  return { isGuest: (view.u16(66) & (guest | nobody)) !== 0, token: view.slice(view.u16(68), view.u16(70)) };
}

/** `path` is `\\host\share`. */
export function encodeTreeConnect(path: string): Buffer {
  const name = utf16(path);
  return Buffer.concat([u16(9, 0, headerBytes + treeBytes, name.length), name]);
}

const shareTypes: Readonly<Record<number, string>> = { 1: 'a folder', 2: 'a pipe', 3: 'a printer' };

/** What the share is, in words: `a folder` is what we are after. @throws DriverError Internal */
export function decodeTreeConnect(packet: Buffer): string {
  const type = new View('the answer about the share', packet).u8(66);
  return shareTypes[type] ?? `of type ${type}`;
}

/** Of Logoff and Cancel. */
export const encodeNothing = (): Buffer => u16(4, 0);
