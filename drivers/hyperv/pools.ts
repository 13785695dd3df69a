import { createHash } from 'node:crypto';
import type { Pool, PoolDefinition, PoolId, Pools } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { Disk, HostFiles, StoredFile } from './files.js';
import type { Inventory } from './inventory.js';
import { isForDisks } from './pool-path.js';
import type { PoolAbilities, SharePools } from './share-pools.js';
import { usualFolder } from './wmi/usual-folder.js';

/**
 * Folders that are there, directly below the roots of the host's drives, and the one that Hyper-V itself puts disks in, wherever that is: WMI
 * makes none. Their names are told in lower case.
 */
export class HypervPools implements Pools {
  readonly #inventory: Inventory;
  readonly #files: HostFiles;
  readonly #shares: SharePools;

  constructor(inventory: Inventory, files: HostFiles, shares: SharePools) {
    this.#inventory = inventory;
    this.#files = files;
    this.#shares = shares;
  }

  async list(signal: AbortSignal): Promise<readonly Pool[]> {
    const [folders, shares] = await Promise.all([this.#folders(signal), this.#shares.list((path) => this.#abilities(path), signal)]);
    return [...folders, ...shares];
  }

  /** What is in a pool. @throws DriverError NotFound */
  async files(id: PoolId, signal: AbortSignal): Promise<readonly StoredFile[]> {
    return isShare(id) ? this.#shares.folder(id).files(signal) : this.#files.files(await this.path(id, signal), signal);
  }

  /** Of a file of a pool, by its path. Gone already is success. @throws DriverError Busy or Denied */
  async remove(id: PoolId, file: string, signal: AbortSignal): Promise<void> {
    await (isShare(id) ? this.#shares.folder(id) : this.#files).delete(file, signal);
  }

  async #folders(signal: AbortSignal): Promise<readonly Pool[]> {
    const disks = await this.#files.disks(signal);
    const pools = await Promise.all(
      disks.map(async (disk) =>
        (await this.#files.folders(disk.letter, signal)).filter(isForDisks).map((path) => this.#poolOf(path, disk)),
      ),
    );
    const found = pools.flat();
    const usual = await this.#usual(signal);
    const disk = disks.find(({ letter }) => usual?.startsWith(`${letter}\\`) === true);
    if (usual === undefined || disk === undefined || found.some(({ path }) => path === usual)) return found;
    return [...found, this.#poolOf(usual, disk)];
  }

  /** What Hyper-V Manager offers for new disks, below Windows' own folders often. One on a share is none of ours. */
  async #usual(signal: AbortSignal): Promise<string | undefined> {
    const path = await usualFolder(this.#inventory.wmi, signal);
    return path !== undefined && (await this.#files.isFolder(path, signal)) ? path : undefined;
  }

  /** The path of a pool. @throws DriverError NotFound */
  async path(id: PoolId, signal: AbortSignal): Promise<string> {
    if (isShare(id)) this.#shares.folder(id);
    if (isShare(id)) return id;
    const folders = /^[a-z]:\\[^\\]+$/.test(id) ? await this.#files.folders(id.slice(0, 2), signal) : [];
    if (!folders.includes(id) && id !== (await this.#usual(signal)))
      throw new DriverError('NotFound', `there is no folder "${id}" on the host`);
    return id;
  }

  async define(definition: PoolDefinition, _signal: AbortSignal): Promise<PoolId> {
    if (definition.source.kind === 'smb' && !this.#inventory.limits.shares)
      throw new DriverError(
        'Unsupported',
        `pool "${definition.nativeName}": this Windows has no disks on SMB shares, as Server 2012 and newer do`,
      );
    return this.#shares.define(definition);
  }

  async start(id: PoolId, signal: AbortSignal): Promise<void> {
    if (!isShare(id)) throw unsupported(id);
    await this.#shares.start(id, signal);
  }

  async undefine(id: PoolId, _signal: AbortSignal): Promise<void> {
    if (!isShare(id)) throw unsupported(id);
    await this.#shares.undefine(id);
  }

  #abilities(path: string): PoolAbilities {
    const { limits, contents } = this.#inventory;
    const why = contents.refusal(path);
    if (why !== undefined) return { formats: limits.formats, can: ['create', 'delete', 'grow'], noStream: why };
    return { formats: [...limits.formats, 'Raw'], can: ['create', 'delete', 'grow', 'stream'] };
  }

  #poolOf(path: string, { sizeBytes, freeBytes }: Disk): Pool {
    return {
      id: path as PoolId,
      uuid: uuidOf(path),
      nativeName: path,
      active: true,
      path,
      ...this.#abilities(path),
      capacityBytes: sizeBytes,
      allocationBytes: sizeBytes - freeBytes,
      availableBytes: freeBytes,
    };
  }
}

const isShare = (id: PoolId): boolean => id.startsWith('\\\\');

/** A folder has none: one that is the same whenever it is asked for. */
function uuidOf(path: string): string {
  const digits = createHash('sha256').update(path).digest('hex');
  return [digits.slice(0, 8), digits.slice(8, 12), `8${digits.slice(13, 16)}`, `8${digits.slice(17, 20)}`, digits.slice(20, 32)].join('-');
}

function unsupported(which: string): DriverError {
  return new DriverError(
    'Unsupported',
    `pool "${which}": folders of the host are neither made nor unmade here, nor started; name it by existing`,
  );
}
