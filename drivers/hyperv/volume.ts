import type { PoolId, Volume, VolumeDefinition, VolumeFormat, VolumeId } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { partOf } from './contents.js';
import { formatOf, isCheckpoint } from './devices.js';
import type { StoredFile } from './files.js';
import { isSeedDisc } from './seed-disc.js';
import type { Disk } from './wmi/image-service.js';

export type Format = 'Vhdx' | 'Vhd';

/** Of a file's name, in characters, which we take as bytes. */
const maxNameBytes = 255 - '.unfilled.vhdx'.length;
/** Of a virtual disk's size. */
const stepBytes = 4096;

export const fileOf = (nativeName: string, format: Format): string => `${nativeName}.${format.toLowerCase()}`;

/** Nothing but virtual disks can be made, so that the smallest of them is what keeps a name. */
export const placeholderOf = (nativeName: string, format: Format): string => fileOf(`${nativeName}.empty`, format);

/** The same for a disk whose content is still to come. */
export const unfilledOf = (nativeName: string, format: Format): string => fileOf(`${nativeName}.unfilled`, format);

/** An image of a disc, as Hyper-V takes one. */
export const discOf = (nativeName: string): string => `${nativeName}.raw.iso`;

/** Whether a disk's content is still to come into its place. */
export const isUnfilled = (path: string): boolean => /\.unfilled\.vhdx?$/.test(path);

const keepsName = /\.(empty|unfilled)\.vhdx?$/;

/** Whether it only keeps a name. */
export const isPlaceholder = (path: string): boolean => keepsName.test(path);

/** Where the content is, or is to be, of a volume with that file. */
export function filledPath(path: string): string {
  if (!isPlaceholder(path)) return path;
  return /\.empty\.vhdx?$/.test(path) ? discOf(path.replace(keepsName, '')) : path.replace(/\.unfilled(\.vhdx?)$/, '$1');
}

/** A checkpoint's own files are none. */
export const isDisk = (path: string): boolean => /\.vhdx?$/.test(path);

/** Whether it has a size of its own, which is not the file's. */
export const isSized = (name: string): boolean => isDisk(name) && !isPlaceholder(name);

/** Bytes before which a differencing disk's own structures do not end: a VHD's two footers, header and table; a VHDX's headers ([MS-VHDX], 2.2). */
const fewestBytes = { Vhd: 2560, Vhdx: 2 ** 20 } as const;

/** Whether it is too short to be a differencing disk, as a file that somebody only began. */
export const namesNoBase = ({ name, sizeBytes }: StoredFile): boolean => sizeBytes < fewestBytes[formatOf(name)];

/** As Hyper-V calls it: the disk's name and a GUID. */
export const isCheckpointOf = (file: string, nativeName: string): boolean =>
  isCheckpoint(file) &&
  file.startsWith(`${nativeName}_`) &&
  /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.avhdx?$/.test(file.slice(nativeName.length + 1));

/** A file as a volume: virtual disks, what keeps a name, and images of discs that are not seeds'; undefined for all else. Without `disk` its size is the file's. */
export function volumeOf(pool: PoolId, { path, name, sizeBytes }: StoredFile, disk: Disk | undefined): Volume | undefined {
  const nativeName = name.replace(/(\.(empty|unfilled))?\.vhdx?$|\.raw\.iso$/, '');
  const is = { location: path, allocationBytes: disk?.fileBytes ?? sizeBytes };
  if (isSeedDisc(name)) return undefined;
  if ((!isDisk(name) && !/\.iso$/.test(name)) || nativeName === '') return undefined;
  if (/\.iso$/.test(name)) return { ...is, id: { pool, nativeName }, format: 'Raw', sizeBytes };
  if (/\.empty\.vhdx?$/.test(name)) return { ...is, id: { pool, nativeName }, format: 'Raw', sizeBytes: 0 };
  if (isPlaceholder(name)) return { ...is, id: { pool, nativeName }, format: formatOf(name), sizeBytes: 0 };
  const base = disk?.parent === undefined ? {} : { base: disk.parent.toLowerCase() };
  const taken = disk?.type === 'Fixed' ? { allocation: 'Full' as const } : {};
  return { ...is, id: { pool, nativeName }, format: formatOf(name), sizeBytes: disk?.sizeBytes ?? sizeBytes, ...taken, ...base };
}

/** Files of a volume, the one that is it first: what but keeps its name stays for a moment when it is filled. */
export const filesOf = (pool: PoolId, nativeName: string, files: readonly StoredFile[]): readonly StoredFile[] =>
  wholeFirst(files.filter((file) => volumeOf(pool, file, undefined)?.id.nativeName === nativeName));

const wholeFirst = (files: readonly StoredFile[]): readonly StoredFile[] =>
  [...files].sort((one, other) => Number(isPlaceholder(one.name)) - Number(isPlaceholder(other.name)));

