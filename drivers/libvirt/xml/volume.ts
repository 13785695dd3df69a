import type { PoolId, Volume, VolumeDefinition, VolumeFormat } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { attribute, child, element, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { nativeFormat, volumeFormat } from './format.js';
import { sizeOf } from './units.js';

/**
 * Nothing is allocated ahead. A volume that is to be filled starts as an empty file whatever its format will be: given the format,
 * the host would write a header, whose tail could outlive shorter content.
 */
export function createVolume({ nativeName, format, sizeBytes }: VolumeDefinition): XmlElement {
  return element(
    'volume',
    { type: 'file' },
    element('name', {}, nativeName),
    element('capacity', { unit: 'bytes' }, `${sizeBytes}`),
    element('allocation', { unit: 'bytes' }, '0'),
    element('target', {}, element('format', { type: nativeFormat(sizeBytes === 0 ? 'Raw' : format) })),
  );
}

/** A directory of who is root in containers: nothing else tells whose it is, and a container writes into its root. */
export const createDirectory = (
  { nativeName }: VolumeDefinition,
  { uid, mode }: { readonly uid: number; readonly mode: number },
): XmlElement =>
  element(
    'volume',
    { type: 'dir' },
    element('name', {}, nativeName),
    element('capacity', { unit: 'bytes' }, '0'),
    element(
      'target',
      {},
      element('format', { type: nativeFormat('Directory') }),
      element(
        'permissions',
        {},
        element('mode', {}, `0${mode.toString(8)}`),
        element('owner', {}, `${uid}`),
        element('group', {}, `${uid}`),
      ),
    ),
  );

/** The same with a base, of which only what differs is stored. The base's format is said, so that nobody looks for it in what a guest wrote. */
export function createLinkedVolume(
  definition: VolumeDefinition,
  base: { readonly location: string; readonly format: VolumeFormat },
): XmlElement {
  const backing = element('backingStore', {}, element('path', {}, base.location), element('format', { type: nativeFormat(base.format) }));
  const volume = createVolume(definition);
  return { ...volume, children: [...volume.children, backing] };
}

/** A device has a size, and all of it: less allocated would be a snapshot of nothing, which is lost when it is full. */
export function createDevice({ nativeName, sizeBytes }: VolumeDefinition): XmlElement {
  const size = `${Math.max(sizeBytes, leastDeviceBytes)}`;
  return element(
    'volume',
    { type: 'block' },
    element('name', {}, nativeName),
    element('capacity', { unit: 'bytes' }, size),
    element('allocation', { unit: 'bytes' }, size),
  );
}

/** Rounded up to what the store has as its smallest. */
const leastDeviceBytes = 1 << 20;

export function readVolume(volume: XmlElement, pool: PoolId): Volume {
  const [nativeName, location] = [textOf(child(volume, 'name')), textOf(child(volume, 'target', 'path'))];
  if (nativeName === undefined || location === undefined) throw new DriverError('Invalid', 'volume XML: the name or the path is missing');
  const base = textOf(child(volume, 'backingStore', 'path'));
  // What a partition is said to be of is no image's format.
  const format = isDirectory(volume)
    ? 'Directory'
    : isDevice(volume) || isImage(volume)
      ? 'Raw'
      : volumeFormat(attribute(child(volume, 'target', 'format'), 'type'));
  return {
    id: { pool, nativeName },
    location,
    ...(format === undefined ? {} : { format }),
    sizeBytes: isDirectory(volume) ? 0 : (sizeOf(child(volume, 'capacity'), 'bytes') ?? 0),
    allocationBytes: sizeOf(child(volume, 'allocation'), 'bytes') ?? 0,
    ...(base === undefined ? {} : { base }),
  };
}

/** How long the volume's file is, whatever its guest sees. */
export const readStoredBytes = (volume: XmlElement): number | undefined => sizeOf(child(volume, 'physical'), 'bytes');

/** Whether it is an image that no path of the host leads to. */
export const isImage = (volume: XmlElement): boolean => attribute(volume, 'type') === 'network';

/** Whether it is a tree of files. */
export const isDirectory = (volume: XmlElement): boolean => attribute(volume, 'type') === 'dir';

/** Whether it is a device, and no file. */
export const isDevice = (volume: XmlElement): boolean => attribute(volume, 'type') === 'block';
