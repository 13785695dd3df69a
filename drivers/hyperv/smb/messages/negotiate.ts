import { nonsense, padded, u16, u32, View, zeros } from '../bytes.js';
import { headerBytes } from '../header.js';
import { type Cipher, ciphers } from '../protection/sealing.js';
import { type Signing, signings } from '../protection/signing.js';

/** 2.0.2 is not among them: no host with Hyper-V of R2 or newer has nothing better. */
export const dialects = { '2.1': 0x210, '3.0': 0x300, '3.0.2': 0x302, '3.1.1': 0x311 } as const;
export type Dialect = keyof typeof dialects;

export const capabilities = { largeMtu: 4, encryption: 0x40 } as const;
const ours = capabilities.largeMtu | capabilities.encryption;
/** That messages are signed, whatever the server would do without. */
const signingRequired = 2;

const contexts = { preauth: 1, encryption: 2, signing: 8 } as const;
const sha512 = 1;
/** Those that we would rather have first. */
const ourSignings: readonly Signing[] = [signings.aesGmac, signings.aesCmac, signings.hmacSha256];
const ourDialects = u16(...Object.values(dialects));

/** What both ends agreed on. */
export interface Negotiated {
  readonly dialect: Dialect;
  readonly capabilities: number;
  readonly securityMode: number;
  readonly serverGuid: Buffer;
  readonly maxTransact: number;
  readonly maxRead: number;
  readonly maxWrite: number;
  readonly signing: Signing;
  /** None where the server does not encrypt. */
  readonly cipher?: Cipher;
}

/** `salt` is of chance: 32 bytes. */
export function encodeNegotiate(clientGuid: Buffer, salt: Buffer): Buffer {
  const body = Buffer.concat([u16(36, Object.values(dialects).length, signingRequired, 0), u32(ours), clientGuid]);
  const told = contextsOf(salt);
  const head = Buffer.concat([body, zeros(8), ourDialects]);
  const before = padded(Buffer.concat([zeros(headerBytes), head])).subarray(headerBytes);
  before.writeUInt32LE(headerBytes + before.length, 28);
  before.writeUInt16LE(told.length, 32);
  return Buffer.concat([before, ...told.slice(0, -1).map(padded), ...told.slice(-1)]);
}

function contextsOf(salt: Buffer): readonly Buffer[] {
  return [
    context(contexts.preauth, Buffer.concat([u16(1, salt.length, sha512), salt])),
    context(contexts.encryption, u16(ciphers.length, ...ciphers.map(({ id }) => id))),
    context(contexts.signing, u16(ourSignings.length, ...ourSignings)),
  ];
}

const context = (type: number, data: Buffer): Buffer => Buffer.concat([u16(type, data.length), u32(0), data]);

/** @throws DriverError Internal */
export function decodeNegotiate(packet: Buffer): Negotiated {
  const view = new View('the answer to what we speak', packet);
  const dialect = dialectOf(view.u16(68));
  const found = {
    dialect,
    securityMode: view.u16(66),
    serverGuid: view.slice(72, 16),
    capabilities: view.u32(88),
    maxTransact: atLeast64KiB('MaxTransactSize', view.u32(92)),
    maxRead: atLeast64KiB('MaxReadSize', view.u32(96)),
    maxWrite: atLeast64KiB('MaxWriteSize', view.u32(100)),
  };
  if (dialect === '3.1.1') return { ...found, ...agreed(contextsIn(view)) };
  return { ...found, ...byDialect(dialect, found.capabilities) };
}

function byDialect(dialect: Dialect, offered: number): Pick<Negotiated, 'signing' | 'cipher'> {
  if (dialect === '2.1') return { signing: signings.hmacSha256 };
  const cipher = ciphers.find(({ name }) => name === 'aes-128-ccm');
  const encrypts = (offered & capabilities.encryption) !== 0 && cipher !== undefined;
  return { signing: signings.aesCmac, ...(encrypts && { cipher }) };
}

export function dialectOf(number: number): Dialect {
  const found = (Object.keys(dialects) as Dialect[]).find((each) => dialects[each] === number);
  if (found === undefined) throw nonsense(`dialect 0x${number.toString(16)} chosen; offered: ${Object.keys(dialects).join(', ')}`);
  return found;
}

function atLeast64KiB(field: string, value: number): number {
  if (value < 65_536) throw nonsense(`${field} ${value} given, at least 65536 expected`);
  return value;
}

function contextsIn(view: View): ReadonlyMap<number, View> {
  const found = new Map<number, View>();
  let at = view.u32(124);
  for (let left = view.u16(70); left > 0; left -= 1) {
    const [type, length] = [view.u16(at), view.u16(at + 2)];
    found.set(type, new View(`context ${type} of the answer to what we speak`, view.slice(at + 8, length)));
    at += (8 + length + 7) & ~7;
  }
  return found;
}

/** A server that knows of no choice of signatures signs as 3.0 does. */
function agreed(found: ReadonlyMap<number, View>): Pick<Negotiated, 'signing' | 'cipher'> {
  if (found.get(contexts.preauth)?.u16(4) !== sha512) throw nonsense('3.1.1 without SHA-512 over what was said before the login');
  const signing = choice(found.get(contexts.signing));
  const known = ourSignings.find((each) => each === signing);
  if (signing !== undefined && known === undefined) throw nonsense(`signing ${signing} chosen; offered: ${ourSignings.join(', ')}`);
  return { signing: known ?? signings.aesCmac, ...cipherIn(choice(found.get(contexts.encryption))) };
}

/** Zero says that the server encrypts by none of ours. */
function cipherIn(id: number | undefined): Pick<Negotiated, 'cipher'> {
  if (id === undefined || id === 0) return {};
  const cipher = ciphers.find((each) => each.id === id);
  if (cipher === undefined) throw nonsense(`cipher ${id} chosen; offered: ${ciphers.map((each) => each.id).join(', ')}`);
  return { cipher };
}

const choice = (context: View | undefined): number | undefined => (context === undefined ? undefined : context.u16(2));

/** What we said and heard at first, before anything was signed: asked again, signed (MS-SMB2 2.2.31.4). */
export const encodeValidation = (clientGuid: Buffer): Buffer =>
  Buffer.concat([u32(ours), clientGuid, u16(signingRequired, Object.values(dialects).length), ourDialects]);

/** Whether the server still says what it said then. @throws DriverError Internal */
export function isSame(answer: Buffer, then: Negotiated): boolean {
  const view = new View('the answer about what was agreed on', answer);
  const isGuid = view.slice(4, 16).equals(then.serverGuid);
  return isGuid && view.u32(0) === then.capabilities && view.u16(20) === then.securityMode && view.u16(22) === dialects[then.dialect];
}
