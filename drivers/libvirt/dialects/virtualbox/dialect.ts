import { DriverError } from '#drivers/error.js';
import { namesInAliases } from '../../xml/names.js';
import { readHardware, readShape } from '../../xml/read.js';
import type { Dialect } from '../dialect.js';

/**
 * libvirt's driver for VirtualBox keeps neither metadata nor a description, and cannot change a definition: it only makes new ones (its
 * src/vbox/vbox_common.c). Nothing would say whose a machine is, so what is there is seen, and nothing is made.
 */
const nothing = 'nothing, as VirtualBox by libvirt keeps no word of whose a machine is, and no change to one';

const refused = (): never => {
  throw new DriverError('Unsupported', `machines are not made on this host; accepted: ${nothing}`);
};

export const virtualBox: Dialect = {
  accepted: nothing,
  provenOn: 'GoldenFiles',
  offer: async () => undefined,
  check: refused,
  edit: refused,
  readShape,
  readHardware,
  names: namesInAliases,
  power: { startsPaused: 'Never', shutdown: 0 },
};
