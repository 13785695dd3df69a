import { chmod, chown, lchown, link, lstat, mkdir, open, symlink, unlink, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path/posix';
import { DriverError } from '#drivers/error.js';
import { readTar, type TarEntry } from './tar.js';

export interface UidMap {
  /** Who 0 in the archive is here. */
  readonly first: number;
  readonly count: number;
}

const mostMade = 1_000_000;
const mostPathBytes = 4_096;
const mostDepth = 128;
/** Those known to be directories are asked for again when there are more. */
const mostRemembered = 10_000;

/**
 * Puts what is in a tar archive into a directory that is there, and nowhere else: no entry names a place outside, and no link is followed. Owners
 * are those of the map. Devices and pipes are left out: a container has those of its host's driver.
 * @throws DriverError Invalid for an archive that would leave the directory, or is none
 */
export async function extractTar(archive: AsyncIterable<Uint8Array>, directory: string, map: UidMap): Promise<void> {
  const extraction = new Extraction(directory, map);
  for await (const entry of readTar(archive)) await extraction.put(entry);
}

const refused = (path: string, why: string): DriverError =>
  new DriverError('Invalid', `the archive's ${JSON.stringify(path.slice(0, 200))} is refused: ${why}`);

class Extraction {
  readonly #directory: string;
  readonly #map: UidMap;
  /** Those known to be directories and no links: what is one stays one. */
  readonly #real = new Set<string>(['']);
  #made = 0;

  constructor(directory: string, map: UidMap) {
    this.#directory = directory;
    this.#map = map;
  }

  async put(entry: TarEntry): Promise<void> {
    const path = within(entry.path);
    this.#count(entry.path);
    if (entry.attribute !== undefined)
      throw refused(
        entry.path,
        `it has the extended attribute ${entry.attribute}, which would be lost; pack it with --no-xattrs and --no-acls`,
      );
    if (path !== '') await this.#mustBeReal(dirname(path), entry.path);
    switch (entry.kind) {
      case 'directory':
        return this.#putDirectory(path, entry);
      case 'file':
        return this.#putFile(path, entry);
      case 'symbolicLink':
        return this.#putLink(path, entry);
      case 'hardLink':
        return this.#putHardLink(path, entry);
      case 'device':
      case 'fifo':
        return undefined;
      default:
        throw refused(entry.path, 'it is of a kind that is not known here; pack it with GNU or POSIX tar, without sparse files');
    }
  }

  /** Also of what no entry names, as the folders above one. */
  #count(path: string): void {
    this.#made += 1;
    if (this.#made > mostMade) throw refused(path, `more than ${mostMade} files and folders would be made`);
  }

  #remember(path: string): void {
    if (this.#real.size > mostRemembered) this.#real.clear();
    this.#real.add('').add(path);
  }

  #at(path: string): string {
    return join(this.#directory, path);
  }

  /** Also those that the archive does not name. */
  async #mustBeReal(path: string, asked: string): Promise<void> {
    const known = path === '.' ? '' : path;
    if (this.#real.has(known)) return;
    await this.#mustBeReal(dirname(known), asked);
    const found = await kindAt(this.#at(known));
    if (found === undefined) this.#count(asked);
    if (found === undefined) await this.#makeDirectory(known, { mode: 0o755, uid: 0, gid: 0 });
    else if (found !== 'directory') throw refused(asked, `${JSON.stringify(known)} is no directory`);
    this.#remember(known);
  }

  async #makeDirectory(path: string, { mode, uid, gid }: Pick<TarEntry, 'mode' | 'uid' | 'gid'>): Promise<void> {
    await mkdir(this.#at(path), { mode: 0o700 });
    await this.#own(path, { mode, uid, gid });
  }

  async #own(path: string, { mode, uid, gid }: Pick<TarEntry, 'mode' | 'uid' | 'gid'>): Promise<void> {
    await chown(this.#at(path), this.#mapped(path, uid), this.#mapped(path, gid));
    // After the owner: a change of that takes the bits above away.
    await chmod(this.#at(path), mode);
  }

  #mapped(path: string, id: number): number {
    if (Number.isSafeInteger(id) && id >= 0 && id < this.#map.count) return this.#map.first + id;
    throw refused(path, `it belongs to ${id}, and users and groups of a container are 0 to ${this.#map.count - 1}`);
  }

  async #putDirectory(path: string, entry: TarEntry): Promise<void> {
    const found = await kindAt(this.#at(path));
    if (found !== undefined && found !== 'directory') throw refused(entry.path, 'it is there already, and no directory');
    if (found === undefined) await this.#makeDirectory(path, entry);
    // By its owner the volume's own folder is known to be one.
    else await this.#own(path, path === '' ? { ...entry, uid: 0, gid: 0 } : entry);
    this.#remember(path);
  }

  async #putFile(path: string, entry: TarEntry): Promise<void> {
    await this.#makeRoom(path, entry.path);
    await using file = await open(this.#at(path), 'wx', 0o600);
    for await (const chunk of entry.content) await file.writeFile(chunk);
    await file.chown(this.#mapped(path, entry.uid), this.#mapped(path, entry.gid));
    await file.chmod(entry.mode);
    await utimes(this.#at(path), entry.modified, entry.modified);
  }

  /** Where it leads to is the container's affair, which sees no more than its root. */
  async #putLink(path: string, entry: TarEntry): Promise<void> {
    if (entry.target === '' || entry.target.includes('\0') || Buffer.byteLength(entry.target) > mostPathBytes)
      throw refused(entry.path, 'it is a link to nothing');
    mustBeText(entry.target, entry.path);
    await this.#makeRoom(path, entry.path);
    await symlink(entry.target, this.#at(path));
    await lchown(this.#at(path), this.#mapped(path, entry.uid), this.#mapped(path, entry.gid));
  }

  async #putHardLink(path: string, entry: TarEntry): Promise<void> {
    const target = within(entry.target);
    await this.#mustBeReal(dirname(target), entry.path);
    const found = await kindAt(this.#at(target));
    if (found !== 'file' && found !== 'link')
      throw refused(entry.path, `it is another name of ${JSON.stringify(target)}, which is no file of it`);
    if (target === path) return;
    await this.#makeRoom(path, entry.path);
    await link(this.#at(target), this.#at(path));
  }

  /** A later entry of a name takes the place of an earlier one; a directory stays. */
  async #makeRoom(path: string, asked: string): Promise<void> {
    const found = await kindAt(this.#at(path));
    if (found === 'directory') throw refused(asked, 'it is a directory already');
    if (found !== undefined) await unlink(this.#at(path));
  }
}

/** What is not UTF-8 was read as this: two names could become one. */
function mustBeText(text: string, path: string): void {
  if (text.includes('\ufffd')) throw refused(path, 'a name in it is no UTF-8; rename it, or pack with names in UTF-8');
}

/** As it is within the root: `./a//b/` and `/a/b` are `a/b`. */
function within(path: string): string {
  mustBeText(path, path);
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw refused(path, '".." leads out of the directory');
  if (path.includes('\0') || Buffer.byteLength(path) > mostPathBytes) throw refused(path, `a path has at most ${mostPathBytes} bytes`);
  if (parts.length > mostDepth) throw refused(path, `a path has at most ${mostDepth} parts`);
  if (parts.some((part) => Buffer.byteLength(part) > 255)) throw refused(path, 'a name has at most 255 bytes');
  return parts.join('/');
}

async function kindAt(path: string): Promise<'directory' | 'file' | 'link' | 'other' | undefined> {
  const found = await lstat(path).catch((reason: NodeJS.ErrnoException) => {
    if (reason.code === 'ENOENT') return undefined;
    throw reason;
  });
  if (found === undefined) return undefined;
  return found.isDirectory() ? 'directory' : found.isFile() ? 'file' : found.isSymbolicLink() ? 'link' : 'other';
}
