import { execFileSync } from 'node:child_process';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { ImageError } from './error.js';
import { inspectTar, unwrapped } from './tar.js';

const signal = new AbortController().signal;

/** As much of one as is looked at. */
function archive(bytes = 10_240): Buffer {
  const made = Buffer.alloc(bytes, 7);
  made.write('ustar', 257, 'latin1');
  return made;
}

async function* inParts(bytes: Buffer, size = 1_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const wrappings = {
  'as it is': (bytes: Buffer) => bytes,
  gzip: (bytes: Buffer) => gzipSync(bytes),
  xz: (bytes: Buffer) => execFileSync('xz', ['--compress', '--stdout'], { input: bytes, maxBuffer: 64 << 20 }),
} as const;

for (const [name, wrap] of Object.entries(wrappings))
  t.test(`an archive comes out of its wrapping: ${name}`, async (t) => {
    const wrapped = wrap(archive());
    t.same(inspectTar(wrapped.subarray(0, 65_536)), { kind: 'accepted' });
    t.ok((await buffer(unwrapped(inParts(wrapped), 1 << 20, signal))).equals(archive()));
    await t.rejects(
      buffer(unwrapped(inParts(wrap(archive(1 << 20))), 1 << 16, signal)),
      { code: 'TooLarge' },
      'but no more of it than is asked',
    );
    if (name !== 'as it is') await t.rejects(buffer(unwrapped(inParts(wrapped.subarray(0, -8)), 1 << 20, signal)), { code: 'Corrupt' });
    const reason = new ImageError('ChecksumMismatch', 'differs');
    async function* differing() {
      yield* inParts(wrapped);
      throw reason;
    }
    await t.rejects(buffer(unwrapped(differing(), 1 << 20, signal)), reason, 'what its end throws is told');
  });

t.test('what is no archive is refused, and told what it looks like', async (t) => {
  t.match(inspectTar(Buffer.from('QFI\xfb', 'latin1')), { kind: 'refused', reason: 'NotThisFormat', message: /looks like a qcow image/ });
  t.match(inspectTar(Buffer.alloc(0)), { kind: 'refused' });
});

const timely = () => AbortSignal.timeout(20_000);

t.test('an archive is read to its last byte, whatever its decoder makes of it', async (t) => {
  const reason = new ImageError('ChecksumMismatch', 'differs');
  async function* differing(bytes: Buffer) {
    yield* inParts(bytes, 65_536);
    throw reason;
  }
  const padded = Buffer.concat([gzipSync(archive()), Buffer.alloc(1), Buffer.alloc(4 << 20)]);
  await t.rejects(buffer(unwrapped(differing(padded), 1 << 20, timely())), reason);
  const stuffed = Buffer.concat([gzipSync(archive()), Buffer.alloc(1), Buffer.alloc(4 << 20, 7)]);
  await t.rejects(buffer(unwrapped(inParts(stuffed, 65_536), 1 << 20, timely())), { code: 'Corrupt' });
  t.ok((await buffer(unwrapped(inParts(padded, 65_536), 1 << 20, timely()))).equals(archive()), 'zeros behind it are nothing');
});

t.test('an archive that its decoder gives up on ends, and its sender with it', async (t) => {
  for (const [name, wrap] of Object.entries({ gzip: wrappings.gzip, xz: wrappings.xz })) {
    const noise = Buffer.alloc(4 << 20);
    for (let at = 0; at < noise.length; at += 4) noise.writeUInt32LE((at * 2_654_435_761) % 2 ** 32, at);
    const broken = wrap(noise);
    broken.fill(0xa5, 2_000, 2_400);
    let left = false;
    async function* sender() {
      try {
        yield* inParts(broken, 65_536);
      } finally {
        left = true;
      }
    }
    await t.rejects(buffer(unwrapped(sender(), 1 << 30, timely())), { code: 'Corrupt' }, name);
    t.equal(left, true, `${name}: nobody is left waiting`);
  }
});

t.test('without xz, that is told', async (t) => {
  const path = process.env['PATH'];
  const wrapped = wrappings.xz(archive(1 << 20));
  process.env['PATH'] = '/nowhere';
  t.teardown(() => {
    process.env['PATH'] = path;
  });
  await t.rejects(buffer(unwrapped(inParts(wrapped), 1 << 30, timely())), { code: 'NoConverter' });
});
