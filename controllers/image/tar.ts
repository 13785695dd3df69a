import { spawn } from 'node:child_process';
import type { Transform, Writable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { ImageError } from './error.js';
import { looksLike } from './hint.js';
import { type HeaderVerdict, refuse } from './refusal.js';
import { plain } from './text.js';

const nobody = 65_534;
/** xz asks for 65 MiB at its highest level. */
const mostMemoryBytes = 512 * 2 ** 20;

type Wrapping = 'gzip' | 'xz' | 'none';

/** How a tar archive is compressed; undefined for what is none. */
function wrappingOf(head: Uint8Array): Wrapping | undefined {
  const text = Buffer.from(head.subarray(0, 512)).toString('latin1');
  if (text.startsWith('\x1f\x8b')) return 'gzip';
  if (text.startsWith('\xfd7zXZ\0')) return 'xz';
  return text.slice(257, 262) === 'ustar' ? 'none' : undefined;
}

export function inspectTar(head: Uint8Array): HeaderVerdict {
  if (wrappingOf(head) !== undefined) return { kind: 'accepted' };
  return refuse(
    'NotThisFormat',
    `the image is declared as Tar and is none${looksLike(head)}; accepted: a tar archive as it is, or compressed by gzip or xz`,
  );
}

/** The archive as it was before it was compressed, and no more of it than `mostBytes`. Rejects with an ImageError. */
export async function* unwrapped(archive: AsyncIterable<Uint8Array>, mostBytes: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of decompressed(archive, signal)) {
    bytes += chunk.length;
    if (bytes > mostBytes)
      throw new ImageError('TooLarge', `the archive has more than ${mostBytes} bytes, which is the volume's size; ask for a larger volume`);
    yield chunk;
  }
}

async function* decompressed(archive: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const chunks = archive[Symbol.asyncIterator]();
  const first = await chunks.next();
  const whole = (async function* () {
    if (first.done !== true) yield first.value;
    yield* { [Symbol.asyncIterator]: () => chunks };
  })();
  const wrapping = first.done === true ? 'none' : wrappingOf(first.value);
  if (wrapping === 'gzip') yield* through(createGunzip(), whole);
  else if (wrapping === 'xz') yield* throughXz(whole, signal);
  else yield* whole;
}

/** What the archive's own end throws, as that it is not what its checksum says, comes before what the decompression makes of it. */
async function* through(decoder: Transform, archive: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let cause: unknown;
  const listening = { still: true };
  const feeding = feed(archive, decoder, listening).catch((reason) => {
    cause = reason;
    decoder.destroy(reason);
  });
  try {
    yield* decoder;
    await feeding;
    if (cause !== undefined) throw cause;
  } catch (reason) {
    if (cause !== undefined) throw cause;
    throw new ImageError('Corrupt', `the archive cannot be decompressed: ${(reason as Error).message}; publish it again`, {
      cause: reason,
    });
  } finally {
    listening.still = false;
    decoder.destroy();
  }
}

const isRoot = process.getuid?.() === 0;

/** Foreign bytes to a parser in C, as in `convert`. */
async function* throughXz(archive: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const child = spawn('prlimit', [`--as=${mostMemoryBytes}`, 'xz', '--decompress', '--stdout'], {
    ...(isRoot ? { uid: nobody, gid: nobody } : {}),
    signal,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], LC_ALL: 'C' },
  });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const ended = new Promise<number | Error>((resolve) => {
    child.once('error', resolve);
    child.once('close', (code) => resolve(code ?? 1));
  });
  let cause: unknown;
  const feeding = feed(archive, child.stdin).catch((reason) => {
    cause = reason;
    child.kill('SIGKILL');
  });
  try {
    yield* child.stdout;
    await feeding;
    const result = await ended;
    if (cause !== undefined) throw cause;
    if (result !== 0) throw failed(result, said);
  } finally {
    child.kill('SIGKILL');
  }
}

/** All of it, also when the decoder has its end: only with the last byte is known whether all was as it should be. */
async function feed(
  archive: AsyncIterable<Uint8Array>,
  to: Writable,
  listening: { readonly still: boolean } = { still: true },
): Promise<void> {
  // When it ends before all is written, its own word tells why.
  to.on('error', () => {});
  let ended = false;
  to.once('end', () => {
    ended = true;
  });
  for await (const chunk of archive) {
    if (!listening.still || (to.destroyed && !ended)) return;
    if (ended && chunk.some((byte) => byte !== 0))
      throw new ImageError('Corrupt', 'something other than zeros follows the archive; publish it again');
    if (!ended && !to.write(chunk)) await roomIn(to);
  }
  to.end();
}

/** Or it takes nothing more. */
function roomIn(to: Writable): Promise<void> {
  return new Promise((resolve) => {
    const events = ['drain', 'close', 'end'] as const;
    const done = () => {
      for (const event of events) to.off(event, done);
      resolve();
    };
    for (const event of events) to.once(event, done);
    if (to.destroyed) done();
  });
}

function failed(result: number | Error, said: string): ImageError {
  if (result instanceof Error || /No such file or directory/.test(said))
    return new ImageError('NoConverter', 'the archive is compressed by xz, which cannot be run: install xz-utils where the agent runs');
  return new ImageError('Corrupt', `the archive cannot be decompressed: ${plain(said.trim(), 300)}; publish it again`);
}
