import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import t from 'tap';
import { type IsoFile, isoImage } from './iso.js';

const name = fc.string({ unit: fc.constantFrom(...'abcXYZ019-_.+~'), minLength: 1, maxLength: 64 });
const files: fc.Arbitrary<readonly IsoFile[]> = fc.uniqueArray(
  fc.record({
    name,
    content: fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.integer({ min: 0, max: 5_000 }).map((size) => new Uint8Array(size).fill(7)),
    ),
  }),
  { selector: (file) => file.name, maxLength: 60 },
);

/** What ECMA-119 and Joliet say, read without a word of the writer's. */
function read(image: Buffer, descriptor: 1 | 2): readonly IsoFile[] {
  let sector = 16;
  while (image[sector * 2048] !== descriptor) sector++;
  const root = image.subarray(sector * 2048 + 156);
  const folder = image.subarray(root.readUInt32LE(2) * 2048, root.readUInt32LE(2) * 2048 + root.readUInt32LE(10));
  const found: IsoFile[] = [];
  for (let at = 0; at < folder.length; ) {
    const length = folder[at] ?? 0;
    if (length === 0) {
      at = (Math.floor(at / 2048) + 1) * 2048;
      continue;
    }
    const record = folder.subarray(at, at + length);
    if ((record[25] ?? 0) === 0) {
      const [begin, size] = [record.readUInt32LE(2) * 2048, record.readUInt32BE(14)];
      found.push({ name: descriptor === 2 ? jolietName(record) : rockRidgeName(record), content: image.subarray(begin, begin + size) });
    }
    at += length;
  }
  return found;
}

const jolietName = (record: Buffer): string =>
  Buffer.from(record.subarray(33, 33 + (record[32] ?? 0)))
    .swap16()
    .toString('utf16le');

function rockRidgeName(record: Buffer): string {
  const nameLength = record[32] ?? 0;
  for (let at = 33 + nameLength + (1 - (nameLength % 2)); at + 4 < record.length; at += record[at + 2] ?? 255)
    if (record.toString('latin1', at, at + 2) === 'NM') return record.toString('latin1', at + 5, at + (record[at + 2] ?? 0));
  return '';
}

const sorted = (all: readonly IsoFile[]) =>
  all.map(({ name: one, content }) => [one, Buffer.from(content).toString('hex')]).sort(([a = ''], [b = '']) => (a < b ? -1 : 1));

t.test('what is written is read back under its own name, by Rock Ridge and by Joliet, and is the same bytes each time', async () => {
  fc.assert(
    fc.property(files, (given) => {
      const image = isoImage('cidata', given);
      assert.equal(image.length % 2048, 0);
      assert.deepEqual(sorted(read(image, 1)), sorted(given));
      assert.deepEqual(sorted(read(image, 2)), sorted(given));
      assert.ok(isoImage('cidata', given).equals(image));
    }),
    { numRuns: 100 },
  );
});

t.test('what a name or a label cannot say is refused', async (t) => {
  for (const bad of ['', 'a/b', 'a;1', 'a b', 'ä', 'x'.repeat(65)])
    t.throws(() => isoImage('cidata', [{ name: bad, content: Buffer.of() }]), { name: 'TypeError' }, bad);
  t.throws(() => isoImage('a label', []), { name: 'TypeError' });
  t.throws(
    () =>
      isoImage(
        'cidata',
        ['a', 'a'].map((one) => ({ name: one, content: Buffer.of() })),
      ),
    /same name/,
  );
});

const isoinfo = (...args: readonly string[]) => promisify(execFile)('isoinfo', args, { encoding: 'buffer' }).then(({ stdout }) => stdout);
const absent = await isoinfo('-version').then(
  () => false as const,
  () => 'needs isoinfo: apt-get install genisoimage',
);
if (absent && process.env['CI'] === 'true') throw new Error(absent);

t.test('another program reads it as we mean it', { skip: absent }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'vw-iso-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const given = [
    { name: 'meta-data', content: Buffer.from('instance-id: one\n') },
    { name: 'user-data', content: Buffer.alloc(10_000, 'x') },
    { name: 'Autounattend.xml', content: Buffer.of() },
  ];
  const path = join(folder, 'seed.iso');
  await writeFile(path, isoImage('cidata', given));
  const description = `${await isoinfo('-d', '-i', path)}`;
  for (const words of ['Volume id: cidata', 'Joliet with UCS level 3 found', 'Rock Ridge signatures version 1 found'])
    t.match(description, words);
  for (const { name: one, content } of given) {
    t.same(await isoinfo('-R', '-i', path, '-x', `/${one}`), content, `${one} by Rock Ridge`);
    t.same(await isoinfo('-J', '-i', path, '-x', `/${one}`), content, `${one} by Joliet`);
  }
  t.match(`${await isoinfo('-R', '-l', '-i', path)}`, /-r-------- +1 +0 +0 +10000 .*user-data/);
});
