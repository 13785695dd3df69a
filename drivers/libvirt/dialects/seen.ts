import { DriverError } from '#drivers/error.js';
import { namesInAliases } from '../xml/names-in-metadata.js';
import { readHardware, readShape } from '../xml/read.js';
import type { Dialect } from './dialect.js';

/**
 * Hosts whose machines are seen, and none is made: libvirt's driver for them gives back neither metadata nor a description, so that nothing
 * there could say whose a machine is.
 */
function seenOnly(hypervisor: string): Dialect {
  const nothing = `nothing, as ${hypervisor} by libvirt keeps no word of whose a machine is`;
  const refuse = (): never => {
    throw new DriverError('Unsupported', `machines are not made on this host; accepted: ${nothing}`);
  };
  return {
    accepted: nothing,
    provenOn: 'GoldenFiles',
    offer: async () => undefined,
    check: refuse,
    edit: refuse,
    readShape,
    readHardware,
    names: namesInAliases,
    power: { startsPaused: 'Never', shutdown: 0 },
  };
}

/** Its driver takes a description, and never reads it (src/vz/vz_sdk.c: prlsdkDoApplyConfig, prlsdkLoadDomain). */
export const virtuozzo = seenOnly('Virtuozzo');

/** Its driver reads and writes none, and cannot change a definition: it makes a new one each time (src/vbox/vbox_common.c). */
export const virtualBox = seenOnly('VirtualBox');
