import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { crc32c } from '#simulators/hyperv/disks/crc32c.js';
import { judgeVhdxHeaders } from './vhdx-header.js';

/** As the simulator sums it, which is another's work than what is tried. */
function header({
  sequence,
  isLogged,
  isWhole,
}: {
  readonly sequence: bigint;
  readonly isLogged: boolean;
  readonly isWhole: boolean;
}): Buffer {
  const bytes = randomBytes(4096);
  bytes.write('head', 'latin1');
  bytes.fill(0, 4, 8).writeBigUInt64LE(sequence, 8);
  bytes.fill(isLogged ? 7 : 0, 48, 64);
  bytes.writeUInt32LE(crc32c(bytes), 4);
  if (!isWhole) bytes[4095] = (bytes[4095] ?? 0) ^ 1;
  return bytes;
}

const whole = { isWhole: true } as const;
const copies = fc.tuple(...[0, 1].map(() => fc.record({ sequence: fc.bigInt(0n, 3n), isLogged: fc.boolean(), isWhole: fc.boolean() })));

t.test('the copy counts that is whole, and was written last', async (t) => {
  const clean = header({ ...whole, sequence: 8n, isLogged: false });
  const logged = (sequence: bigint) => header({ ...whole, sequence, isLogged: true });
  t.equal(judgeVhdxHeaders([logged(7n), clean]), 'Clean', 'a stale one may name a log');
  t.equal(judgeVhdxHeaders([clean, logged(9n)]), 'Logged');
  t.equal(judgeVhdxHeaders([clean, logged(8n)]), 'Logged', 'of two of one age either does');
  t.equal(judgeVhdxHeaders([clean, header({ sequence: 9n, isLogged: true, isWhole: false })]), 'Clean', 'what is torn does not count');
  t.equal(judgeVhdxHeaders([clean.subarray(0, 4095)]), 'Broken', 'nor what is cut off');
  t.equal(judgeVhdxHeaders([]), 'Broken');
});

t.test('a log is never missed, and never seen where there is none', async (t) => {
  fc.assert(
    fc.property(copies, (made) => {
      const counts = made.filter(({ isWhole, sequence }) => isWhole && made.every((each) => !each.isWhole || each.sequence <= sequence));
      const expected = counts.length === 0 ? 'Broken' : counts.some(({ isLogged }) => isLogged) ? 'Logged' : 'Clean';
      return judgeVhdxHeaders(made.map(header)) === expected;
    }),
    { numRuns: 300 },
  );
  t.pass();
});

t.test('no bytes whatever break it', async (t) => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 5000, size: 'max' }), { maxLength: 3 }), (any) =>
      ['Clean', 'Logged', 'Broken'].includes(judgeVhdxHeaders(any)),
    ),
  );
  t.pass();
});
