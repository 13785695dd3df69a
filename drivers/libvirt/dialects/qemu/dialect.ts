import type { Capability } from '#drivers/driver.js';
import { shutdownFlags } from '../../rpc/flags.js';
import { checkDefinition } from '../../xml/definition.js';
import { namesInAliases } from '../../xml/names-in-metadata.js';
import { readHardware, readShape } from '../../xml/read.js';
import type { Dialect, MachineOffer } from '../dialect.js';
import { mustFit } from '../fits.js';
import { capabilitiesOf } from './capabilities.js';
import { createDomain } from './domain.js';
import { editDomain } from './edit.js';
import { checkFits } from './fits.js';
import { baseOf, findOffer, type QemuOffer } from './offer.js';

export const qemu: Dialect = {
  accepted: 'QEMU on x86_64',
  provenOn: 'Real',
  offer: async (host, means, signal) => {
    const found = await findOffer(host, means, signal);
    return found && offerOf(found);
  },
  check: checkDefinition,
  edit: editDomain,
  readShape,
  readHardware,
  names: namesInAliases,
  power: { startsPaused: 'Natively', shutdown: shutdownFlags.acpiPowerButton, saves: true },
};

const offerOf = (found: QemuOffer): MachineOffer => offerWith(found, 'QEMU', capabilitiesOf(found));

/** As those capabilities say it; what has a remedy is refused with it. */
export const offerWith = (found: QemuOffer, host: string, capabilities: readonly Capability[]): MachineOffer => ({
  capabilities,
  check: (definition) => {
    checkFits(definition, found);
    mustFit(definition, { host, capabilities });
  },
  create: (definition, mark) => createDomain(definition, mark, baseOf(found)),
});
