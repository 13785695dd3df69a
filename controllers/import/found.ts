import type { MachineShape, Network, Pool, Volume, VolumeFormat } from '#drivers/driver.js';
import type { Inventory } from './inventory.js';
import { Names } from './names.js';

/** A volume of the host's, and what it would be called. */
export interface Found {
  readonly pool: Pool;
  readonly volume: Volume;
  /** The StorageVolume's name. */
  readonly name: string;
  readonly poolName: string;
}

/** Why it is no StorageVolume of ours. */
export function whyNoVolume({ pool, volume: { base, sizeBytes, format: told } }: Found, format: VolumeFormat): string | undefined {
  if (base !== undefined) return `it keeps only what differs from ${base}`;
  // As adoption has it: an image of a disc is there beside virtual disks, where none can be made.
  const isDisc = format === 'Raw' && told === 'Raw';
  return (isDisc || pool.formats.includes(format)) && sizeBytes >= 1024 ? undefined : `it is ${format}, of ${sizeBytes} bytes`;
}

export const makesVolumes = ({ can }: Pool): boolean => can.includes('create');

export const byName = <T extends { readonly nativeName: string }>(all: readonly T[]): readonly T[] =>
  [...all].sort((a, b) => (a.nativeName < b.nativeName ? -1 : 1));

/** Native names to names of objects. */
export function named(all: readonly (Pool | Network)[]): ReadonlyMap<string, string> {
  const names = new Names();
  return new Map(byName(all).map(({ nativeName }) => [nativeName, names.take(nativeName)]));
}

export function volumesByLocation({ pools }: Inventory, poolNames: ReadonlyMap<string, string>): ReadonlyMap<string, Found> {
  const names = new Names();
  const byPool = [...pools].sort((a, b) => (a.pool.nativeName < b.pool.nativeName ? -1 : 1));
  return new Map(
    byPool.flatMap(({ pool, volumes }) =>
      [...volumes]
        .sort((a, b) => (a.id.nativeName < b.id.nativeName ? -1 : 1))
        .map((volume) => {
          const poolName = poolNames.get(pool.nativeName) ?? '';
          return [volume.location, { pool, volume, poolName, name: names.take(volume.id.nativeName) }] as const;
        }),
    ),
  );
}

/** What nobody else may write to while it is there. */
export const writtenBy = ({ disks, uses = [], container }: MachineShape): readonly string[] => [
  ...uses,
  ...[...disks, ...(container?.mounts ?? [])].map(({ location }) => location),
  ...(container === undefined ? [] : [container.root]),
];

export const locationsOf = ({ disks, cdroms = [], boot }: MachineShape): readonly string[] =>
  [...disks.map(({ location }) => location), ...cdroms.map(({ location }) => location), boot?.kernel, boot?.initrd].filter(
    (location) => location !== undefined,
  );

/** In whole KiB, as volumes are asked for; the rest is there all the same. */
export const sizeOf = (bytes: number): string => {
  const [kib, units] = [Math.floor(bytes / 1024), ['Ki', 'Mi', 'Gi', 'Ti'] as const];
  const power = units.findLastIndex((_, at) => kib % 1024 ** at === 0 && kib > 0);
  return `${kib / 1024 ** Math.max(power, 0)}${units[Math.max(power, 0)]}`;
};
