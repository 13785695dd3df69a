import { parseQuantity } from '#crds/quantity.js';
import type { VirtualMachine } from '#crds/types.js';
import type {
  BootDevice,
  ContainerShape,
  DiskLimits,
  HypervShape,
  MachineCdrom,
  MachineDisk,
  MachineInterface,
  MachineShape,
} from '#drivers/driver.js';
import type { Disk } from '../stores.js';

type Spec = VirtualMachine['spec'];
type Interface = NonNullable<Spec['interfaces']>[number];

/** What the manifest asks for as it stands, without anything that it refers to. */
export function plainHardware(spec: Spec): Omit<MachineShape, 'disks' | 'cdroms' | 'interfaces' | 'boot' | 'seed'> {
  const { cpu, memory, firmware, devices, vsphere, hyperv, xen, boot } = spec;
  return {
    cpuCount: cpu.count,
    ...(cpu.maxCount === undefined ? {} : { maxCpuCount: cpu.maxCount }),
    ...(cpu.shares === undefined ? {} : { cpuShares: cpu.shares }),
    memoryBytes: parseQuantity(memory.size),
    ...(memory.maxSize === undefined ? {} : { maxMemoryBytes: parseQuantity(memory.maxSize) }),
    ...(memory.minSize === undefined ? {} : { minMemoryBytes: parseQuantity(memory.minSize) }),
    ...(firmware === undefined ? {} : { firmware: firmware.type }),
    ...(firmware?.secureBoot === undefined ? {} : { secureBoot: firmware.secureBoot }),
    ...(firmware?.tpm === undefined ? {} : { tpm: firmware.tpm }),
    ...(boot?.order === undefined ? {} : { bootOrder: boot.order.map((name) => bootDevice(spec, name)) }),
    serial: devices?.serial !== undefined,
    rng: devices?.rng !== undefined,
    ...(devices?.guestAgent === undefined ? {} : { guestAgent: true }),
    ...(devices?.graphics === undefined ? {} : { graphics: { type: devices.graphics.type } }),
    ...(vsphere === undefined ? {} : { vsphere }),
    ...(hyperv === undefined ? {} : { hyperv: hypervOf(hyperv) }),
    ...(xen === undefined ? {} : { xen }),
  };
}

/** Ports are a set: in whichever order they stand, it is the same one. */
const hypervOf = ({ memoryBufferPercent, comPorts }: NonNullable<Spec['hyperv']>): HypervShape => ({
  ...(memoryBufferPercent === undefined ? {} : { memoryBufferPercent }),
  ...(comPorts === undefined ? {} : { comPorts: comPorts.map(({ port }) => port).toSorted() }),
});

/** Where a disk and an interface have the same name, the disk is meant. */
const bootDevice = ({ disks = [] }: Spec, name: string): BootDevice => ({
  kind: disks.some((disk) => disk.name === name) ? 'disk' : 'interface',
  name,
});

/** Everything of a disk but its volume. */
export function diskHardware({ name, bus, serial, cache, io, discard, limits }: Disk): Omit<MachineDisk, 'location' | 'format'> {
  return {
    name,
    ...(bus === undefined ? {} : { bus }),
    ...(serial === undefined ? {} : { serial }),
    ...(cache === undefined ? {} : { cache }),
    ...(io === undefined ? {} : { io }),
    ...(discard === undefined ? {} : { discard }),
    ...(limits === undefined ? {} : { limits: limitsOf(limits) }),
  };
}

function limitsOf({ totalBytes, readBytes, writeBytes, ...iops }: NonNullable<Disk['limits']>): DiskLimits {
  return {
    ...iops,
    ...(totalBytes === undefined ? {} : { totalBytes: parseQuantity(totalBytes) }),
    ...(readBytes === undefined ? {} : { readBytes: parseQuantity(readBytes) }),
    ...(writeBytes === undefined ? {} : { writeBytes: parseQuantity(writeBytes) }),
  };
}

/** Everything of a CD-ROM drive but what lies in it. */
export const cdromHardware = ({ name, bus }: Disk): Omit<MachineCdrom, 'location'> => ({ name, ...(bus === undefined ? {} : { bus }) });

/** Everything of a container but its root; its mounts have no locations yet. */
export const containerHardware = ({
  init,
  mounts = [],
  limits,
  privileged = false,
}: NonNullable<Spec['container']>): Omit<ContainerShape, 'root'> => {
  const [program = '', ...words] = init;
  const shaped = mounts.map(({ path, access }) => ({ path, location: '', ...(access === 'ReadOnly' ? { readOnly: true as const } : {}) }));
  return {
    init: [program, ...words],
    ...(shaped.length === 0 ? {} : { mounts: shaped }),
    ...(privileged ? { privileged } : {}),
    ...(limits === undefined ? {} : { limits: limitsOf(limits) }),
  };
};

/** Everything of an interface but its network. */
export function interfaceHardware({ networkRef: _, ...hardware }: Interface): Omit<MachineInterface, 'network'> {
  return hardware;
}
