import { randomUUID } from 'node:crypto';
import { readdirSync, statfsSync, statSync } from 'node:fs';
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { codes, Refusal } from '../cim/codes.js';
import type { Image, Layout } from './image.js';
import { layVhd, readVhd } from './vhd.js';
import { layVhdx, readVhdx, vhdxBlockBytes, vhdxHead, vhdxMetadataAt } from './vhdx.js';

export type NewImage = Pick<Image, 'format' | 'type' | 'sizeBytes' | 'parent'> & Partial<Pick<Image, 'blockBytes'>>;

export interface StoredFile {
  /** As Windows writes it. */
  readonly path: string;
  /** Its length, and what it takes, in bytes. */
  readonly fileBytes: number;
  readonly allocatedBytes: number;
  readonly modified: Date;
}

/** In bytes. */
export interface Room {
  readonly capacity: number;
  readonly free: number;
}

const lowest = 3 * 2 ** 20;
/** In bytes; MS-VHDX and the VHD specification. */
const largest = { VHD: 2040 * 2 ** 30, VHDX: 64 * 2 ** 40 } as const;

/** The host's drives, as real files in a folder: `C:\vms\a.vhdx` is `<folder>/C/vms/a.vhdx`, in whatever case it is asked for. */
export class Store {
  readonly folder: string;
  /** Whether who asks is handed on to file servers: over NTLM, and over Kerberos without delegation, Windows does not. */
  isHandedOn = true;
  /** Whether there is no room left on any drive. */
  isFull = false;
  /** Parents of differencing disks: by the child's path in lower case. */
  readonly #parents = new Map<string, string>();
  /** Files that take all of their length, in bytes, though they are sparse here. */
  readonly #full = new Map<string, number>();

  constructor(folder: string) {
    this.folder = folder;
  }