/** The same of all volumes. */
export function filesByName(pool: PoolId, files: readonly StoredFile[]): readonly (readonly StoredFile[])[] {
  const byName = new Map<string, StoredFile[]>();
  for (const file of wholeFirst(files)) {
    const name = volumeOf(pool, file, undefined)?.id.nativeName;
    if (name !== undefined) byName.set(name, [...(byName.get(name) ?? []), file]);
  }
  return [...byName.values()];
}

/** Why those files of one name are not one volume: others put theirs beside ours, with another ending, and no file tells whose it is. */
export function rivalry([first, ...others]: readonly StoredFile[]): string | undefined {
  const rival = others.find(({ path }) => filledPath(path) !== first?.path);
  if (first === undefined || rival === undefined) return undefined;
  return `there are two files of that name, ${first.path} and ${rival.path}; move or rename the one that is not the volume's`;
}

/** @throws DriverError Conflict */
export function checkOne({ nativeName }: VolumeId, own: readonly StoredFile[]): void {
  const why = rivalry(own);
  if (why !== undefined) throw new DriverError('Conflict', `volume "${nativeName}": ${why}`);
}

export const isMissing = ({ path }: StoredFile, files: readonly StoredFile[]): boolean => !files.some((each) => each.path === path);

/** What was left of an upload to the volume of those files, whose agent died. */
export const partsOf = ([first]: readonly StoredFile[], files: readonly StoredFile[]): readonly StoredFile[] =>
  first === undefined ? [] : files.filter(({ path }) => path === partOf(filledPath(first.path)));

/** @throws DriverError Invalid */
export function checkVolumeName(name: string): void {
  const bytes = Buffer.byteLength(name);
  const isPlain = !/[<>:"/\\|?*\p{Cc}\p{Surrogate}]/u.test(name) && !/^ |[ .]$/.test(name) && name === name.toLowerCase();
  const isReserved = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/.test(name) || /\.(empty|unfilled|iso|a?vhdx?)$/.test(name);
  if (isPlain && !isReserved && name !== '' && bytes <= maxNameBytes) return;
  throw new DriverError(
    'Invalid',
    `nativeName: ${JSON.stringify(name)} (${bytes} bytes) was given; accepted: 1 to ${maxNameBytes} bytes in lower case, as Windows tells names so, of which a file's name can be made, and that end neither in .empty or .unfilled nor as a disk's file does`,
  );
}

/** Of Microsoft's documents: in GiB. */
const mostGib = { Vhd: 2040, Vhdx: 64 << 10 } as const;

/** @throws DriverError Invalid */
export function sizeOf(nativeName: string, sizeBytes: number, format: VolumeFormat | undefined): number {
  const ofDisk = format === 'Vhd' ? 'Vhd' : 'Vhdx';
  const isWithin = sizeBytes >= 3 * 2 ** 20 && sizeBytes <= mostGib[ofDisk] * 2 ** 30;
  if (Number.isSafeInteger(sizeBytes) && isWithin && sizeBytes % stepBytes === 0) return sizeBytes;
  throw new DriverError(
    'Invalid',
    `volume "${nativeName}": size of ${sizeBytes} bytes was given; accepted: 3 MiB or more, in multiples of 4 KiB, and at most ${mostGib[ofDisk]} GiB as a ${ofDisk}`,
  );
}

/** @throws DriverError Unsupported */
export function diskFormatOf({ nativeName, format }: VolumeDefinition, formats: readonly Format[]): Format {
  const found = formats.find((each) => each === format);
  if (found !== undefined) return found;
  throw new DriverError('Unsupported', `volume "${nativeName}": format ${format} was given; accepted: ${formats.join(', ')}`);
}

/** A differencing disk has its base's format, and a VHD its size, too. @throws DriverError Invalid, Unsupported */
export function checkLink({ nativeName, sizeBytes, format, allocation }: VolumeDefinition, base: Volume): void {
  if (format !== base.format)
    throw new DriverError(
      'Invalid',
      `volume "${nativeName}": format ${format} was given; accepted for a linked clone: ${base.format}, which its base has`,
    );
  if (allocation !== undefined)
    throw new DriverError(
      'Unsupported',
      `volume "${nativeName}": allocation Full was given; a linked clone takes what differs: leave it out`,
    );
  if (format === 'Vhd' && sizeBytes !== base.sizeBytes)
    throw new DriverError(
      'Unsupported',
      `volume "${nativeName}": size of ${sizeBytes} bytes was given; accepted for a linked clone that is a Vhd: ${base.sizeBytes}, which its base has; or make a full one`,
    );
}

export const typeOf = ({ allocation }: VolumeDefinition): 'Fixed' | 'Dynamic' => (allocation === 'Full' ? 'Fixed' : 'Dynamic');
