import type { Capability, Hardware, MachineDefinition, MachineShape, XenMode } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { attribute, child, type XmlElement } from '#drivers/xml/tree.js';
import { shutdownFlags } from '../../rpc/flags.js';
import { connectGetDomainCapabilities } from '../../rpc/procedures.js';
import { readDomainCapabilities } from '../../xml/capabilities.js';
import { bytesPerMiB, checkDefinition, maxNameBytes } from '../../xml/definition.js';
import { volumeFormats } from '../../xml/format.js';
import { namesInAliases } from '../../xml/names-in-metadata.js';
import { readShape } from '../../xml/read.js';
import { devicesMeasured } from '../capabilities.js';
import type { Dialect, HostFacts, MachineOffer, Means } from '../dialect.js';
import { mustFit } from '../fits.js';
import { hasConsole } from './console.js';
import { createDomain } from './domain.js';
import { editDomain } from './edit.js';
import { machineOf, readMode, xenModes } from './mode.js';

/** libvirt's driver for Xen, libxl: paravirtualised machines, and those in a PVH container. Both begin with a kernel. */
export const xen: Dialect = {
  accepted: 'PV and PVH of Xen on x86_64',
  provenOn: 'Real',
  offer: findOffer,
  check: checkDefinition,
  edit: editDomain,
  readShape: readXenShape,
  readHardware,
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

async function findOffer({ host, memoryBytes }: HostFacts, { daemon }: Means, signal: AbortSignal): Promise<MachineOffer | undefined> {
  const { architecture } = host;
  const guests = host.guests.filter((guest) => guest.architecture === architecture && guest.domainTypes.includes('xen'));
  const modes = xenModes.filter((mode) => guests.some(({ machines }) => machines.some(({ name }) => name === machineOf(mode))));
  const [mode] = modes;
  if (mode === undefined || architecture !== 'x86_64') return undefined;
  const what = { emulator: undefined, arch: architecture, machine: machineOf(mode), virtType: 'xen', flags: 0 };
  const { maxVcpus = 1 } = readDomainCapabilities(await daemon.order(connectGetDomainCapabilities, what, signal));
  const capabilities = capabilitiesOf(modes, maxVcpus, Math.floor(memoryBytes / bytesPerMiB) * bytesPerMiB);
  return {
    capabilities,
    check: (definition) => {
      mustFit(definition, { host: 'Xen', capabilities });
      mustBeginWithKernel(definition);
    },
    create: (definition, mark) => createDomain(definition, mark, { mode, architecture }),
  };
}

const capabilitiesOf = (modes: readonly XenMode[], cpus: number, memoryBytes: number): readonly Capability[] => [
  { field: 'nativeName', max: maxNameBytes },
  { field: 'xen.mode', values: modes },
  { field: 'cpu.count', min: 1, max: cpus, reason: `a machine has at most ${cpus}`, change: 'Hotplug' },
  { field: 'cpu.maxCount', min: 1, max: cpus },
  { field: 'memory.size', min: bytesPerMiB, max: memoryBytes, reason: 'whole MiB, and no more than the host has', change: 'Live' },
  { field: 'memory.maxSize', min: bytesPerMiB, max: memoryBytes },
  { field: 'boot.kernel', required: true, reason: 'PV and PVH begin with a kernel' },
  { field: 'disks', values: ['XenBlk'], change: 'Hotplug' },
  { field: 'disks.bus', values: ['XenBlk'] },
  { field: 'disks.format', values: volumeFormats },
  { field: 'interfaces', change: 'Hotplug' },
  { field: 'interfaces.network' },
  { field: 'interfaces.model', values: ['XenNet'] },
  { field: 'interfaces.macAddress' },
  { field: 'devices.serial', reason: 'hvc0 to the guest' },
  { field: 'cloudInit' },
  { field: 'power.startPaused' },
  { field: 'power.pause' },
  { field: 'power.save' },
  ...devicesMeasured,
];

/** The host could look for one on the disk (pygrub), and would read what the guest has written there. */
function mustBeginWithKernel({ boot }: MachineDefinition): void {
  if (boot === undefined)
    throw new DriverError('Unsupported', 'boot.kernel: nothing was given; accepted: a kernel in a volume, as PV and PVH begin with one');
}

/** Neither mode has firmware. */
function readXenShape(domain: XmlElement): MachineShape {
  const { firmware: _, serial: __, ...shape } = readShape(domain);
  const mode = readMode(domain);
  return { ...shape, serial: hasConsole(child(domain, 'devices')), ...(mode === undefined ? {} : { xen: { mode } }) };
}

function readHardware(domain: XmlElement): Hardware {
  const type = child(domain, 'os', 'type');
  const found = { mode: readMode(domain), architecture: attribute(type, 'arch'), machine: attribute(type, 'machine') };
  return Object.fromEntries(Object.entries(found).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
