import { DriverError } from '#drivers/error.js';
import { utf16 } from './keys.js';

/** MS-NLMP 2.2.2.5; those that we speak of. */
export const flags = {
  unicode: 0x1,
  requestTarget: 0x4,
  sign: 0x10,
  seal: 0x20,
  ntlm: 0x200,
  alwaysSign: 0x8000,
  targetTypeServer: 0x20000,
  extendedSecurity: 0x80000,
  targetInfo: 0x800000,
  version: 0x2000000,
  key128: 0x20000000,
  keyExchange: 0x40000000,
} as const;

const { unicode, requestTarget, sign, seal, ntlm, alwaysSign, extendedSecurity, targetInfo, key128, keyExchange } = flags;

/** What we ask for, and insist on: NTLMv2 with keys of 128 bits. */
export const wanted = unicode | requestTarget | sign | seal | ntlm | alwaysSign | extendedSecurity | targetInfo | key128 | keyExchange;
const needed = unicode | sign | seal | ntlm | extendedSecurity | targetInfo | key128 | keyExchange;

const magic = Buffer.from('NTLMSSP\0');
const kinds = { negotiate: 1, challenge: 2, authenticate: 3 } as const;

/** MS-NLMP 2.2.2.1. */
export const avIds = { end: 0, computer: 1, domain: 2, flags: 6, timestamp: 7, channelBindings: 10 } as const;

export interface AvPair {
  readonly id: number;
  readonly value: Buffer;
}

export interface Challenge {
  readonly flags: number;
  /** 8 bytes. */
  readonly challenge: Buffer;
  readonly targetInfo: readonly AvPair[];
}

export interface Authenticate {
  readonly flags: number;
  readonly ntResponse: Buffer;
  readonly domain: string;
  readonly username: string;
  readonly workstation: string;
  /** The session's key, wrapped. */
  readonly wrappedKey: Buffer;
}

export function negotiateMessage(): Buffer {
  const message = header(kinds.negotiate, 32);
  message.writeUInt32LE(wanted >>> 0, 12);
  return message;
}

/** @throws DriverError Denied for anything but a challenge that leads to sealed NTLMv2 */
export function decodeChallenge(message: Buffer): Challenge {
  check(message, kinds.challenge, 48);
  const found = { flags: message.readUInt32LE(20), challenge: message.subarray(24, 32), targetInfo: decodePairs(field(message, 40)) };
  if ((found.flags & needed) !== (needed | 0)) throw refusal('it offers no NTLMv2 with sealing of 128 bits, which we insist on');
  return found;
}

export function encodeChallenge({ flags, challenge, targetInfo }: Challenge, target: string): Buffer {
  const message = header(kinds.challenge, 56);
  message.writeUInt32LE(flags >>> 0, 20);
  challenge.copy(message, 24);
  return withFields(message, [
    [12, utf16(target)],
    [40, encodePairs(targetInfo)],
  ]);
}

/** Where the code stands that makes a change on the way be noticed; 16 bytes. */
export const codeAt = 72;

export function encodeAuthenticate({ flags, ntResponse, domain, username, workstation, wrappedKey }: Authenticate): Buffer {
  const message = header(kinds.authenticate, 88);
  message.writeUInt32LE(flags >>> 0, 60);
  // No answer of the elder kind: 24 zeros, as whoever signs the whole must.
  return withFields(message, [
    [12, Buffer.alloc(24)],
    [20, ntResponse],
    [28, utf16(domain)],
    [36, utf16(username)],
    [44, utf16(workstation)],
    [52, wrappedKey],
  ]);
}

/** @throws DriverError Denied */
export function decodeAuthenticate(message: Buffer): Authenticate {
  check(message, kinds.authenticate, 64);
  const text = (at: number) => field(message, at).toString('utf16le');
  return {
    flags: message.readUInt32LE(60),
    ntResponse: field(message, 20),
    domain: text(28),
    username: text(36),
    workstation: text(44),
    wrappedKey: field(message, 52),
  };
}

/** The pairs with their end. */
export function encodePairs(pairs: readonly AvPair[]): Buffer {
  return Buffer.concat(
    [...pairs, { id: avIds.end, value: Buffer.alloc(0) }].flatMap(({ id, value }) => {
      const head = Buffer.alloc(4);
      head.writeUInt16LE(id, 0);
      head.writeUInt16LE(value.length, 2);
      return [head, value];
    }),
  );
}

export function decodePairs(bytes: Buffer): readonly AvPair[] {
  const pairs: AvPair[] = [];
  for (let at = 0; at + 4 <= bytes.length; ) {
    const [id, length] = [bytes.readUInt16LE(at), bytes.readUInt16LE(at + 2)];
    if (id === avIds.end) return pairs;
    if (at + 4 + length > bytes.length) break;
    pairs.push({ id, value: bytes.subarray(at + 4, at + 4 + length) });
    at += 4 + length;
  }
  throw refusal('the list of what it says of itself is cut off');
}

export const isNegotiate = (message: Buffer): boolean => isKind(message, kinds.negotiate, 16);
export const isAuthenticate = (message: Buffer): boolean => isKind(message, kinds.authenticate, 64);

function header(kind: number, length: number): Buffer {
  const message = Buffer.alloc(length);
  magic.copy(message);
  message.writeUInt32LE(kind, 8);
  return message;
}

/** Each field's length, room and place stand at its offset; its bytes follow the head. */
function withFields(head: Buffer, fields: readonly (readonly [at: number, bytes: Buffer])[]): Buffer {
  let place = head.length;
  for (const [at, bytes] of fields) {
    head.writeUInt16LE(bytes.length, at);
    head.writeUInt16LE(bytes.length, at + 2);
    head.writeUInt32LE(place, at + 4);
    place += bytes.length;
  }
  return Buffer.concat([head, ...fields.map(([, bytes]) => bytes)]);
}

function field(message: Buffer, at: number): Buffer {
  const [length, place] = [message.readUInt16LE(at), message.readUInt32LE(at + 4)];
  if (length === 0) return Buffer.alloc(0);
  if (place + length > message.length) throw refusal('a part of its message is cut off');
  return message.subarray(place, place + length);
}

function isKind(message: Buffer, kind: number, length: number): boolean {
  return message.length >= length && message.subarray(0, 8).equals(magic) && message.readUInt32LE(8) === kind;
}

function check(message: Buffer, kind: number, length: number): void {
  if (!isKind(message, kind, length)) throw refusal(`its message is none of NTLM's, of kind ${kind}`);
}

function refusal(why: string): DriverError {
  return new DriverError('Denied', `NTLM with the host fails: ${why}`);
}
