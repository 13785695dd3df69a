import { randomUUID } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { lstat, readdir, readFile, realpath, rename, rmdir, unlink } from 'node:fs/promises';
import { throwIfAborted } from '#drivers/deadline.js';
import { DriverError } from '#drivers/error.js';

/** Linux takes paths of 4096 bytes, and a container may nest its folders as deep as it likes: what lies deeper is brought up first. */
const longestPathBytes = 3_000;

/**
 * Removes all that is in a directory, and nothing outside of it: no link is followed, and nothing is removed that is mounted there. Whoever dies in
 * between may begin again. Nobody else may be at work in it.
 * @throws DriverError Busy when something is mounted in it
 */
export async function emptyDirectory(location: string, signal: AbortSignal): Promise<void> {
  await mustHaveNoMounts(location);
  const { dev } = await lstat(location);
  const removal = new Removal(Buffer.from(location), dev, signal);
  for (let left = await entriesOf(removal.top); left.length > 0; left = await entriesOf(removal.top))
    await removal.removeAll(removal.top, left);
}

class Removal {
  readonly top: Buffer;
  readonly #device: number;
  readonly #signal: AbortSignal;

  constructor(top: Buffer, device: number, signal: AbortSignal) {
    this.top = top;
    this.#device = device;
    this.#signal = signal;
  }

  async removeAll(folder: Buffer, entries: readonly Dirent<Buffer>[]): Promise<void> {
    for (const entry of entries) {
      throwIfAborted(this.#signal);
      const path = within(folder, entry.name);
      if (entry.isDirectory()) await this.#removeFolder(path);
      else await unlessGone(unlink(path));
    }
  }

  async #removeFolder(path: Buffer): Promise<void> {
    const found = await unlessGone(lstat(path));
    if (found === undefined) return;
    if (found.dev !== this.#device) throw mounted(path.toString());
    if (path.length > longestPathBytes) return void (await rename(path, within(this.top, Buffer.from(`.${randomUUID()}`))));
    await this.removeAll(path, await entriesOf(path));
    // What lay too deep is elsewhere by now.
    await unlessGone(rmdir(path));
  }
}

/** Names are bytes: a container need not write them in UTF-8. */
const entriesOf = (folder: Buffer): Promise<Dirent<Buffer>[]> => readdir(folder, { encoding: 'buffer', withFileTypes: true });

const within = (folder: Buffer, name: Uint8Array): Buffer => Buffer.concat([folder, Buffer.from('/'), name]);

async function unlessGone<T>(doing: Promise<T>): Promise<T | undefined> {
  return await doing.catch((reason: NodeJS.ErrnoException) => {
    if (reason.code === 'ENOENT') return undefined;
    throw reason;
  });
}

const mounted = (path: string): DriverError =>
  new DriverError(
    'Busy',
    `${path} is a mount, in a directory that is to be emptied: unmount it first, as what is mounted there is somebody's`,
  );

/** A part of the same file system that is mounted in it looks like a folder of it. */
async function mustHaveNoMounts(location: string): Promise<void> {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').map((line) => unescaped(line.split(' ')[4] ?? ''));
  // The kernel tells where links lead.
  const real = (await unlessGone(realpath(location))) ?? location;
  const inside = mounts.find((place) => place === real || place.startsWith(`${real}/`));
  if (inside !== undefined) throw mounted(inside);
}

/** As the kernel writes blanks and the like: in octal. */
const unescaped = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
