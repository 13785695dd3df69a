import type { LibvirtDriver } from '../uri.js';
import { bhyve } from './bhyve/dialect.js';
import { cloudHypervisor } from './cloud-hypervisor/dialect.js';
import { container } from './container/dialect.js';
import type { Dialect } from './dialect.js';
import { pretended } from './pretended/dialect.js';
import { qemu } from './qemu/dialect.js';
import { virtualBox, virtuozzo } from './seen.js';
import { xen } from './xen/dialect.js';

/** By libvirt's name of the driver, as URIs begin with it. */
const dialects: Readonly<Record<LibvirtDriver, Dialect>> = {
  qemu,
  lxc: container,
  xen,
  test: pretended,
  bhyve,
  ch: cloudHypervisor,
  vbox: virtualBox,
  vz: virtuozzo,
};

export const dialectOf = (driver: LibvirtDriver): Dialect => dialects[driver];
