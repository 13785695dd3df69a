import type { Capability, MachineDefinition, MachineShape, Mark } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { child, type XmlElement } from '#drivers/xml/tree.js';
import { shutdownFlags } from '../../rpc/flags.js';
import { checkDefinition } from '../../xml/definition.js';
import { type Edit, edited, inDevices, inOs } from '../../xml/edit.js';
import { withInterfaces } from '../../xml/interface.js';
import { withKernelBoot } from '../../xml/kernel-boot.js';
import { namesInMetadata } from '../../xml/names-in-metadata.js';
import { readHardware, readShape } from '../../xml/read.js';
import { withSeed } from '../../xml/seed.js';
import { withCpuCount, withMemory } from '../../xml/sizes.js';
import type { DiskWords } from '../../xml/words.js';
import { fixedSizes } from '../capabilities.js';
import type { Dialect, HostFacts, MachineOffer } from '../dialect.js';
import { mustFit } from '../fits.js';
import { fullyVirtual } from '../guests.js';
import { skeleton } from '../skeleton.js';
import { hasVirtioConsole, withVirtioConsole } from './console.js';

/** What is written keeps to the rules of libvirt's own driver (its src/ch, docs/drvch.rst). */
export const cloudHypervisor: Dialect = {
  accepted: 'Cloud Hypervisor on x86_64',
  provenOn: 'GoldenFiles',
  offer: async (facts) => offerOf(facts),
  check,
  edit,
  readShape: shapeOf,
  readHardware,
  names: namesInMetadata,
  power: { startsPaused: 'Never', shutdown: shutdownFlags.acpiPowerButton },
};

export function offerOf({ host, cpuCount, memoryBytes }: HostFacts): MachineOffer | undefined {
  const guest = fullyVirtual(host.guests, host.architecture);
  if (guest?.domainTypes.includes('kvm') !== true) return undefined;
  const capabilities = capabilitiesOf({ cpuCount, memoryBytes });
  const base = { domainType: 'kvm', architecture: guest.architecture };
  return {
    capabilities,
    check: (definition) => mustFit(definition, { host: 'Cloud Hypervisor', capabilities }),
    create: (definition, mark) => edit(skeleton(definition, base), definition, mark),
  };
}

/** The name of the socket that libvirt makes of it, `/var/run/libvirt/ch/<name>-socket`, has at most 107. */
const maxNameBytes = 80;

const capabilitiesOf = (most: { readonly cpuCount: number; readonly memoryBytes: number }): readonly Capability[] => [
  ...fixedSizes(most, maxNameBytes),
  { field: 'boot.kernel', required: true, reason: 'each machine needs one; firmware for Cloud Hypervisor is one' },
  { field: 'interfaces.network' },
  { field: 'interfaces.model', values: ['Virtio'] },
  { field: 'interfaces.macAddress' },
  { field: 'interfaces.mtu', min: 68, max: 65_535 },
  { field: 'devices.serial', reason: 'the guest calls it hvc0' },
  { field: 'power.pause' },
  { field: 'cloudInit', reason: 'the seed can only be read, so that no guest makes another format of it' },
];

/** Of the seed. */
const disks: DiskWords = { driver: () => undefined, bus: 'VirtioBlk', cdromBus: 'VirtioBlk' };

/**
 * libvirt hands over a path alone. Up to 50.0 a guest that writes the header of another format, with a backing file, into its disk is given that
 * file of the host at its next start; later ones let no guest write the first sector of such a disk, which many guests do.
 */
const unsafe = 'Cloud Hypervisor finds out by itself what format a disk has, and a guest could have it take one for another';

const namesOf = ({ disks }: MachineDefinition): string => disks.map(({ name }) => `"${name}"`).join(', ');

function check(definition: MachineDefinition): void {
  checkDefinition(definition);
  if (definition.boot === undefined)
    throw new DriverError('Invalid', 'boot.kernel: nothing was given; accepted: a kernel, or firmware for Cloud Hypervisor in its place');
  if (definition.disks.length > 0)
    throw new DriverError('Unsupported', `disks: ${namesOf(definition)} given; accepted: none, as ${unsafe}`);
}

const edits: readonly Edit[] = [
  withCpuCount,
  withMemory,
  inOs((os, { boot }) => withKernelBoot(os, boot)),
  inDevices((devices, { interfaces, uuid }) => withInterfaces(devices, interfaces, uuid)),
  inDevices((devices, { serial }) => withVirtioConsole(devices, serial)),
  (domain, { seed }) => withSeed(domain, seed, disks),
];

function edit(domain: XmlElement, definition: MachineDefinition, mark: Mark): XmlElement {
  check(definition);
  return edited(domain, definition, mark, edits);
}

function shapeOf(domain: XmlElement): MachineShape {
  const { firmware: _, ...shape } = readShape(domain);
  return { ...shape, serial: hasVirtioConsole(child(domain, 'devices')) };
}
