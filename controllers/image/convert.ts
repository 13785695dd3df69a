import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { chmod, chown, type FileHandle, mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ImageError } from './error.js';
import type { ImageFormat } from './format.js';
import type { OpenSource } from './import.js';
import { plain } from './text.js';
import { inspectVhdx } from './vhdx.js';

/** What a disk is an image of. */
export type DiskFormat = Exclude<ImageFormat, 'Tar'>;

const nativeFormats: Readonly<Record<DiskFormat, string>> = { Raw: 'raw', Qcow2: 'qcow2', Vmdk: 'vmdk', Vhdx: 'vhdx' };
/** What an image is made into. */
export type ConvertedFormat = 'Raw' | 'Qcow2' | 'Vhdx' | 'Vhd';
/** `force_size`: a VHD is as large as was asked for, and not as its cylinders have it. */
const targets: Readonly<Record<ConvertedFormat, readonly string[]>> = {
  Raw: ['-O', 'raw'],
  Qcow2: ['-O', 'qcow2'],
  Vhdx: ['-O', 'vhdx', '-o', 'subformat=dynamic'],
  Vhd: ['-O', 'vpc', '-o', 'subformat=dynamic,force_size=on'],
};
const folderPrefix = 'virtwright-image-';
/** An image is foreign bytes to a parser in C: it runs as nobody, and gets no more than this. */
const nobody = 65_534;
const mostMemoryBytes = 4 * 2 ** 30;
/** Tables beside the data, as in `mostFileBytes`. */
const mostBytes = (virtualSizeBytes: number): number => virtualSizeBytes + Math.ceil(virtualSizeBytes / 16) + 64 * 2 ** 20;

/** An image in another format, as a file of ours, until it is disposed of. */
export interface Converted extends AsyncDisposable {
  readonly content: AsyncIterable<Uint8Array>;
}

/**
 * Writes an image whose head was accepted into a folder that only we can read, and converts it there with `qemu-img`, which must be on this machine. Nothing but
 * the image itself is read: what names other files was refused before. Rejects with an ImageError.
 */
export async function convert(
  image: OpenSource,
  { from, to, virtualSizeBytes }: { readonly from: DiskFormat; readonly to: ConvertedFormat; readonly virtualSizeBytes: number },
  signal: AbortSignal,
): Promise<Converted> {
  await sweep();
  const folder = await mkdtemp(join(tmpdir(), `${folderPrefix}${process.pid}-`));
  const dispose = () => rm(folder, { recursive: true, force: true });
  try {
    const [source, target] = [join(folder, 'source'), join(folder, 'target')];
    await store(image.content, source, from, virtualSizeBytes);
    await giveAway(folder, source);
    const { 'virtual-size': found } = JSON.parse(await qemuImg(['info', '--output=json', '-f', nativeFormats[from], source], 0, signal));
    if (!(found <= virtualSizeBytes))
      throw new ImageError('TooLarge', `the image's virtual size is ${found} bytes, the volume has ${virtualSizeBytes}`);
    await qemuImg(['convert', '-f', nativeFormats[from], ...targets[to], source, target], mostBytes(virtualSizeBytes), signal);
    await rm(source);
    return { content: createReadStream(target, { highWaterMark: 1 << 20 }), [Symbol.asyncDispose]: dispose };
  } catch (reason) {
    await dispose();
    throw reason;
  }
}

async function store(content: AsyncIterable<Uint8Array>, path: string, format: DiskFormat, virtualSizeBytes: number): Promise<void> {
  await using file = await open(path, 'wx+', 0o600);
  for await (const chunk of content) await file.writeFile(chunk);
  if (format !== 'Vhdx') return;
  const verdict = await inspectVhdx((offset, length) => readAt(file, offset, length), { virtualSizeBytes });
  if (verdict.kind === 'refused') throw new ImageError(verdict.reason, verdict.message);
}

async function readAt(file: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, offset);
  return buffer.subarray(0, bytesRead);
}

const isRoot = process.getuid?.() === 0;

async function giveAway(folder: string, source: string): Promise<void> {
  await chmod(folder, 0o700);
  if (isRoot) for (const path of [folder, source]) await chown(path, nobody, nobody);
}

/** Rejects with what it said. `mostFileBytes` is how long a file it may write. */
function qemuImg(args: readonly string[], mostFileBytes: number, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const identity = isRoot ? { uid: nobody, gid: nobody } : {};
    const limits = [`--as=${mostMemoryBytes}`, `--fsize=${mostFileBytes}`];
    const child = spawn('prlimit', [...limits, 'qemu-img', ...args], {
      ...identity,
      signal,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], LC_ALL: 'C' },
    });
    const [out, err]: [string[], string[]] = [[], []];
    child.stdout.on('data', (chunk) => out.push(`${chunk}`));
    child.stderr.on('data', (chunk) => err.push(`${chunk}`));
    child.once('error', (reason) =>
      reject(signal.aborted ? new ImageError('Aborted', 'the conversion was ended', { cause: reason }) : missing(reason)),
    );
    child.once('close', (code) => (code === 0 ? resolve(out.join('')) : reject(failed(code, err.join('')))));
  });
}

const remedy = 'install qemu-utils where the agent runs, or publish the image in the format of the volume';
const missing = (cause: Error) =>
  new ImageError('NoConverter', `the image is to be converted, and qemu-img cannot be run (${cause.message}): ${remedy}`, { cause });

function failed(code: number | null, said: string): ImageError {
  if (/No such file or directory/.test(said) && /prlimit/.test(said)) return missing(new Error(plain(said.trim(), 200)));
  if (/Permission denied/.test(said))
    return missing(new Error(`user ${nobody} may not reach ${tmpdir()}: set TMPDIR to a folder that everybody may search`));
  if (/No space left/.test(said))
    return new ImageError('NoRoom', `no room for the conversion in ${tmpdir()} where the agent runs: free some, or set TMPDIR`);
  return new ImageError(
    'Corrupt',
    `qemu-img could not convert the image (${code ?? 'killed'}): ${plain(said.trim(), 500)}; look at it with "qemu-img check"`,
  );
}

/** What agents left that died amid a conversion. */
async function sweep(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const [, pid] = new RegExp(`^${folderPrefix}(\\d+)-`).exec(name) ?? [];
    if (pid !== undefined && !isAlive(Number(pid))) await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (reason) {
    return (reason as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
