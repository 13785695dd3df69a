import { type DriverError, isAnswer } from '#drivers/error.js';
import type { StoredFile } from './files.js';
import { isDisk } from './volume.js';
import type { Disk, ImageService } from './wmi/image-service.js';

interface Known {
  readonly fileBytes: number;
  readonly modified: string;
  readonly disk: Disk;
}

/** What the host told of virtual disks, as it takes a while to tell. A size changes as somebody resizes a disk, and a file as somebody puts another in its place. */
export class KnownDisks {
  readonly #images: ImageService;
  /** By path. */
  readonly #known = new Map<string, Known>();
  /** To be asked for again, each since a moment of its own: an answer that was asked for before then is an old one. */
  readonly #stale = new Map<string, symbol>();

  constructor(images: ImageService) {
    this.#images = images;
  }

  /** Those that were written to are asked for again. */
  refresh(files: readonly StoredFile[]): void {
    for (const file of files) if (isDisk(file.name) && !this.#isAsKnown(file)) this.mistrust(file.path);
  }

  /** Is asked for again, however long its file is. */
  mistrust(path: string): void {
    this.#stale.set(path, Symbol());
  }

  forget(path: string): void {
    this.#known.delete(path);
    this.#stale.delete(path);
  }

  /** As it was last seen where the host does not tell it now; why not, where it was never seen. Undefined for what is no virtual disk. */
  async asked(file: StoredFile, signal: AbortSignal): Promise<Disk | DriverError | undefined> {
    const { path, sizeBytes } = file;
    const known = this.#known.get(path);
    if (!isDisk(path) || (known?.fileBytes === sizeBytes && !this.#stale.has(path))) return known?.disk;
    return this.#look(file, signal).catch((reason) => {
      if (!isAnswer(reason)) throw reason;
      return known?.disk ?? reason;
    });
  }

  /** What was last told of it, which may be of another file by now. */
  last({ path }: StoredFile): Disk | undefined {
    return this.#known.get(path)?.disk;
  }

  /** As it is, whatever it was before: a file may be another one of the same length. @throws DriverError as the host answers */
  async current(file: StoredFile, signal: AbortSignal): Promise<Disk> {
    const known = this.#known.get(file.path);
    const isSame = known !== undefined && this.#isAsKnown(file) && !this.#stale.has(file.path);
    return isSame ? known.disk : this.#look(file, signal);
  }

  #isAsKnown({ path, sizeBytes, modified }: StoredFile): boolean {
    const known = this.#known.get(path);
    return modified !== '' && known?.modified === modified && known.fileBytes === sizeBytes;
  }

  async #look({ path, sizeBytes: fileBytes, modified }: StoredFile, signal: AbortSignal): Promise<Disk> {
    const since = this.#stale.get(path);
    const disk = await this.#images.look(path, signal);
    this.#known.set(path, { fileBytes, modified, disk });
    if (this.#stale.get(path) === since) this.#stale.delete(path);
    return disk;
  }
}
