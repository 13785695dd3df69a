import type { VolumeId } from '#drivers/driver.js';

const markerSuffix = '.incomplete';

/** A volume has no room for a mark of ours, so its incompleteness is an empty volume beside it. */
export const markerOf = ({ pool, nativeName }: VolumeId): VolumeId => ({ pool, nativeName: markerName(nativeName) });

export const markerName = (nativeName: string): string => `${nativeName}${markerSuffix}`;

export const isMarker = (nativeName: string): boolean => nativeName.endsWith(markerSuffix);

/** Of a marker, or of a volume itself. */
export const markedName = (nativeName: string): string => (isMarker(nativeName) ? nativeName.slice(0, -markerSuffix.length) : nativeName);
