import type { MachineSeed } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { type Contents, partOf } from './contents.js';
import type { HostFiles } from './files.js';
import type { HeldSeed } from './notes.js';
import { discName, isDiscOf, isOnDisc, nameIn, seedField } from './seed-disc.js';
import { usualFolder } from './wmi/usual-folder.js';
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

  /** Where its file is, or is to be: one that is noted stays in its folder. @throws DriverError Unsupported */
  async fileFor(uuid: string, seed: MachineSeed, held: HeldSeed | undefined, signal: AbortSignal): Promise<string> {
    const name = discName(uuid, seed);
    const noted = held?.files?.find((file) => nameIn(file) === name);
    if (noted !== undefined) return noted;
    const folder = await usualFolder(this.#wmi, signal);
    if (folder !== undefined) return `${folder}\\${name}`;
    throw new DriverError(
      'Unsupported',
      `${seedField(seed.kind)} was given; its disc goes where the host puts disks, which is on none of its own drives; accepted: a folder of one (Set-VMHost -VirtualHardDiskPath)`,
    );
  }

  async has(file: string, { length }: Uint8Array, signal: AbortSignal): Promise<boolean> {
    return (await this.#files.sizeOf(file, signal)) === length;
  }

  async write(file: string, { kind }: MachineSeed, content: Uint8Array, signal: AbortSignal): Promise<void> {
    await this.#contents.write(file, once(content), signal).catch((cause) => {
      const { code, message } = DriverError.from(cause);
      // The host itself answers, and is not to be taken for one that is lost.
      const told = code === 'Unavailable' || code === 'TimedOut' ? 'Busy' : code;
      throw new DriverError(told, `${seedField(kind)}: its disc is not written: ${message}`, { cause });
    });
  }

  /** With what an end midway left of it. */
  async remove(uuid: string, files: readonly string[], signal: AbortSignal): Promise<void> {
    for (const file of files.filter((each) => isDiscOf(uuid, each)))
      for (const each of [file, partOf(file)]) await this.#files.delete(each, signal);
  }
}

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}
