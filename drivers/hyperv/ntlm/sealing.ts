import { timingSafeEqual } from 'node:crypto';
import { DriverError } from '#drivers/error.js';
import { type Direction, directionKeys, hmacMd5 } from './keys.js';
import { Rc4 } from './rc4.js';

/** In bytes. */
export const signatureLength = 16;

/** One direction of a sealed connection: messages in their order, each numbered and signed (MS-NLMP 3.4.4.2, with key exchange). */
export class Sealing {
  readonly #signKey: Buffer;
  readonly #cipher: Rc4;
  #sequence = 0;

  constructor(sessionKey: Buffer, direction: Direction) {
    const { sign, seal } = directionKeys(sessionKey, direction);
    this.#signKey = sign;
    this.#cipher = new Rc4(seal);
  }

  seal(plain: Uint8Array): { readonly signature: Buffer; readonly sealed: Buffer } {
    const sealed = this.#cipher.pass(plain);
    return { signature: this.sign(plain), sealed };
  }

  /** @throws DriverError Denied when it is not what the other side sealed, next in turn */
  open(signature: Uint8Array, sealed: Uint8Array): Buffer {
    const plain = this.#cipher.pass(sealed);
    const expected = this.sign(plain);
    if (signature.length !== expected.length || !timingSafeEqual(signature, expected))
      throw new DriverError('Denied', 'a sealed message does not bear the signature of this connection: somebody changed it on its way');
    return plain;
  }

  /** For what is sent in the open, and yet nobody may change. */
  sign(plain: Uint8Array): Buffer {
    const signature = Buffer.alloc(signatureLength);
    signature.writeUInt32LE(1, 0);
    signature.writeUInt32LE(this.#sequence, 12);
    const checksum = hmacMd5(this.#signKey, signature.subarray(12), plain).subarray(0, 8);
    this.#cipher.pass(checksum).copy(signature, 4);
    this.#sequence = (this.#sequence + 1) >>> 0;
    return signature;
  }
}
