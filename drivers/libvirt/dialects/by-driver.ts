import type { LibvirtDriver } from '../uri.js';
import type { Dialect } from './dialect.js';
import { pretended } from './pretended/dialect.js';
import { qemu } from './qemu/dialect.js';

/** By libvirt's name of the driver, as URIs begin with it. Absent where its machines are not known here yet. */
const dialects: Readonly<Partial<Record<LibvirtDriver, Dialect>>> = { qemu, test: pretended };

export const dialectOf = (driver: LibvirtDriver): Dialect | undefined => dialects[driver];
