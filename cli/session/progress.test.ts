import { PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';
import fc from 'fast-check';
import t from 'tap';
import { inUnits, Progress, progressLine } from './progress.js';

t.test('it says how far it is, how much of what, and how fast', async (t) => {
  t.equal(progressLine(0, 2 ** 31, 0), `[>${' '.repeat(29)}]   0%  0 B of 2.0 GiB, 0 B/s`);
  t.equal(progressLine(2 ** 30, 2 ** 31, 10), `[${'='.repeat(15)}>${' '.repeat(14)}]  50%  1.0 GiB of 2.0 GiB, 102.4 MiB/s`);
  t.equal(progressLine(0, 0, 1), `[${'='.repeat(30)}] 100%  0 B of 0 B, 0 B/s`);
  t.equal(inUnits(2 ** 60), '1048576.0 TiB');
});

t.test('the bar is as wide as it is, whatever the numbers', async () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), fc.double({ min: 0, noNaN: true }), (bytes, total, seconds) =>
      /^\[.{30}\] [ \d]{3}% {2}/.test(progressLine(bytes, total, seconds)),
    ),
  );
});

t.test('it is drawn on a terminal and nowhere else, and hands everything on', async (t) => {
  for (const isTTY of [true, false]) {
    const output = Object.assign(new PassThrough(), { isTTY });
    const progress = new Progress(6, output);
    let got = '';
    progress.on('data', (chunk) => {
      got += chunk;
    });
    progress.write('abc');
    progress.end('def');
    await finished(progress);
    progress.finish();
    t.equal(got, 'abcdef');
    t.equal(`${output.read() ?? ''}` !== '', isTTY);
  }
});
