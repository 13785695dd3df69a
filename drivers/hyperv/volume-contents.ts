import type { Volume, VolumeId } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { Contents, Range } from './contents.js';
import { checkDiskFile } from './disk-file.js';
import type { HypervPools } from './pools.js';
import { filledPath, isPlaceholder } from './volume.js';

/** What is in the files of volumes. A volume that is to be filled keeps its name by an empty disk, which goes when its own file is whole. */
export class VolumeContents {
  readonly #pools: HypervPools;
  readonly #contents: Contents;

  constructor(pools: HypervPools, contents: Contents) {
    this.#pools = pools;
    this.#contents = contents;
  }

  /** @throws DriverError Unsupported for a folder whose files are not reached */
  check(nativeName: string, folder: string): void {
    const why = this.#contents.refusal(folder);
    if (why !== undefined) throw new DriverError('Unsupported', `volume "${nativeName}": nothing is uploaded to it or downloaded: ${why}`);
  }

  /** That what is to fill a volume can be brought there; else it is known before anything is fetched. @throws DriverError as `check`, and as the server answers */
  async reach(nativeName: string, path: string, signal: AbortSignal): Promise<void> {
    this.check(nativeName, path);
    await this.#contents.reach(path, signal);
  }

  async upload({ id, location, format }: Volume, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    this.check(id.nativeName, location);
    const path = filledPath(location);
    const check = format === 'Vhdx' || format === 'Vhd' ? format : undefined;
    await this.#contents.write(path, content, signal, async (file) => {
      if (check !== undefined) await checkDiskFile(id.nativeName, check, file);
    });
    await this.#replaced(id, location, signal);
  }

  async *download({ id, location }: Volume, range: Range, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    this.check(id.nativeName, location);
    if (!isPlaceholder(location)) yield* this.#contents.read(location, range, signal);
  }

  /** Of a Raw one: zeros follow what is there. */
  async extend({ id, location }: Volume, sizeBytes: number, signal: AbortSignal): Promise<void> {
    this.check(id.nativeName, location);
    const path = filledPath(location);
    if (path !== location) await this.#make(path, signal);
    await this.#contents.extend(path, sizeBytes, signal);
    await this.#replaced(id, location, signal);
  }

  /** An empty file. */
  async #make(path: string, signal: AbortSignal): Promise<void> {
    await this.#contents.write(path, nothing(), signal);
  }

  async #replaced({ pool }: VolumeId, location: string, signal: AbortSignal): Promise<void> {
    if (isPlaceholder(location)) await this.#pools.remove(pool, location, signal);
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
