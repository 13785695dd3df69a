import type { Capability, MachineDefinition, MachineShape, Mark } from '#drivers/driver.js';
import { element, type XmlElement } from '#drivers/xml/tree.js';
import { checkDefinition, maxSerialBytes } from '../../xml/definition.js';
import { withDisks } from '../../xml/disk.js';
import { type Edit, edited, inDevices } from '../../xml/edit.js';
import { withGraphics } from '../../xml/graphics.js';
import { withInterfaces } from '../../xml/interface.js';
import { namesInDescription } from '../../xml/names-in-description.js';
import { readHardware, readShape } from '../../xml/read.js';
import { withCpuCount, withMemory } from '../../xml/sizes.js';
import type { DiskWords, GraphicsWords } from '../../xml/words.js';
import { fixedSizes } from '../capabilities.js';
import type { Dialect, HostFacts, MachineOffer } from '../dialect.js';
import { mustFit } from '../fits.js';
import { fullyVirtual } from '../guests.js';
import { skeleton } from '../skeleton.js';

/**
 * Machines of Virtuozzo 7; its containers are not known here. What is written keeps to the rules of libvirt's own driver (its src/vz), which
 * refuses whatever it does not know: a feature, an emulator, a machine without its one VGA screen.
 */
export const virtuozzo: Dialect = {
  accepted: 'machines of Virtuozzo 7 on x86_64',
  provenOn: 'GoldenFiles',
  offer: async (facts) => offerOf(facts),
  check: checkDefinition,
  edit,
  readShape: shapeOf,
  readHardware,
  names: namesInDescription,
  power: { startsPaused: 'Never', shutdown: 0 },
};

export function offerOf({ host, cpuCount, memoryBytes }: HostFacts): MachineOffer | undefined {
  const guest = fullyVirtual(host.guests, host.architecture);
  if (guest?.domainTypes.includes('vz') !== true) return undefined;
  const capabilities = capabilitiesOf({ cpuCount, memoryBytes });
  const base = { domainType: 'vz', architecture: guest.architecture, devices: [element('video', {}, vga)] };
  return {
    capabilities,
    check: (definition) => mustFit(definition, { host: 'Virtuozzo', capabilities }),
    create: (definition, mark) => edit(skeleton(definition, base), definition, mark),
  };
}

/** As many as a machine of Virtuozzo's is called by. */
const maxNameBytes = 128;

const capabilitiesOf = (most: { readonly cpuCount: number; readonly memoryBytes: number }): readonly Capability[] => [
  ...fixedSizes(most, maxNameBytes),
  { field: 'disks.bus', values: ['VirtioScsi'] },
  { field: 'disks.format', values: ['Qcow2'] },
  { field: 'disks.serial', reason: `at most ${maxSerialBytes} characters` },
  { field: 'interfaces.network' },
  { field: 'interfaces.model', values: ['Virtio'] },
  { field: 'interfaces.macAddress' },
  { field: 'devices.graphics.type', values: ['VNC'] },
  { field: 'devices.graphics.password', reason: '1 to 8 characters, as VNC has it' },
  { field: 'power.pause' },
  { field: 'power.reset' },
];

const vga = element('model', { type: 'vga', vram: '16384', heads: '1' });
const disks: DiskWords = { driver: undefined, bus: 'VirtioScsi', cdromBus: 'VirtioScsi' };
const screen: GraphicsWords = { video: vga, tablet: false };

const edits: readonly Edit[] = [
  withCpuCount,
  withMemory,
  inDevices((devices, { disks: wanted }) => withDisks(devices, wanted, [], disks)),
  inDevices((devices, { interfaces, uuid }) => withInterfaces(devices, interfaces, uuid)),
  inDevices((devices, { graphics }) => withGraphics(devices, graphics, screen)),
];

function edit(domain: XmlElement, definition: MachineDefinition, mark: Mark): XmlElement {
  checkDefinition(definition);
  return edited(domain, definition, mark, edits);
}

function shapeOf(domain: XmlElement): MachineShape {
  const { firmware: _, ...shape } = readShape(domain);
  return shape;
}
