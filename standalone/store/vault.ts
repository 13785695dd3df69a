import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const algorithm = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;

/** Of one key. */
export const keyBytes = 32;

/** Keeps what is secret unreadable at rest, each text bound to the place that it is stored at. */
export class Vault {
  #keys: readonly Uint8Array[];

  /** The first one seals; all of them open. */
  constructor(keys: readonly Uint8Array[]) {
    this.#keys = keys;
  }

  get keys(): readonly Uint8Array[] {
    return this.#keys;
  }

  /** Once nothing is sealed with them any more. */
  forgetOld(): void {
    this.#keys = this.#keys.slice(0, 1);
  }

  seal(place: string, text: string): Buffer {
    const nonce = randomBytes(nonceBytes);
    const [key] = this.#keys;
    if (key === undefined) throw new Error('a vault without a key seals nothing');
    const cipher = createCipheriv(algorithm, key, nonce).setAAD(Buffer.from(place));
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
  }

  /** Undefined for what was sealed with none of the keys, for another place, or was altered. */
  open(place: string, sealed: Uint8Array): string | undefined {
    for (const key of this.#keys) {
      const text = opened(key, place, sealed);
      if (text !== undefined) return text;
    }
    return undefined;
  }
}

function opened(key: Uint8Array, place: string, sealed: Uint8Array): string | undefined {
  try {
    const decipher = createDecipheriv(algorithm, key, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes })
      .setAAD(Buffer.from(place))
      .setAuthTag(sealed.subarray(nonceBytes, nonceBytes + tagBytes));
    return Buffer.concat([decipher.update(sealed.subarray(nonceBytes + tagBytes)), decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}
