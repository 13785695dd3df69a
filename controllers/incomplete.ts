import type { VolumeId, Volumes } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';

const markerSuffix = '.incomplete';

/** A volume has no room for a mark of ours, so its incompleteness is an empty volume beside it. */
export const markerOf = ({ pool, nativeName }: VolumeId): VolumeId => ({ pool, nativeName: markerName(nativeName) });

export const markerName = (nativeName: string): string => `${nativeName}${markerSuffix}`;

/** One that is there already is as good. */
export async function makeMarker(volumes: Volumes, id: VolumeId, signal: AbortSignal): Promise<void> {
  try {
    await volumes.create({ ...markerOf(id), format: 'Raw', sizeBytes: 0 }, signal);
  } catch (reason) {
    if (!(reason instanceof DriverError) || reason.code !== 'Conflict') throw reason;
  }
}

export const isMarker = (nativeName: string): boolean => nativeName.endsWith(markerSuffix);

/**
 * Whether a volume of this name is one that Virtwright made, for whichever object: `namespace.name-<8 hex digits of a uid>`, a seed or a console's log
 * beside it, or a marker of any of these.
 */
export const isOfOurMaking = (nativeName: string): boolean =>
  isMarker(nativeName) || /^[^.]+\..+-[0-9a-f]{8}(\.(seed-|console).*)?$/.test(nativeName);

/** Of a marker, or of a volume itself. */
export const markedName = (nativeName: string): string => (isMarker(nativeName) ? nativeName.slice(0, -markerSuffix.length) : nativeName);
