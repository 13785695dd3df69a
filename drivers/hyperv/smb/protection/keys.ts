import { createHash, createHmac } from 'node:crypto';

/** NIST SP800-108 in counter mode, with HMAC-SHA256, of one block: `bits` is 128 or 256. Label and context as they are, with their last zeros. */
export function derive(key: Buffer, label: string, context: Buffer, bits: 128 | 256 = 128): Buffer {
  const [counter, length] = [Buffer.from([0, 0, 0, 1]), Buffer.alloc(4)];
  length.writeUInt32BE(bits);
  const hmac = createHmac('sha256', key);
  for (const part of [counter, Buffer.from(`${label}\0`), context, length]) hmac.update(part);
  return hmac.digest().subarray(0, bits / 8);
}

/** Of all that was said before anything was signed: who changed a word of it has other keys than we have (MS-SMB2 3.2.5.3.1). */
export class Preauth {
  hash: Buffer = Buffer.alloc(64);

  add(packet: Buffer): void {
    this.hash = createHash('sha512').update(this.hash).update(packet).digest();
  }
}

export interface SessionKeys {
  readonly signing: Buffer;
  readonly sealing: Buffer;
  readonly opening: Buffer;
}

/** What 3.x makes of the login's key (MS-SMB2 3.1.4.2). `preauth` is there for 3.1.1 alone; `bits` are the cipher's. */
export function sessionKeys(key: Buffer, preauth: Buffer | undefined, bits: 128 | 256): SessionKeys {
  if (preauth !== undefined)
    return {
      signing: derive(key, 'SMBSigningKey\0', preauth),
      sealing: derive(key, 'SMBC2SCipherKey\0', preauth, bits),
      opening: derive(key, 'SMBS2CCipherKey\0', preauth, bits),
    };
  return {
    signing: derive(key, 'SMB2AESCMAC\0', Buffer.from('SmbSign\0')),
    sealing: derive(key, 'SMB2AESCCM\0', Buffer.from('ServerIn \0')),
    opening: derive(key, 'SMB2AESCCM\0', Buffer.from('ServerOut\0')),
  };
}
