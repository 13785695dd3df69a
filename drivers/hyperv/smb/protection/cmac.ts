import { createCipheriv } from 'node:crypto';

const block = 16;
const noVector = Buffer.alloc(block);

/** AES-128-CMAC (RFC 4493), which Node has not: the last block of a CBC whose last block was changed by a key made of the first. */
export function cmac(key: Buffer, message: Buffer): Buffer {
  const whole = Math.max(0, Math.ceil(message.length / block) - 1) * block;
  const last = lastBlock(key, message.subarray(whole));
  const cipher = createCipheriv('aes-128-cbc', key, noVector).setAutoPadding(false);
  cipher.update(message.subarray(0, whole));
  return cipher.update(last);
}

function lastBlock(key: Buffer, rest: Buffer): Buffer {
  const once = doubled(createCipheriv('aes-128-ecb', key, null).setAutoPadding(false).update(noVector));
  const isWhole = rest.length === block;
  const padded = Buffer.alloc(block);
  rest.copy(padded);
  if (!isWhole) padded[rest.length] = 0x80;
  return xor(padded, isWhole ? once : doubled(once));
}

/** In the field of 2^128 elements. */
function doubled(bytes: Buffer): Buffer {
  const result = Buffer.alloc(block);
  for (let at = 0; at < block; at += 1) result[at] = ((bytes[at] ?? 0) << 1) | ((bytes[at + 1] ?? 0) >> 7);
  if (((bytes[0] ?? 0) & 0x80) !== 0) result[block - 1] = (result[block - 1] ?? 0) ^ 0x87;
  return result;
}

const xor = (left: Buffer, right: Buffer): Buffer => Buffer.from(left.map((byte, at) => byte ^ (right[at] ?? 0)));