  async exists(path: string): Promise<boolean> {
    return (await this.#find(path)) !== undefined;
  }

  async file(path: string): Promise<StoredFile | undefined> {
    const found = await this.#find(path);
    if (found === undefined) return undefined;
    const { size, blocks, mtime } = await stat(found);
    return { path, fileBytes: size, allocatedBytes: this.#full.get(path.toLowerCase()) ?? blocks * 512, modified: mtime };
  }

  /** Every file there is, as WMI lists them. */
  all(): readonly StoredFile[] {
    const entries = readdirSync(this.folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    return entries.map((entry) => {
      const place = join(entry.parentPath, entry.name);
      const { size, blocks, mtime } = statSync(place);
      return { path: windowsPath(relative(this.folder, place)), fileBytes: size, allocatedBytes: blocks * 512, modified: mtime };
    });
  }

  /** @throws Refusal when there is one already, its folder is not there, or it cannot be so */
  async create(path: string, wanted: NewImage): Promise<Image> {
    const place = await this.#newPlace(path);
    const parent = wanted.parent === undefined ? undefined : await this.image(wanted.parent);
    const image: Image = {
      ...wanted,
      sizeBytes: parent?.sizeBytes ?? checkedSize(wanted),
      blockBytes: wanted.blockBytes ?? (wanted.format === 'VHD' ? 2 * 2 ** 20 : vhdxBlockBytes),
      logicalSector: 512,
      physicalSector: wanted.format === 'VHD' ? 512 : 4096,
      id: randomUUID().toUpperCase(),
    };
    await this.#lay(path, place, image, parent?.id);
    if (wanted.parent !== undefined) this.#parents.set(path.toLowerCase(), wanted.parent);
    return image;
  }

  /** An empty file of any other kind, e.g. an ISO image. */
  async touch(path: string, bytes = Buffer.alloc(2048)): Promise<void> {
    await this.makeFolder(path.slice(0, path.lastIndexOf('\\')));
    await write(await this.#newPlace(path), { pieces: [{ at: 0, bytes }], length: bytes.length });
  }

  /** @throws Refusal when it is not there, or is no virtual disk */
  async image(path: string): Promise<Image> {
    const found = await this.#find(path);
    if (found === undefined) throw new Refusal(codes.fileNotFound, `The system cannot find the file specified: '${path}'.`);
    const parent = this.#parents.get(path.toLowerCase());
    const image = (await readStart(found)) ?? (await readTail(found));
    if (image === undefined) throw new Refusal(codes.incorrectData, `The file or directory is corrupted and unreadable: '${path}'.`);
    return parent === undefined ? image : { ...image, parent };
  }

  /** Keeps nothing of what was written; that nobody writes here. */
  async resize(path: string, sizeBytes: number): Promise<void> {
    const image = await this.image(path);
    // Of a VHDX the end is cut off where nothing is written there; here nothing ever is.
    if (sizeBytes < image.sizeBytes && image.format === 'VHD')
      throw new Refusal(codes.invalidParameter, 'A virtual hard disk that holds data cannot be made smaller.');
    const place = await this.#find(path);
    if (image.format === 'VHD' && image.type === 'Differencing')
      throw new Refusal(codes.notSupported, 'A differencing virtual hard disk of the format VHD has the size of its parent.');
    const grown = { ...image, sizeBytes: checkedSize({ ...image, sizeBytes }) };
    const parent = image.parent === undefined ? undefined : await this.image(image.parent);
    if (place !== undefined) await this.#lay(path, place, grown, image.format === 'VHD' ? undefined : parent?.id);
  }

  /** A fixed disk takes its room at once. @throws Refusal when there is not as much */
  async #lay(path: string, place: string, image: Image, parentId: string | undefined): Promise<void> {
    const layout = image.format === 'VHD' ? layVhd(image, parentId) : layVhdx(image, parentId);
    const more = image.type === 'Fixed' ? layout.length - (this.#full.get(path.toLowerCase()) ?? 0) : 0;
    if (more > this.room().free) throw new Refusal(codes.failed, 'There is not enough space on the disk. (0x80070070)');
    await write(place, layout);
    if (image.type === 'Fixed') this.#full.set(path.toLowerCase(), layout.length);
  }

  /** A differencing disk and what it is over, down to the bottom. */
  chain(path: string): readonly string[] {
    const parent = this.#parents.get(path.toLowerCase());
    return parent === undefined ? [path] : [path, ...this.chain(parent)];
  }

  /** A differencing disk is one over another now. */
  async reparent(path: string, parent: string): Promise<void> {
    const [image, place, { id }] = [await this.image(path), await this.#find(path), await this.image(parent)];
    this.#parents.set(path.toLowerCase(), parent);
    if (place !== undefined) await this.#lay(path, place, { ...image, parent }, id);
  }

  async delete(path: string): Promise<boolean> {
    const found = await this.#find(path);
    if (found === undefined) return false;
    await rm(found);
    this.#parents.delete(path.toLowerCase());
    this.#full.delete(path.toLowerCase());
    return true;
  }

  /** Windows has no two folders whose names differ in case alone. */
  async makeFolder(path: string): Promise<void> {
    let at = this.folder;
    for (const part of partsOf(path)) {
      const names = await readdir(at);
      at = join(at, names.find((each) => each.toLowerCase() === part.toLowerCase()) ?? part);
      await mkdir(at, { recursive: true });
    }
  }

  /** Without what is taken in full. A test may give it numbers: others write to this machine's disk, too. */
  disk(): Room {
    const { bsize, blocks, bavail } = statfsSync(this.folder);
    return { capacity: bsize * blocks, free: bsize * bavail };
  }

  room(): Room {
    const { capacity, free } = this.disk();
    const taken = [...this.#full.values()].reduce((sum, bytes) => sum + bytes, 0);
    return { capacity, free: this.isFull ? 0 : Math.max(0, free - taken) };
  }

  /** Of the drives that there are. */
  letters(): readonly string[] {
    return readdirSync(this.folder).filter((name) => /^[a-z]$/i.test(name));
  }

  /** Every folder there is but the roots, as WMI lists them. */
  folders(): readonly string[] {
    const entries = readdirSync(this.folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isDirectory());
    const places = entries.map((entry) => relative(this.folder, join(entry.parentPath, entry.name)));
    return places.filter((place) => place.includes('/')).map(windowsPath);
  }

  async #newPlace(path: string): Promise<string> {
    if ((await this.#find(path)) !== undefined) throw new Refusal(codes.failed, `The file exists: '${path}'.`);
    const folder = await this.#find(path.slice(0, path.lastIndexOf('\\')));
    if (folder === undefined) throw new Refusal(codes.fileNotFound, `The system cannot find the path specified: '${path}'.`);
    return join(folder, path.slice(path.lastIndexOf('\\') + 1));
  }

  async #find(path: string): Promise<string | undefined> {
    if (path.startsWith('\\\\') && !this.isHandedOn)
      throw new Refusal(codes.failed, `General access denied error: '${path}'. (0x80070005)`);
    let at = this.folder;
    for (const part of partsOf(path)) {
      const names = await readdir(at).catch(() => []);
      const name = names.find((each) => each.toLowerCase() === part.toLowerCase());
      if (name === undefined) return undefined;
      at = join(at, name);
    }
    return at;
  }
}

/** `C/vms/a.vhdx` as Windows writes it. */
function windowsPath(place: string): string {
  const [first = '', ...parts] = place.split('/');
  return first === 'UNC' ? `\\\\${parts.join('\\')}` : [`${first}:`, ...parts].join('\\');
}

/** @throws Refusal for what is no absolute path, or leads out of the folder */
function partsOf(path: string): readonly string[] {
  const [, drive, share, rest = ''] = /^(?:([A-Za-z]):|\\\\([^\\?.][^\\]*\\[^\\]+))(?:\\(.*))?$/s.exec(path) ?? [];
  const parts = rest.split('\\').filter((part) => part !== '');
  const isBad = parts.some((part) => /^\.+$/.test(part) || /[/<>:"|?*\p{Cc}]/u.test(part));
  if ((drive === undefined && share === undefined) || isBad)
    throw new Refusal(codes.invalidParameter, `The filename, directory name, or volume label syntax is incorrect: '${path}'.`);
  return [...(drive === undefined ? ['UNC', ...(share ?? '').split('\\')] : [drive.toUpperCase()]), ...parts];
}

function checkedSize({ format, sizeBytes }: Pick<Image, 'format' | 'sizeBytes'>): number {
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < lowest || sizeBytes > largest[format] || sizeBytes % 512 !== 0)
    throw new Refusal(codes.invalidParameter, `A ${format} cannot be ${sizeBytes} bytes large.`);
  return sizeBytes;
}

async function write(path: string, { pieces, length }: Layout): Promise<void> {
  await using file = await open(path, 'w');
  for (const { at, bytes } of pieces) await file.write(bytes, 0, bytes.length, at);
  await file.truncate(length);
}

async function readStart(path: string): Promise<Image | undefined> {
  await using file = await open(path);
  const part = async (at: number) => {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(vhdxHead), 0, vhdxHead, at);
    return buffer.subarray(0, bytesRead);
  };
  const at = vhdxMetadataAt(await part(0));
  return at === undefined ? undefined : readVhdx(await part(at));
}

async function readTail(path: string): Promise<Image | undefined> {
  await using file = await open(path);
  const { size } = await file.stat();
  if (size < 512) return undefined;
  return readVhd((await file.read(Buffer.alloc(512), 0, 512, size - 512)).buffer);
}
