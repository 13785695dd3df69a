import { createHash } from 'node:crypto';
import type { Pool, PoolDefinition, PoolId, Pools } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { Disk, HostFiles } from './files.js';
import type { Inventory } from './inventory.js';
import { machineServiceSettings } from './wmi/classes.js';

/** Windows' own, in which nobody looks for disks. */
const notForDisks = ['windows', 'program files', 'program files (x86)', 'programdata', 'users', 'perflogs', 'boot', 'efi', 'recovery'];

/**
 * Folders that are there, directly below the roots of the host's drives, and the one that Hyper-V itself puts disks in, wherever that is: WMI
 * makes none. Their names are told in lower case.
 */
export class HypervPools implements Pools {
  readonly #inventory: Inventory;
  readonly #files: HostFiles;

  constructor(inventory: Inventory, files: HostFiles) {
    this.#inventory = inventory;
    this.#files = files;
  }

  async list(signal: AbortSignal): Promise<readonly Pool[]> {
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
    const [settings] = await this.#inventory.wmi.find(machineServiceSettings, {}, signal);
    const path = settings?.common.DefaultVirtualHardDiskPath?.toLowerCase().replace(/\\+$/, '');
    if (path === undefined || !/^[a-z]:\\[^/]+$/.test(path)) return undefined;
    return (await this.#files.isFolder(path, signal)) ? path : undefined;
  }

  /** The path of a pool. @throws DriverError NotFound */
  async path(id: PoolId, signal: AbortSignal): Promise<string> {
    const folders = /^[a-z]:\\[^\\]+$/.test(id) ? await this.#files.folders(id.slice(0, 2), signal) : [];
    if (!folders.includes(id) && id !== (await this.#usual(signal)))
      throw new DriverError('NotFound', `there is no folder "${id}" on the host`);
    return id;
  }

  async define({ nativeName }: PoolDefinition, _signal: AbortSignal): Promise<PoolId> {
    throw unsupported(nativeName);
  }

  async start(id: PoolId, _signal: AbortSignal): Promise<void> {
    throw unsupported(id);
  }

  async undefine(id: PoolId, _signal: AbortSignal): Promise<void> {
    throw unsupported(id);
  }

  #poolOf(path: string, { sizeBytes, freeBytes }: Disk): Pool {
    return {
      id: path as PoolId,
      uuid: uuidOf(path),
      nativeName: path,
      active: true,
      path,
      formats: this.#inventory.limits.formats,
      can: ['create', 'delete', 'grow'],
      capacityBytes: sizeBytes,
      allocationBytes: sizeBytes - freeBytes,
      availableBytes: freeBytes,
    };
  }
}

const isForDisks = (path: string): boolean => !notForDisks.includes(path.slice(path.lastIndexOf('\\') + 1));

/** A folder has none: one that is the same whenever it is asked for. */
function uuidOf(path: string): string {
  const digits = createHash('sha256').update(path).digest('hex');
  return [digits.slice(0, 8), digits.slice(8, 12), `8${digits.slice(13, 16)}`, `8${digits.slice(17, 20)}`, digits.slice(20, 32)].join('-');
}

function unsupported(which: string): DriverError {
  return new DriverError(
    'Unsupported',
    `pool "${which}": folders are neither made nor unmade here; accepted: one that exists directly below a drive's root, or the one that Hyper-V puts disks in, in lower case, as "d:\\hyper-v"`,
  );
}
