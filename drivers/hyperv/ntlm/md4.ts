/** MD4 (RFC 1320), which OpenSSL 3 no longer has and NTLM still wants of a password. It protects nothing by itself. */
export function md4(message: Uint8Array): Buffer {
  const blocks = padded(message);
  const state: State = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];
  for (let at = 0; at < blocks.length; at += 64) compress(state, blocks.subarray(at, at + 64));
  const digest = Buffer.alloc(16);
  for (const [at, word] of state.entries()) digest.writeUInt32LE(word >>> 0, at * 4);
  return digest;
}

type State = [number, number, number, number];
type Mix = (x: number, y: number, z: number) => number;

interface Round {
  readonly mix: Mix;
  readonly added: number;
  /** Which word of the block comes at which step. */
  readonly order: readonly number[];
  readonly shifts: readonly [number, number, number, number];
}

const rounds: readonly Round[] = [
  {
    mix: (x, y, z) => (x & y) | (~x & z),
    added: 0,
    order: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    shifts: [3, 7, 11, 19],
  },
  {
    mix: (x, y, z) => (x & y) | (x & z) | (y & z),
    added: 0x5a827999,
    order: [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
    shifts: [3, 5, 9, 13],
  },
  {
    mix: (x, y, z) => x ^ y ^ z,
    added: 0x6ed9eba1,
    order: [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15],
    shifts: [3, 9, 11, 15],
  },
];

function padded(message: Uint8Array): Buffer {
  const blocks = Buffer.alloc(Math.ceil((message.length + 9) / 64) * 64);
  blocks.set(message);
  blocks[message.length] = 0x80;
  blocks.writeBigUInt64LE(BigInt(message.length) * 8n, blocks.length - 8);
  return blocks;
}

function compress(state: State, block: Buffer): void {
  let [a, b, c, d] = state;
  for (const { mix, added, order, shifts } of rounds)
    for (const [step, word] of order.entries()) {
      const turned = rotate((a + mix(b, c, d) + block.readUInt32LE(word * 4) + added) | 0, shifts[step % 4] ?? 0);
      [a, b, c, d] = [d, turned, b, c];
    }
  state[0] = (state[0] + a) | 0;
  state[1] = (state[1] + b) | 0;
  state[2] = (state[2] + c) | 0;
  state[3] = (state[3] + d) | 0;
}

const rotate = (word: number, by: number): number => (word << by) | (word >>> (32 - by));
