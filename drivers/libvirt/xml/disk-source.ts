import { element, type XmlElement } from '#drivers/xml/tree.js';

/** A path below /dev is a device: QEMU does not take one for a file. */
const isDevice = (location: string): boolean => location.startsWith('/dev/');

/** The type of the disk, and where it is. */
export const sourceType = (location: string): 'block' | 'file' => (isDevice(location) ? 'block' : 'file');
export const sourceAt = (location: string): XmlElement => element('source', isDevice(location) ? { dev: location } : { file: location });
