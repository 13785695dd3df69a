import { createHash, type Hash } from 'node:crypto';
import { ImageError } from './error.js';
import { quoted } from './text.js';

export interface Checksum {
  readonly algorithm: 'sha256' | 'sha512';
  /** Lower case. */
  readonly hex: string;
}

const digits = { sha256: 64, sha512: 128 } as const;

/** Decodes `sha256:…` or `sha512:…`. */
export function parseChecksum(text: string): Checksum {
  const [, algorithm, hex] = /^(sha256|sha512):([0-9a-fA-F]+)$/.exec(text) ?? [];
  const known = algorithm === 'sha256' || algorithm === 'sha512' ? algorithm : undefined;
  if (known !== undefined && hex?.length === digits[known]) return { algorithm: known, hex: hex.toLowerCase() };
  throw new ImageError(
    'InvalidChecksum',
    `checksum ${quoted(text)} is not accepted; "sha256:" and ${digits.sha256} hexadecimal digits are, or "sha512:" and ${digits.sha512}`,
  );
}

/**
 * Hands the content on and throws ChecksumMismatch at its end when it is not what was expected. The last chunk is held back
 * until then, so that whoever takes the bytes never has all of a wrong image. Without an expectation it only hands on.
 * `begun` has what comes before the content.
 */
export async function* verified(
  content: AsyncIterable<Uint8Array>,
  expected: Checksum | undefined,
  begun?: Hash,
): AsyncIterable<Uint8Array> {
  if (expected === undefined) return yield* content;
  const hash = begun ?? createHash(expected.algorithm);
  let held: Uint8Array | undefined;
  for await (const chunk of content) {
    hash.update(chunk);
    if (held !== undefined) yield held;
    held = chunk;
  }
  const found = hash.digest('hex');
  if (found !== expected.hex.toLowerCase()) throw mismatch(expected, found);
  if (held !== undefined) yield held;
}

function mismatch({ algorithm, hex }: Checksum, found: string): ImageError {
  return new ImageError(
    'ChecksumMismatch',
    `the image's ${algorithm} checksum is ${found}, expected was ${hex}; correct the checksum if a newer image was published, or do not trust this one`,
  );
}
