import { randomBytes } from 'node:crypto';
import { type Account, hmacMd5, md5, prove, responseKey } from './keys.js';
import {
  type AvPair,
  avIds,
  type Challenge,
  codeAt,
  decodeChallenge,
  encodeAuthenticate,
  encodePairs,
  negotiateMessage,
  wanted,
} from './messages.js';
import { Rc4 } from './rc4.js';
import { Sealing } from './sealing.js';

/** What both ends of a connection share once a login is done. */
export interface SecurityContext {
  readonly outgoing: Sealing;
  readonly incoming: Sealing;
}

export interface NtlmOptions {
  /** The hash of the host's certificate, as RFC 5929 has it: binds the login to this TLS connection. */
  readonly endpointHash?: Buffer;
}

/** One login by NTLMv2: the first message, then the second once the host has challenged. */
export class NtlmClient {
  readonly first = negotiateMessage();
  readonly #account: Account;

  constructor(account: Account) {
    this.#account = account;
  }

  /** @throws DriverError Denied when the challenge leads to no sealed NTLMv2 */
  answer(
    challengeMessage: Buffer,
    options: NtlmOptions = {},
  ): { readonly message: Buffer; readonly context: SecurityContext; readonly sessionKey: Buffer } {
    const challenge = decodeChallenge(challengeMessage);
    const sessionKey = randomBytes(16);
    const { username, domain } = this.#account;
    const { response, baseKey } = this.#respond(challenge, options);
    const message = encodeAuthenticate({
      flags: challenge.flags & wanted,
      ntResponse: response,
      domain,
      username,
      workstation: '',
      wrappedKey: new Rc4(baseKey).pass(sessionKey),
    });
    // Over all three messages, so that nobody can have weakened what was agreed on.
    hmacMd5(sessionKey, this.first, challengeMessage, message).copy(message, codeAt);
    return { message, context: contextOf(sessionKey, 'client'), sessionKey };
  }

  #respond({ challenge, targetInfo }: Challenge, options: NtlmOptions): { readonly response: Buffer; readonly baseKey: Buffer } {
    const blob = clientBlob(toldBack(targetInfo, options), timestampOf(targetInfo));
    const { proof, baseKey } = prove(responseKey(this.#account), challenge, blob);
    return { response: Buffer.concat([proof, blob]), baseKey };
  }
}

/** What the host said of itself, and that our last message bears a code, and which TLS connection this is. */
function toldBack(told: readonly AvPair[], { endpointHash }: NtlmOptions): readonly AvPair[] {
  const bearsCode = Buffer.alloc(4);
  bearsCode.writeUInt32LE(2);
  const bindings = endpointHash === undefined ? [] : [{ id: avIds.channelBindings, value: channelBindings(endpointHash) }];
  const kept = told.filter(({ id }) => id !== avIds.flags && id !== avIds.channelBindings);
  return [...kept, { id: avIds.flags, value: bearsCode }, ...bindings];
}

export function contextOf(sessionKey: Buffer, end: 'client' | 'server'): SecurityContext {
  const up = new Sealing(sessionKey, 'client-to-server');
  const down = new Sealing(sessionKey, 'server-to-client');
  return end === 'client' ? { outgoing: up, incoming: down } : { outgoing: down, incoming: up };
}

/** MD5 over RFC 2744's structure, of which only the last part has anything in it. */
export function channelBindings(endpointHash: Buffer): Buffer {
  const data = Buffer.concat([Buffer.from('tls-server-end-point:'), endpointHash]);
  const head = Buffer.alloc(20);
  head.writeUInt32LE(data.length, 16);
  return md5(head, data);
}

/** MS-NLMP 2.2.2.7: all of the response that is not its proof. */
function clientBlob(pairs: readonly AvPair[], timestamp: Buffer): Buffer {
  const head = Buffer.from([1, 1, 0, 0, 0, 0, 0, 0]);
  return Buffer.concat([head, timestamp, randomBytes(8), Buffer.alloc(4), encodePairs(pairs), Buffer.alloc(4)]);
}

/** The host's own clock, if it told it: ours may go otherwise. */
function timestampOf(told: readonly AvPair[]): Buffer {
  return told.find(({ id, value }) => id === avIds.timestamp && value.length === 8)?.value ?? fileTime(Date.now());
}

/** In units of 100 ns since 1601. */
export function fileTime(ms: number): Buffer {
  const time = Buffer.alloc(8);
  time.writeBigUInt64LE((BigInt(ms) + 11_644_473_600_000n) * 10_000n);
  return time;
}
