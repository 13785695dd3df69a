/** Numbers from 0 to below `limit`, the same ones for the same seed. */
export type Random = (limit: number) => number;

/** Mulberry32: small, and good enough to choose what to break. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

/** In bytes: what is bred is no longer. Larger things are tried by tests that make them. */
export const mostBytes = 16_384;

type Mutation = (bytes: Buffer, other: Buffer, random: Random) => Buffer;

const between = (bytes: Buffer, start: number, end: number, middle: Uint8Array): Buffer =>
  Buffer.concat([bytes.subarray(0, start), middle, bytes.subarray(end)]);

/** Some part of it, most often a short one. */
function part(bytes: Buffer, random: Random): Range {
  const start = random(bytes.length + 1);
  const most = random(4) === 0 ? bytes.length - start : Math.min(16, bytes.length - start);
  return [start, start + random(most + 1)];
}

/** Where sizes and counts turn over. */
const oddNumbers = [0, 1, 2, 3, 4, 127, 255, 256, 16_384, 16_385, 65_535, 4_194_304, 4_194_305, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
const oddTexts = [
  '-1',
  '0',
  '1e999',
  'NaN',
  '4294967296',
  '9007199254740993',
  '18446744073709551616',
  '',
  ' ',
  '\u0000',
  '__proto__',
  'constructor',
  'ü',
  ']]>',
];

const mutations: readonly Mutation[] = [
  (bytes, _, random) => between(bytes, ...part(bytes, random), Buffer.alloc(0)),
  (bytes, _, random) => {
    const [start, end] = part(bytes, random);
    const at = random(bytes.length + 1);
    return between(bytes, at, at, bytes.subarray(start, end));
  },
  (bytes, other, random) => between(bytes, ...part(bytes, random), other.subarray(...part(other, random))),
  (bytes, _, random) => {
    const copy = Buffer.from(bytes);
    const at = random(Math.max(1, copy.length));
    if (copy.length > 0) copy[at] = random(2) === 0 ? random(256) : (copy[at] ?? 0) ^ (1 << random(8));
    return copy;
  },
  (bytes, _, random) => {
    const copy = Buffer.from(bytes);
    // XDR is made of words of four bytes.
    const at = 4 * random(Math.max(1, copy.length >> 2));
    if (copy.length >= at + 4) copy.writeUInt32BE(oddNumbers[random(oddNumbers.length)] ?? 0, at);
    return copy;
  },
  (bytes, _, random) => {
    const values = valuesIn(bytes);
    const [start, end] = values[random(Math.max(1, values.length))] ?? [0, 0];
    return between(bytes, start, end, Buffer.from(oddTexts[random(oddTexts.length)] ?? ''));
  },
];

type Range = readonly [start: number, end: number];

/** Where XML has a value, of an attribute or an element. */
const valuesIn = (bytes: Buffer): readonly Range[] =>
  [...bytes.toString('latin1').matchAll(/"[^"<>]*"|'[^'<>]*'|>[^<>]+</g)].map(({ index, 0: found }) => [
    index + 1,
    index + found.length - 1,
  ]);

/** All that differ from it in one value, which is an odd one. */
export function* withOddValues(bytes: Buffer): Generator<Buffer> {
  for (const [start, end] of valuesIn(bytes)) for (const odd of oddTexts) yield between(bytes, start, end, Buffer.from(odd));
}

/** Another like it, with a few things broken; parts of `other` may come in. */
export function mutate(bytes: Buffer, other: Buffer, random: Random): Buffer {
  let mutated = bytes;
  for (let left = 1 + random(4); left > 0; left -= 1) {
    const mutation = mutations[random(mutations.length)];
    if (mutation !== undefined) mutated = mutation(mutated, other, random);
  }
  return mutated.subarray(0, mostBytes);
}
