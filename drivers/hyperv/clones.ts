import type { VolumeId } from '#drivers/driver.js';
import { DriverError, isAnswer } from '#drivers/error.js';
import { formatOf } from './devices.js';
import type { StoredFile } from './files.js';
import type { KnownDisks } from './known-disks.js';
import type { HypervPools } from './pools.js';
import { filesOf, isCheckpointOf, isDisk, isMissing, isSized, namesNoBase } from './volume.js';
import type { Disk } from './wmi/image-service.js';

/** What is kept as differences from a disk, beside it in its folder, and is nothing without it as it was. */
export class Clones {
  readonly #pools: HypervPools;
  readonly #disks: KnownDisks;

  constructor(pools: HypervPools, disks: KnownDisks) {
    this.#pools = pools;
    this.#disks = disks;
  }

  /** @throws DriverError Conflict, or Busy where a disk does not tell */
  async checkAlone(id: VolumeId, signal: AbortSignal): Promise<void> {
    await this.checkMerged(id, signal);
    const files = await this.#pools.files(id.pool, signal);
    const [own] = filesOf(id.pool, id.nativeName, files);
    if (own === undefined) return;
    for (const file of files.filter(({ name, path }) => isDisk(name) && isSized(name) && path !== own.path)) {
      const disk = await this.#told(id, own, file, signal);
      if (isBase(own, disk))
        throw new DriverError('Conflict', `volume "${id.nativeName}" has a linked clone (${file.path}); delete that first`);
    }
  }

  /** Checkpoints put their files beside the disk's. @throws DriverError Conflict */
  async checkMerged({ pool, nativeName }: VolumeId, signal: AbortSignal): Promise<void> {
    const files = await this.#pools.files(pool, signal);
    const checkpoint = files.find(({ name }) => isCheckpointOf(name, nativeName));
    if (checkpoint === undefined) return;
    throw new DriverError(
      'Conflict',
      `volume "${nativeName}" has a checkpoint (${checkpoint.path}); delete the machine's checkpoints first, and wait until they are merged`,
    );
  }

  /** Undefined for what is gone, and for what can be no clone. @throws DriverError as `untold` */
  async #told(id: VolumeId, own: StoredFile, file: StoredFile, signal: AbortSignal): Promise<Disk | undefined> {
    return this.#disks.current(file, signal).catch(async (cause) => {
      if (!isAnswer(cause)) throw cause;
      if (cause.code === 'NotFound' && isMissing(file, await this.#pools.files(id.pool, signal))) return undefined;
      const last = this.#disks.last(file);
      if (cause.code === 'Invalid' && !isBase(own, last) && (last !== undefined || (await this.#isNone(own, file, signal))))
        return undefined;
      throw untold(id, file, isBase(own, last), cause);
    });
  }

  /** Of a broken file that was never read. What is broken itself is nobody's base as it is: two such disks would hold each other for ever. */
  async #isNone(own: StoredFile, file: StoredFile, signal: AbortSignal): Promise<boolean> {
    if (namesNoBase(file) || formatOf(own.name) !== formatOf(file.name)) return true;
    return this.#disks.current(own, signal).then(
      () => false,
      (reason) => reason instanceof DriverError && reason.code === 'Invalid',
    );
  }
}

const isBase = ({ path }: StoredFile, clone: Disk | undefined): boolean => clone?.parent?.toLowerCase() === path;

/** A disk that is broken may be mended as long as its base is there. Conflict where it was seen to be a clone, or else Busy. */
function untold({ nativeName }: VolumeId, { path }: StoredFile, wasClone: boolean, cause: DriverError): DriverError {
  const why = `${cause.message}; ${remedyOf(cause)}`;
  if (wasClone)
    return new DriverError('Conflict', `volume "${nativeName}" has a linked clone (${path}), which cannot be read now: ${why}`, { cause });
  return new DriverError('Busy', `volume "${nativeName}": ${path} does not tell whether it is a linked clone of it: ${why}`, { cause });
}

/** Of what else keeps the host from reading it, its own words say more. */
const remedyOf = ({ code }: DriverError): string =>
  ['Invalid', 'NotFound', 'Conflict'].includes(code)
    ? 'it is broken, or the host does not reach its base: mend it (Set-VHD -ParentPath, where its base was moved), or move it out of the folder'
    : 'it has to be readable first, or out of the folder';
