import type { Hardware, MachineShape } from '#drivers/driver.js';
import { attribute, child, elements, type XmlElement } from '#drivers/xml/tree.js';
import { shutdownFlags } from '../../rpc/flags.js';
import { checkDefinition } from '../../xml/definition.js';
import { namesInAliases } from '../../xml/names-in-metadata.js';
import { readShape } from '../../xml/read.js';
import { hasSerial } from '../../xml/serial.js';
import { keptIn } from '../../xml/unsaid.js';
import type { Dialect } from '../dialect.js';
import { hasConsole } from './console.js';
import { editDomain } from './edit.js';
import { readMode } from './mode.js';
import { findOffer } from './offer.js';

/** libvirt's driver for Xen, libxl: paravirtualised machines, those in a PVH container, which both begin with a kernel, and those that are PCs. */
export const xen: Dialect = {
  accepted: 'PV, PVH and HVM of Xen on x86_64',
  provenOn: 'Real',
  offer: findOffer,
  check: checkDefinition,
  edit: editDomain,
  readShape: readXenShape,
  readHardware,
  unsaid: (named) => ({ kept: [...keptIn(named), ...screensOf(named)] }),
  names: namesInAliases,
  // One without Xen's drivers has ACPI's button, or none.
  power: {
    startsPaused: 'Natively',
    shutdown: shutdownFlags.paravirt | shutdownFlags.acpiPowerButton,
    answersShutdown: 'OnlyOnceHeard',
    saves: true,
  },
  consoles: 'OfTheirOwn',
};

/** Others may give a PC one; it stays theirs. */
const screensOf = (domain: XmlElement): readonly string[] =>
  elements(child(domain, 'devices'), 'graphics').flatMap((each) => (attribute(each, 'type') === 'vnc' ? ['graphics vnc'] : []));

/** Only HVM has firmware, and no machine of ours a screen. */
function readXenShape(domain: XmlElement): MachineShape {
  const { firmware, serial: _, graphics: __, ...shape } = readShape(domain);
  const devices = child(domain, 'devices');
  const mode = readMode(domain);
  if (mode === 'HVM') return { ...shape, ...(firmware === undefined ? {} : { firmware }), serial: hasSerial(devices), xen: { mode } };
  return { ...shape, serial: hasConsole(devices), ...(mode === undefined ? {} : { xen: { mode } }) };
}

function readHardware(domain: XmlElement): Hardware {
  const type = child(domain, 'os', 'type');
  const { firmware } = readXenShape(domain);
  const found = { mode: readMode(domain), architecture: attribute(type, 'arch'), machine: attribute(type, 'machine'), firmware };
  return Object.fromEntries(Object.entries(found).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
