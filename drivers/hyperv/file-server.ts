import { anyOf, within } from '#drivers/deadline.js';
import { DriverError } from '#drivers/error.js';
import type { Disk, HostFiles, StoredFile } from './files.js';

/** In milliseconds. Whoever looks at a host's stores does not wait for a server that is away as long as it would take by itself. */
const usualPatience = 10_000;

/** What a folder of a share is on the server that offers it. */
interface Local {
  readonly path: string;
  readonly disk: Disk;
}

/**
 * A folder of a share, by its UNC path. WMI shows files of a machine's own disks alone (`CIM_DataFile`: local fixed disks), so that the file server
 * is asked what is there, where Hyper-V's host would see nothing; the host makes disks there, and grows them.
 */
export class SharedFolder {
  readonly #share: string;
  readonly #rest: string;
  readonly #unc: string;
  readonly #server: string;
  readonly #files: HostFiles;
  readonly #patienceMs: number;
  #local: Local | undefined;

  /** `files` are the server's; `unc` is in lower case. */
  constructor(unc: string, files: HostFiles, patienceMs = usualPatience) {
    const [server = '', share = '', ...parts] = unc.slice(2).split('\\');
    this.#unc = unc;
    this.#server = server;
    this.#share = share;
    this.#rest = parts.map((part) => `\\${part}`).join('');
    this.#files = files;
    this.#patienceMs = patienceMs;
  }

  /** Its room. @throws DriverError NotFound where there is no such share, or no such folder in it */
  async look(signal: AbortSignal): Promise<Disk> {
    const found = await this.#asked((asking) => this.#find(asking), signal);
    this.#local = found;
    return found.disk;
  }

  /** As `HostFiles.files`, by their UNC paths. */
  async files(signal: AbortSignal): Promise<readonly StoredFile[]> {
    const { path } = await this.#there(signal);
    const found = await this.#asked((asking) => this.#files.files(path, asking), signal);
    return found.map((file) => ({ ...file, path: `${this.#unc}\\${file.name}` }));
  }

  /** As `HostFiles.delete`. */
  async delete(file: string, signal: AbortSignal): Promise<void> {
    const { path } = await this.#there(signal);
    await this.#asked((asking) => this.#files.delete(`${path}${file.slice(this.#unc.length)}`, asking), signal);
  }

  async #there(signal: AbortSignal): Promise<Local> {
    this.#local ??= await this.#asked((asking) => this.#find(asking), signal);
    return this.#local;
  }

  async #find(signal: AbortSignal): Promise<Local> {
    const shared = await this.#files.shared(this.#share, signal);
    if (shared === undefined) throw new DriverError('NotFound', `it shares nothing by the name "${this.#share}"; see Get-SmbShare there`);
    const path = `${shared}${this.#rest}`;
    const disk = (await this.#files.disks(signal)).find(({ letter }) => path.startsWith(letter));
    if (disk === undefined || path.slice(2).startsWith('\\clusterstorage\\'))
      throw new DriverError(
        'Unsupported',
        `"${path}" is on no drive of its own; accepted: a share of a folder on one, and no cluster's volume`,
      );
    if (this.#rest !== '' && !(await this.#files.isFolder(path, signal)))
      throw new DriverError('NotFound', `it has no folder "${path}"; make it, and let in there who makes disks`);
    return { path, disk };
  }

  /** Its words are not the host's; and it is asked no longer than somebody waits. */
  async #asked<T>(ask: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    const over = new AbortController();
    using asking = anyOf([signal, over.signal]);
    try {
      return await within(this.#patienceMs, this.#unc, ask(asking.signal), signal);
    } catch (reason) {
      const { code, message } = DriverError.from(reason);
      throw new DriverError(code, `file server "${this.#server}": ${message}`, { cause: reason });
    } finally {
      over.abort();
    }
  }
}
