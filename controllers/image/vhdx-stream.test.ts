import { randomBytes, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { layVhdx } from '#simulators/hyperv/disks/vhdx.js';
import { judgedVhdx } from './vhdx-stream.js';

const mib = 2 ** 20;

/** Of 8 MiB, with something behind its tables. */
function vhdx(): Buffer {
  const of = {
    format: 'VHDX',
    type: 'Dynamic',
    sizeBytes: 8 * mib,
    blockBytes: 2 * mib,
    logicalSector: 512,
    physicalSector: 4096,
  } as const;
  const { pieces, length } = layVhdx({ ...of, id: randomUUID().toUpperCase() }, undefined);
  const file = Buffer.concat([Buffer.alloc(length), randomBytes(mib)]);
  for (const { at, bytes } of pieces) bytes.copy(file, at);
  return file;
}

/** In pieces of that length, and which of them somebody took. */
function stream(bytes: Buffer, pieceBytes: number) {
  const seen = { taken: 0, isLeft: false };
  async function* pieces() {
    try {
      for (let at = 0; at < bytes.length; at += pieceBytes) {
        seen.taken = Math.min(bytes.length, at + pieceBytes);
        yield bytes.subarray(at, at + pieceBytes);
      }
    } finally {
      seen.isLeft = true;
    }
  }
  return { seen, content: pieces() };
}

async function all(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(part);
  return Buffer.concat(parts);
}

const fits = { virtualSizeBytes: 8 * mib };
const file = vhdx();

t.test('a disk that fits comes through whole, in whatever pieces', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1000, max: 5 * mib }), async (pieceBytes) => {
      const { seen, content } = stream(file, pieceBytes);
      const judged = await judgedVhdx(content, fits);
      return seen.taken < file.length + pieceBytes && (await all(judged)).equals(file) && seen.isLeft;
    }),
    { numRuns: 20 },
  );
  t.pass();
});

t.test('a disk larger than its volume is refused by its head', async (t) => {
  const { seen, content } = stream(file, 65_536);
  await t.rejects(judgedVhdx(content, { virtualSizeBytes: 4 * mib }), {
    code: 'TooLarge',
    message: /virtual size is 8 MiB.*the volume's 4 MiB.*; ask for a volume of at least 8388608 bytes/,
  });
  t.ok(seen.taken < 3 * mib, `${seen.taken} bytes were taken`);
  t.ok(seen.isLeft, 'and the rest is let go');
});

t.test('what was cut off, or breaks, is told', async (t) => {
  await t.rejects(judgedVhdx(stream(file.subarray(0, mib), 65_536).content, fits), { code: 'Corrupt' });
  const fault = new Error('the source broke');
  async function* breaking() {
    yield file.subarray(0, 100_000);
    throw fault;
  }
  await t.rejects(judgedVhdx(breaking(), fits), fault);
});

t.test('what lies too far behind is for others to judge', async (t) => {
  const far = Buffer.from(file);
  // Where the metadata are, by the second entry of either table of regions.
  for (const table of [192, 256]) far.writeBigUInt64LE(64n * BigInt(mib), table * 1024 + 16 + 32 + 16);
  const { seen, content } = stream(far, 65_536);
  const judged = await judgedVhdx(content, fits);
  t.ok(seen.taken < mib, 'it is not held');
  t.ok((await all(judged)).equals(far));
});
