import { randomBytes, timingSafeEqual } from 'node:crypto';
import { channelBindings, contextOf, fileTime, type SecurityContext } from '#drivers/hyperv/ntlm/client.js';
import { hmacMd5, prove, responseKey, utf16 } from '#drivers/hyperv/ntlm/keys.js';
import {
  avIds,
  codeAt,
  decodeAuthenticate,
  decodePairs,
  encodeChallenge,
  flags,
  isAuthenticate,
  isNegotiate,
  wanted,
} from '#drivers/hyperv/ntlm/messages.js';
import { Rc4 } from '#drivers/hyperv/ntlm/rc4.js';
import { type User, userNamed } from './users.js';

export interface Challenged {
  readonly kind: 'challenged';
  readonly negotiate: Buffer;
  readonly challenge: Buffer;
  readonly message: Buffer;
}

export interface LoggedIn {
  readonly kind: 'logged-in';
  readonly user: User;
  readonly context: SecurityContext;
}

/** The first message of a login, answered; undefined when it is none. */
export function challenged(negotiate: Buffer, server: string): Challenged | undefined {
  if (!isNegotiate(negotiate)) return undefined;
  const challenge = randomBytes(8);
  const targetInfo = [
    { id: avIds.domain, value: utf16(server) },
    { id: avIds.computer, value: utf16(server) },
    { id: avIds.timestamp, value: fileTime(Date.now()) },
  ];
  const message = encodeChallenge({ flags: wanted | flags.targetTypeServer, challenge, targetInfo }, server);
  return { kind: 'challenged', negotiate, challenge, message };
}

/** The last message. `endpointHash` is of our certificate, where there is one. Undefined when we do not know who that is. */
export function loggedIn(
  { negotiate, challenge, message: challengeMessage }: Challenged,
  authenticate: Buffer,
  users: readonly User[],
  binding: { readonly endpointHash: Buffer | undefined; readonly isStrict: boolean },
): LoggedIn | undefined {
  if (!isAuthenticate(authenticate)) return undefined;
  const { username, domain, ntResponse, wrappedKey } = decodeAuthenticate(authenticate);
  const user = userNamed(users, username);
  if (user === undefined || ntResponse.length < 44) return undefined;
  const [given, blob] = [ntResponse.subarray(0, 16), ntResponse.subarray(16)];
  const { proof, baseKey } = prove(responseKey({ username, domain, password: user.password }), challenge, blob);
  if (!timingSafeEqual(proof, given)) return undefined;
  const sessionKey = new Rc4(baseKey).pass(wrappedKey);
  const pairs = decodePairs(blob.subarray(28));
  const bearsCode = ((pairs.find(({ id }) => id === avIds.flags)?.value.readUInt32LE() ?? 0) & 2) !== 0;
  if (bearsCode && !isUnchanged(sessionKey, [negotiate, challengeMessage], authenticate)) return undefined;
  const bound = pairs.find(({ id }) => id === avIds.channelBindings)?.value;
  if (!isBound(bound, binding)) return undefined;
  return { kind: 'logged-in', user, context: contextOf(sessionKey, 'server') };
}

function isUnchanged(sessionKey: Buffer, before: readonly Buffer[], authenticate: Buffer): boolean {
  const code = authenticate.subarray(codeAt, codeAt + 16);
  const blank = Buffer.from(authenticate);
  blank.fill(0, codeAt, codeAt + 16);
  return timingSafeEqual(hmacMd5(sessionKey, ...before, blank), code);
}

/** A wrong binding is refused in any case; none only where it has to be there. */
function isBound(
  bound: Buffer | undefined,
  { endpointHash, isStrict }: { readonly endpointHash: Buffer | undefined; readonly isStrict: boolean },
): boolean {
  if (endpointHash === undefined) return true;
  if (bound === undefined || bound.every((byte) => byte === 0)) return !isStrict;
  return channelBindings(endpointHash).equals(bound);
}
