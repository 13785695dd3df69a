import { createHash, type Hash } from 'node:crypto';
import type { Checksum } from './checksum.js';
import { headBytes } from './header.js';

/** The first bytes of an image, which are stored already. */
export interface Begun {
  /** How many of them count. */
  readonly offset: number;
  readonly head: Uint8Array;
  /** Of these bytes. */
  readonly hash: Hash;
}

/** The end of what is stored is fetched once more: whoever wrote it may have been cut off in the middle of a block. */
const overlapBytes = 2 ** 20;

/** Reads what is stored, all but the end of it. */
export async function readBegun(stored: AsyncIterable<Uint8Array>, { algorithm }: Checksum): Promise<Begun> {
  const hash = createHash(algorithm);
  const held: Uint8Array[] = [];
  const head: Uint8Array[] = [];
  let [heldBytes, offset] = [0, 0];
  for await (const chunk of stored) {
    if (offset + heldBytes < headBytes) head.push(chunk);
    held.push(chunk);
    heldBytes += chunk.length;
    for (let [first] = held; first !== undefined && heldBytes - first.length >= overlapBytes; [first] = held) {
      hash.update(first);
      offset += first.length;
      heldBytes -= first.length;
      held.shift();
    }
  }
  return { offset, head: Buffer.concat(head).subarray(0, headBytes), hash };
}
