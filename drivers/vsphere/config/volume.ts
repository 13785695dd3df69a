import type { PoolId, Volume } from '#drivers/driver.js';
import { locationText } from './location.js';

/** Where our volumes are on a datastore: not in a machine's folder, which goes with the machine. */
export const folder = 'virtwright';
export const suffix = '.vmdk';
/** An empty volume is an empty folder: the API makes no empty file. */
export const placeholder = '';

/** Of a file in our folder. What is in a machine's own folder is the machine's. */
export const isVolume = (location: string | undefined): boolean => location?.includes(`] ${folder}/`) === true;

export interface StoredFile {
  /** Below our folder. */
  readonly path: string;
  readonly isFolder: boolean;
  readonly capacityKb?: number;
  readonly fileSize?: number;
}

export function pathOf(nativeName: string, ending: string): string {
  return `${folder}/${nativeName}${ending}`;
}

/** The volume that a file is; none for what is no disk. */
export function volumeOf(pool: PoolId, datastore: string, file: StoredFile): readonly Volume[] {
  const { path, isFolder, capacityKb = 0, fileSize = 0 } = file;
  if (!isFolder && !path.endsWith(suffix)) return [];
  const nativeName = isFolder ? path : path.slice(0, -suffix.length);
  const sizes = isFolder ? { sizeBytes: 0, allocationBytes: 0 } : { sizeBytes: capacityKb * 1024, allocationBytes: fileSize };
  const format = isFolder ? 'Raw' : 'Vmdk';
  return [{ id: { pool, nativeName }, location: locationText({ datastore, path: `${folder}/${path}` }), format, ...sizes }];
}

const bytesPerSector = 512;

/** How large the disk is that a descriptor is of, in KiB: the sum of its extents, such as `RW 8192 VMFS "db-flat.vmdk"`. */
export function capacityIn(descriptor: string): number | undefined {
  const extents = [...descriptor.matchAll(/^(?:RW|RDONLY|NOACCESS) (\d+) [A-Z0-9]+/gm)];
  const sectors = extents.reduce((sum, [, count]) => sum + Number(count), 0);
  return extents.length === 0 || !Number.isSafeInteger(sectors * bytesPerSector) ? undefined : (sectors * bytesPerSector) / 1024;
}
