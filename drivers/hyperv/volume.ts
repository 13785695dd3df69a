import type { PoolId, Volume } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { formatOf, isCheckpoint } from './devices.js';
import type { StoredFile } from './files.js';
import type { Disk } from './wmi/image-service.js';

type Format = 'Vhdx' | 'Vhd';

/** Of a file's name, in characters, which we take as bytes. */
const maxNameBytes = 255 - '.empty.vhdx'.length;
/** Of a virtual disk's size. */
const stepBytes = 4096;

export const fileOf = (nativeName: string, format: Format): string => `${nativeName}.${format.toLowerCase()}`;

/** Nothing but virtual disks can be made, so that the smallest of them is what keeps a name. */
export const placeholderOf = (nativeName: string, format: Format): string => fileOf(`${nativeName}.empty`, format);

/** A checkpoint's own files are none. */
export const isDisk = (path: string): boolean => /\.vhdx?$/.test(path);

/** Whether it has a size of its own, which is not the file's. */
export const isSized = (name: string): boolean => isDisk(name) && !/\.empty\.vhdx?$/.test(name);

/** As Hyper-V calls it: the disk's name and a GUID. */
export const isCheckpointOf = (file: string, nativeName: string): boolean =>
  isCheckpoint(file) &&
  file.startsWith(`${nativeName}_`) &&
  /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.avhdx?$/.test(file.slice(nativeName.length + 1));

/** A file as a volume: virtual disks, what keeps a name, and images of discs; undefined for all else. Without `disk` its size is the file's. */
export function volumeOf(pool: PoolId, { path, name, sizeBytes }: StoredFile, disk: Disk | undefined): Volume | undefined {
  const nativeName = name.replace(/(\.empty)?\.vhdx?$/, '');
  const is = { location: path, allocationBytes: disk?.fileBytes ?? sizeBytes };
  if (/\.iso$/.test(name)) return { ...is, id: { pool, nativeName: name }, format: 'Raw', sizeBytes };
  if (!isDisk(name) || nativeName === '') return undefined;
  if (/\.empty\.vhdx?$/.test(name)) return { ...is, id: { pool, nativeName }, format: 'Raw', sizeBytes: 0 };
  const base = disk?.parent === undefined ? {} : { base: disk.parent.toLowerCase() };
  const taken = disk?.type === 'Fixed' ? { allocation: 'Full' as const } : {};
  return { ...is, id: { pool, nativeName }, format: formatOf(name), sizeBytes: disk?.sizeBytes ?? sizeBytes, ...taken, ...base };
}

/** @throws DriverError Invalid */
export function checkVolumeName(name: string): void {
  const bytes = Buffer.byteLength(name);
  const isPlain = !/[<>:"/\\|?*\p{Cc}\p{Surrogate}]/u.test(name) && !/^ |[ .]$/.test(name) && name === name.toLowerCase();
  const isReserved = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/.test(name) || /\.(empty|iso|a?vhdx?)$/.test(name);
  if (isPlain && !isReserved && name !== '' && bytes <= maxNameBytes) return;
  throw new DriverError(
    'Invalid',
    `nativeName: ${JSON.stringify(name)} (${bytes} bytes) was given; accepted: 1 to ${maxNameBytes} bytes in lower case, as Windows tells names so, of which a file's name can be made, and that end neither in .empty nor as a disk's file does`,
  );
}

/** @throws DriverError Invalid */
export function sizeOf(nativeName: string, sizeBytes: number): number {
  if (Number.isSafeInteger(sizeBytes) && sizeBytes >= 3 * 2 ** 20 && sizeBytes % stepBytes === 0) return sizeBytes;
  throw new DriverError(
    'Invalid',
    `volume "${nativeName}": size of ${sizeBytes} bytes was given; accepted: 3 MiB or more, in multiples of 4 KiB`,
  );
}
