import { attribute, element, type XmlElement } from '#drivers/xml/tree.js';
import { parseLocation, rbdLocation, rbdSource } from './rbd.js';

/** A path below /dev is a device: QEMU does not take one for a file. */
const isDevice = (location: string): boolean => location.startsWith('/dev/');

/** The type of the disk, and where it is. */
export function sourceType(location: string): 'block' | 'file' | 'network' {
  if (parseLocation(location) !== undefined) return 'network';
  return isDevice(location) ? 'block' : 'file';
}

export function sourceAt(location: string): XmlElement {
  const image = parseLocation(location);
  if (image !== undefined) return rbdSource(image);
  return element('source', isDevice(location) ? { dev: location } : { file: location });
}

/** What a source says of where it is, in the words of `Volume.location`. */
export const locationOf = (source: XmlElement | undefined): string | undefined =>
  attribute(source, 'file') ?? attribute(source, 'dev') ?? rbdLocation(source);
