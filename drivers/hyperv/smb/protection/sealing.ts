import { type CipherCCMTypes, type CipherGCMTypes, createCipheriv, createDecipheriv } from 'node:crypto';
import { DriverError } from '#drivers/error.js';
import { nonsense, u16, u32, u64, View, zeros } from '../bytes.js';
import { maxMessageBytes } from '../frame.js';

type Algorithm = { readonly kind: 'ccm'; readonly name: CipherCCMTypes } | { readonly kind: 'gcm'; readonly name: CipherGCMTypes };
export type Cipher = Algorithm & {
  readonly id: number;
  readonly bits: 128 | 256;
  /** How much of the 16 bytes of the header it takes. */
  readonly nonceBytes: number;
};

/** MS-SMB2 2.2.3.1.2, those that we would rather have first. */
export const ciphers: readonly Cipher[] = [
  { kind: 'gcm', name: 'aes-128-gcm', id: 2, bits: 128, nonceBytes: 12 },
  { kind: 'ccm', name: 'aes-128-ccm', id: 1, bits: 128, nonceBytes: 11 },
  { kind: 'gcm', name: 'aes-256-gcm', id: 4, bits: 256, nonceBytes: 12 },
  { kind: 'ccm', name: 'aes-256-ccm', id: 3, bits: 256, nonceBytes: 11 },
];

const magic = Buffer.from([0xfd, 0x53, 0x4d, 0x42]);
const headBytes = 52;
const tagAt = 4;
const nonceAt = 20;
const tagBytes = 16;

export const isSealed = (packet: Buffer): boolean => packet.subarray(0, 4).equals(magic);

/** Messages that nobody else can read or write (MS-SMB2 2.2.41). */
export class Sealer {
  readonly #cipher: Cipher;
  readonly #sealing: Buffer;
  readonly #opening: Buffer;
  readonly #sessionId: bigint;
  /** Never the same twice under one key. */
  #count = 0n;

  constructor(cipher: Cipher, keys: { readonly sealing: Buffer; readonly opening: Buffer }, sessionId: bigint) {
    this.#cipher = cipher;
    this.#sealing = keys.sealing;
    this.#opening = keys.opening;
    this.#sessionId = sessionId;
  }

  seal(plain: Buffer): Buffer {
    this.#count += 1n;
    const nonce = Buffer.concat([u64(this.#count), zeros(8)]);
    const told = Buffer.concat([nonce, u32(plain.length), u16(0, 1), u64(this.#sessionId)]);
    const cipher = this.#sealWith(nonce.subarray(0, this.#cipher.nonceBytes), told, plain.length);
    const sealed = cipher.update(plain);
    cipher.final();
    return Buffer.concat([magic, cipher.getAuthTag(), told, sealed]);
  }

  /** @throws DriverError Denied when it was not sealed by who shares our keys */
  open(packet: Buffer): Buffer {
    const view = new View('a sealed message', packet);
    const told = view.slice(nonceAt, headBytes - nonceAt);
    const sealed = packet.subarray(headBytes);
    if (view.u16(42) !== 1 || view.u64(44) !== this.#sessionId) throw nonsense('a sealed message is of another session');
    if (view.u32(36) !== sealed.length || sealed.length > maxMessageBytes)
      throw nonsense(`a sealed message has ${sealed.length} bytes, and says ${view.u32(36)}`);
    const decipher = this.#openWith(told.subarray(0, this.#cipher.nonceBytes), told, sealed.length);
    decipher.setAuthTag(view.slice(tagAt, tagBytes));
    try {
      const plain = decipher.update(sealed);
      decipher.final();
      return plain;
    } catch (cause) {
      throw new DriverError('Denied', 'an answer was not sealed with the keys of this session: somebody changed it on its way', { cause });
    }
  }

  #sealWith(nonce: Buffer, told: Buffer, length: number) {
    if (this.#cipher.kind === 'gcm') return createCipheriv(this.#cipher.name, this.#sealing, nonce).setAAD(told);
    const cipher = createCipheriv(this.#cipher.name, this.#sealing, nonce, { authTagLength: tagBytes });
    return cipher.setAAD(told, { plaintextLength: length });
  }

  #openWith(nonce: Buffer, told: Buffer, length: number) {
    if (this.#cipher.kind === 'gcm') return createDecipheriv(this.#cipher.name, this.#opening, nonce).setAAD(told);
    const decipher = createDecipheriv(this.#cipher.name, this.#opening, nonce, { authTagLength: tagBytes });
    return decipher.setAAD(told, { plaintextLength: length });
  }
}
