import { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { DriverError } from '#drivers/error.js';
import { discRights } from '#drivers/hyperv/disc-rights.js';
import { Connection } from '#drivers/hyperv/smb/connection.js';
import { encodeFrame, FrameCutter } from '#drivers/hyperv/smb/frame.js';
import { decodeHeader, messageIdAt, unaskedId } from '#drivers/hyperv/smb/header.js';
import { logIn } from '#drivers/hyperv/smb/login.js';
import { decodeCreate, decodeRead, decodeWrite } from '#drivers/hyperv/smb/messages/file.js';
import { decodeQueryDirectory, decodeQuerySpace, decodeValidateNegotiate, outputIn } from '#drivers/hyperv/smb/messages/info.js';
import { decodeNegotiate, isSame } from '#drivers/hyperv/smb/messages/negotiate.js';
import { encodeSecurity, isGrantedAlone } from '#drivers/hyperv/smb/messages/security.js';
import { decodeSessionSetup, decodeTreeConnect } from '#drivers/hyperv/smb/messages/session.js';
import { ciphers, Sealer } from '#drivers/hyperv/smb/protection/sealing.js';
import { signedBy } from '#drivers/hyperv/smb/protection/session.js';
import { Signer, signings } from '#drivers/hyperv/smb/protection/signing.js';
import { codeIn, decodeAnswer } from '#drivers/hyperv/smb/spnego.js';
import { statuses } from '#drivers/hyperv/smb/status.js';
import * as windows from '#test/golden/hyperv/smb.js';
import { checkData, type Target, unlessRefused } from '../target.js';

const refused = [DriverError];
const agreed = decodeNegotiate(windows.negotiated);

const decoders: readonly ((packet: Buffer) => unknown)[] = [
  decodeHeader,
  decodeNegotiate,
  decodeTreeConnect,
  decodeCreate,
  (packet) => decodeRead(packet, 65_536),
  (packet) => decodeWrite(packet, 65_536),
  decodeQueryDirectory,
  decodeQuerySpace,
  (packet) => isGrantedAlone(outputIn(packet).bytes, discRights),
  (packet) => isSame(decodeValidateNegotiate(packet), agreed),
  (packet) => decodeAnswer(decodeSessionSetup(packet).token),
  (packet) => codeIn(decodeSessionSetup(packet).token),
];

/** By each kind of session: nobody here has its keys. */
const sealers = ciphers.map(
  (cipher) => new Sealer(cipher, { sealing: Buffer.alloc(cipher.bits / 8), opening: Buffer.alloc(cipher.bits / 8, 1) }, 0x8e40014000011n),
);
const signed = Object.values(signings).map((signing) => signedBy(new Signer(Buffer.alloc(16, 1), signing)));
const sessions = [...sealers, ...signed];

/** An answer with this as what it lists. */
function listing(output: Buffer): Buffer {
  const packet = Buffer.concat([windows.readAnswer.subarray(0, 64), Buffer.alloc(8), output]);
  packet.writeUInt16LE(72, 66);
  packet.writeUInt32LE(output.length, 68);
  return packet;
}

function entry(name: string, next: number): Buffer {
  const text = Buffer.from(name, 'utf16le');
  const head = Buffer.alloc(64);
  head.writeUInt32LE(next, 0);
  head.writeUInt32LE(text.length, 60);
  return Buffer.concat([head, text]);
}

const packets = [
  windows.negotiated,
  windows.challenge,
  windows.lastAnswer,
  windows.writeAnswer,
  windows.readAnswer,
  windows.sealedAnswer,
  listing(Buffer.concat([entry('ab', 68), entry('c', 0)])),
  listing(Buffer.alloc(32, 1)),
  listing(encodeSecurity(discRights)),
];

function isAnswer(packet: Buffer): boolean {
  const { messageId, status } = decodeHeader(packet);
  return messageId !== unaskedId && status !== statuses.pending;
}

/** Our end of a socket whose other end is these bytes. */
class Wire extends Duplex {
  override _read(): void {}
  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done();
  }
}

function numbered(packet: Buffer, id: number): Buffer {
  const copy = Buffer.from(packet);
  copy.writeBigUInt64LE(BigInt(id), messageIdAt);
  return encodeFrame(copy);
}

const conversation = Buffer.concat([numbered(windows.negotiated, 0), numbered(windows.challenge, 1), numbered(windows.lastAnswer, 2)]);

/** A connection ends of whatever is thrown while it reads, and tells it as trouble of its own: what is a fault of ours shows in the cause. */
function checkCause(reason: unknown): void {
  if (!(reason instanceof DriverError)) throw reason;
  if (reason.cause instanceof Error && !(reason.cause instanceof DriverError)) throw reason.cause;
}

/** Whoever it is does not know the password, and so gets nowhere. */
async function converse(bytes: Buffer): Promise<void> {
  const wire = new Wire();
  const connection = new Connection(wire);
  const login = { domain: '', username: 'u', password: 'p' };
  const ended = logIn(connection, login, new AbortController().signal).then(() => 'in', checkCause);
  const size = Math.max(1, bytes.length >> 2);
  for (let at = 0; at < bytes.length; at += size) {
    wire.push(bytes.subarray(at, at + size));
    await turn();
  }
  for (let turns = 0; turns < 5; turns += 1) await turn();
  connection.end(new DriverError('Unavailable', 'nobody waits any more'));
  if ((await ended) === 'in') throw new Error('who does not know the password passes for the server');
}

export const smbTargets: readonly Target[] = [
  {
    name: 'smb-answers',
    seeds: packets,
    read: (bytes) => {
      for (const decode of decoders) checkData(unlessRefused(refused, () => decode(bytes)));
      for (const session of sessions)
        if (unlessRefused(refused, () => session.open(bytes)) !== undefined && isAnswer(bytes))
          throw new Error('what nobody of the session wrote is taken');
    },
  },
  {
    name: 'smb-frames',
    seeds: [Buffer.concat(packets.map(encodeFrame))],
    read: (bytes) => {
      for (const size of [bytes.length, 7])
        unlessRefused(refused, () => {
          const cutter = new FrameCutter();
          for (let at = 0; at < bytes.length; at += Math.max(1, size)) {
            for (const packet of cutter.push(bytes.subarray(at, at + size))) unlessRefused(refused, () => decodeHeader(packet));
            if (cutter.room > Math.max(8, 2 * bytes.length)) throw new Error(`${cutter.room} bytes are held for ${bytes.length}`);
          }
        });
    },
  },
  { name: 'smb-login', seeds: [conversation], read: converse },
];
