import fc from 'fast-check';
import t from 'tap';
import { checkPng } from '#test/contract/viewer.js';
import { pictureOf } from './picture.js';

async function* inPieces(bytes: Buffer, length: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

const ppm = (width: number, height: number, pixels: Uint8Array) => Buffer.concat([Buffer.from(`P6\n${width} ${height}\n255\n`), pixels]);

t.test('a PPM becomes a PNG of the same pixels', async (t) => {
  const pictures = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })).chain(([width, height]) =>
    fc.record({
      width: fc.constant(width),
      height: fc.constant(height),
      pixels: fc.uint8Array({ minLength: width * height * 3, maxLength: width * height * 3 }),
      piece: fc.integer({ min: 1, max: 40 }),
    }),
  );
  await fc.assert(
    fc.asyncProperty(pictures, async ({ width, height, pixels, piece }) => {
      const { mediaType, bytes } = await pictureOf(inPieces(ppm(width, height, pixels), piece));
      const read = checkPng(bytes);
      return mediaType === 'image/png' && read.width === width && read.height === height && Buffer.from(pixels).equals(read.rgb);
    }),
  );
  t.pass('as a reader of its own reads it');
});

t.test('a PNG is handed over as it is', async (t) => {
  const made = await pictureOf(inPieces(ppm(1, 1, Buffer.from([1, 2, 3])), 100));
  t.same(await pictureOf(inPieces(Buffer.from(made.bytes), 7)), made);
});

t.test('what is no picture, or not all of one, is refused', async (t) => {
  const pixels = Buffer.alloc(12);
  const refused = { name: 'DriverError', code: 'Invalid' };
  for (const [what, bytes] of Object.entries({
    nothing: Buffer.alloc(0),
    'another format': Buffer.from('P5\n2 2\n255\n'),
    'sixteen bits': Buffer.concat([Buffer.from('P6\n2 2\n65535\n'), pixels, pixels]),
    'too few pixels': ppm(2, 2, pixels.subarray(1)),
    'too many pixels': ppm(2, 2, Buffer.alloc(13)),
    'no pixels': ppm(0, 0, Buffer.alloc(0)),
    'a size that nobody has': ppm(1_000_000, 1, pixels),
  }))
    await t.rejects(pictureOf(inPieces(bytes, 100)), refused, what);
});

t.test('a picture without an end is not waited for', async (t) => {
  let sent = 0;
  async function* endless(): AsyncGenerator<Uint8Array, void, undefined> {
    const chunk = Buffer.alloc(1 << 20);
    for (;;) {
      sent++;
      yield chunk;
    }
  }
  await t.rejects(pictureOf(endless()), { code: 'Invalid', message: /more than 134217728 bytes/ });
  t.ok(sent < 200, `${sent} MiB were read`);
});
