import { createCipheriv, createHmac, timingSafeEqual } from 'node:crypto';
import { DriverError } from '#drivers/error.js';
import { commands, flagsAt, headerFlags, messageIdAt, signatureAt } from '../header.js';
import { cmac } from './cmac.js';

/** MS-SMB2 2.2.3.1.7: what signs messages. */
export const signings = { hmacSha256: 0, aesCmac: 1, aesGmac: 2 } as const;
export type Signing = (typeof signings)[keyof typeof signings];

const codeBytes = 16;

/** Signs what goes out, and knows what the other end signed. */
export class Signer {
  readonly #key: Buffer;
  readonly #signing: Signing;

  constructor(key: Buffer, signing: Signing) {
    this.#key = key;
    this.#signing = signing;
  }

  /** Signs the packet in its place. */
  sign(packet: Buffer): Buffer {
    packet.writeUInt32LE(packet.readUInt32LE(flagsAt) | headerFlags.signed, flagsAt);
    this.#code(packet).copy(packet, signatureAt);
    return packet;
  }

  /** @throws DriverError Denied when it was not signed by who shares our key */
  check(packet: Buffer): void {
    const isSigned = (packet.readUInt32LE(flagsAt) & headerFlags.signed) !== 0;
    const code = packet.subarray(signatureAt, signatureAt + codeBytes);
    if (!isSigned || !timingSafeEqual(code, this.#code(packet)))
      throw new DriverError('Denied', 'an answer does not bear the signature of this session: somebody changed it on its way');
  }

  /** Over the whole, with zeros where the code will be. */
  #code(packet: Buffer): Buffer {
    const blank = Buffer.from(packet);
    blank.fill(0, signatureAt, signatureAt + codeBytes);
    if (this.#signing === signings.hmacSha256) return createHmac('sha256', this.#key).update(blank).digest().subarray(0, codeBytes);
    if (this.#signing === signings.aesCmac) return cmac(this.#key, blank);
    return gmac(this.#key, nonceOf(packet), blank);
  }
}

/** What AES-GCM says of a message that has nothing secret. */
function gmac(key: Buffer, nonce: Buffer, message: Buffer): Buffer {
  const cipher = createCipheriv('aes-128-gcm', key, nonce).setAAD(message);
  cipher.final();
  return cipher.getAuthTag();
}

/** The message's number, who sent it, and whether it cancels that one (MS-SMB2 3.1.4.1). */
function nonceOf(packet: Buffer): Buffer {
  const nonce = Buffer.alloc(12);
  packet.copy(nonce, 0, messageIdAt, messageIdAt + 8);
  const isServers = (packet.readUInt32LE(flagsAt) & headerFlags.response) !== 0;
  nonce[8] = (isServers ? 1 : 0) | (packet.readUInt16LE(12) === commands.cancel ? 2 : 0);
  return nonce;
}
