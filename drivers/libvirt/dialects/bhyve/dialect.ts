import type { MachineShape } from '#drivers/driver.js';
import { child, type XmlElement } from '#drivers/xml/tree.js';
import { shutdownFlags } from '../../rpc/flags.js';
import { connectGetDomainCapabilities } from '../../rpc/procedures.js';
import { readDomainCapabilities, readLoaders } from '../../xml/capabilities.js';
import { namesInMetadata } from '../../xml/names-in-metadata.js';
import { readHardware, readShape } from '../../xml/read.js';
import type { Dialect, MachineOffer } from '../dialect.js';
import { mustFit } from '../fits.js';
import { fullyVirtual } from '../guests.js';
import { type BhyveOffer, capabilitiesOf } from './capabilities.js';
import { checkBhyve } from './check.js';
import { createDomain, editDomain } from './edit.js';
import { hasNmdm } from './nmdm.js';

/** FreeBSD's hypervisor. What is written keeps to the rules of libvirt's own driver for it (its src/bhyve, docs/drvbhyve.rst). */
export const bhyve: Dialect = {
  accepted: 'bhyve on x86_64',
  provenOn: 'GoldenFiles',
  offer: async ({ host, memoryBytes }, { daemon }, signal) => {
    const guest = fullyVirtual(host.guests, host.architecture);
    if (guest?.domainTypes.includes('bhyve') !== true) return undefined;
    const what = { emulator: guest.emulator, arch: guest.architecture, machine: undefined, virtType: 'bhyve', flags: 0 };
    const told = await daemon.order(connectGetDomainCapabilities, what, signal);
    return offerOf({ guest, domain: readDomainCapabilities(told), loaders: readLoaders(told), memoryBytes });
  },
  check: checkBhyve,
  edit: editDomain,
  readShape: shapeOf,
  readHardware,
  names: namesInMetadata,
  power: { startsPaused: 'Never', shutdown: shutdownFlags.acpiPowerButton },
};

export function offerOf(found: BhyveOffer): MachineOffer {
  const capabilities = capabilitiesOf(found);
  return {
    capabilities,
    check: (definition) => mustFit(definition, { host: 'bhyve', capabilities }),
    create: (definition, mark) => createDomain(definition, mark, found),
  };
}

/** Without a file of firmware it is bhyveload that starts the guest, and that is no firmware. */
function shapeOf(domain: XmlElement): MachineShape {
  const { firmware, ...shape } = readShape(domain);
  return { ...shape, ...(firmware === 'UEFI' ? { firmware } : {}), serial: hasNmdm(child(domain, 'devices')) };
}
