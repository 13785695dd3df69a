import type { MachineSeed } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { Contents } from './contents.js';
import { discRights } from './disc-rights.js';
import type { HostFiles } from './files.js';
import type { HeldSeed } from './notes.js';
import { discName, folderIn, isInSeriesOf, isOnDisc, nameIn, seedField } from './seed-disc.js';
import { usualPath } from './wmi/usual-folder.js';
import type { Wmi } from './wmi/wmi.js';

/** Files with what guests are told: written by SMB, looked at and deleted by WMI, which needs nothing else for that. */
export class SeedDiscs {
  readonly #wmi: Wmi;
  readonly #files: HostFiles;
  readonly #contents: Contents;

  constructor(wmi: Wmi, files: HostFiles, contents: Contents) {
    this.#wmi = wmi;
    this.#files = files;
    this.#contents = contents;
  }

  /** Why none can be written, and what helps. */
  get refusal(): string | undefined {
    return this.#contents.refusal();
  }

  /** @throws DriverError Unsupported */
  check(seed: MachineSeed | undefined): void {
    const { refusal } = this;
    if (seed?.content === undefined || !isOnDisc(seed.kind) || refusal === undefined) return;
    throw new DriverError(
      'Unsupported',
      `${seedField(seed.kind)} was given, and its disc is not written: ${refusal}; or leave it out, and take an image that has it inside`,
    );
  }

  /** Whether there is a place for it. @throws DriverError Unsupported */
  async checkFolder(uuid: string, seed: MachineSeed | undefined, held: HeldSeed | undefined, signal: AbortSignal): Promise<void> {
    if (seed?.content !== undefined && isOnDisc(seed.kind)) await this.fileFor(uuid, seed, held, signal);
  }

  /** Where its file is, or is to be: one that is noted stays in its folder as long as there is that. @throws DriverError Unsupported */
  async fileFor(uuid: string, seed: MachineSeed, held: HeldSeed | undefined, signal: AbortSignal): Promise<string> {
    const name = discName(uuid, seed);
    const noted = held?.files?.find((file) => nameIn(file) === name);
    if (noted !== undefined && (await this.#isFolder(folderIn(noted), signal))) return noted;
    const { path, folder } = await this.#folder(signal);
    if (folder !== undefined) return `${folder}\\${name}`;
    throw new DriverError(
      'Unsupported',
      `${seedField(seed.kind)} was given; its disc goes where the host puts disks, which is ${JSON.stringify(path ?? '')}; accepted: a folder on a drive of its own with a letter, as D:\\Disks (Set-VMHost -VirtualHardDiskPath)`,
    );
  }

  async isThere(file: string, signal: AbortSignal): Promise<boolean> {
    return (await this.#files.sizeOf(file, signal)) !== undefined;
  }

  async has(file: string, { length }: Uint8Array, signal: AbortSignal): Promise<boolean> {
    return (await this.#files.sizeOf(file, signal)) === length;
  }

  async write(file: string, { kind }: MachineSeed, content: Uint8Array, signal: AbortSignal): Promise<void> {
    await this.#contents.writeFor(file, discRights, once(content), signal).catch((cause) => {
      const { code, message } = DriverError.from(cause);
      // The host itself answers, and is not to be taken for one that is lost.
      const told = code === 'Unavailable' || code === 'TimedOut' ? 'Busy' : code;
      const helps = code === 'Unsupported' ? "; put the host's disks on NTFS or ReFS (Set-VMHost -VirtualHardDiskPath)" : '';
      throw new DriverError(told, `${seedField(kind)}: its disc is not written: ${message}${helps}`, { cause });
    });
  }

  /** All of a machine's but those that stay, in the folders of those that are noted and where new ones come; so that none stays for ever of which notes tell no more. */
  async clear(uuid: string, noted: readonly string[], kept: readonly string[], signal: AbortSignal): Promise<void> {
    const usual = await this.#folder(signal);
    const folders = new Set([...(usual.folder === undefined ? [] : [usual.folder]), ...noted.map(folderIn)]);
    for (const folder of folders)
      for (const { path } of await this.#files.files(folder, signal))
        if (isInSeriesOf(uuid, path) && !kept.includes(path)) await this.#files.delete(path, signal);
  }

  /** A root, which is told without its backslash, is there with its drive. */
  async #isFolder(path: string, signal: AbortSignal): Promise<boolean> {
    if (!/^[a-z]:$/.test(path)) return this.#files.isFolder(path, signal);
    return (await this.#files.disks(signal)).some(({ letter }) => letter === path);
  }

  /** A root is told without its backslash. */
  async #folder(signal: AbortSignal): Promise<{ readonly path: string | undefined; readonly folder: string | undefined }> {
    const path = await usualPath(this.#wmi, signal);
    return { path, folder: path !== undefined && /^[a-z]:(\\[^/]+)?$/.test(path) ? path : undefined };
  }
}

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}
