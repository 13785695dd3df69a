import type {
  Capability,
  ContainerShape,
  Hardware,
  MachineCdrom,
  MachineDefinition,
  MachineDisk,
  MachineInterface,
  MachineShape,
} from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';

/** What a fake host accepts unless it is told otherwise. */
export const everything: readonly Capability[] = [
  { field: 'nativeName', max: 250 },
  { field: 'cpu.count', min: 1, max: 64, change: 'Hotplug' },
  { field: 'cpu.maxCount', min: 1, max: 64 },
  { field: 'cpu.shares', min: 2, max: 10_000, change: 'Live' },
  { field: 'memory.size', min: 1 << 20, max: 2 ** 40, change: 'Live' },
  { field: 'memory.maxSize', min: 1 << 20, max: 2 ** 40 },
  { field: 'memory.minSize', min: 1 << 20, max: 2 ** 40 },
  { field: 'firmware.type', values: ['BIOS', 'UEFI'] },
  { field: 'firmware.secureBoot' },
  { field: 'firmware.tpm', values: ['V2'] },
  { field: 'boot.kernel' },
  { field: 'boot.order' },
  { field: 'disks', values: ['VirtioBlk', 'VirtioScsi', 'Pvscsi', 'XenBlk'], change: 'Hotplug' },
  { field: 'disks.bus', values: ['VirtioBlk', 'VirtioScsi', 'SATA', 'NVMe', 'Pvscsi', 'LsiLogic', 'XenBlk'] },
  { field: 'disks.cache', values: ['None', 'WriteBack', 'WriteThrough', 'DirectSync', 'Unsafe'] },
  { field: 'disks.cdrom', change: 'Live' },
  { field: 'disks.discard', values: ['Ignore', 'Unmap'] },
  { field: 'disks.io', values: ['Native', 'Threads', 'IoUring'] },
  { field: 'disks.limits', change: 'Live' },
  { field: 'disks.format', values: ['Raw', 'Qcow2', 'Vmdk'] },
  { field: 'disks.serial' },
  { field: 'interfaces', change: 'Hotplug' },
  { field: 'interfaces.network', change: 'Live' },
  { field: 'interfaces.model', values: ['Virtio', 'E1000e', 'Vmxnet3', 'XenNet'] },
  { field: 'interfaces.macAddress' },
  { field: 'interfaces.mtu', min: 68, max: 65_535 },
  { field: 'interfaces.vlan', min: 1, max: 4094, change: 'Live' },
  { field: 'interfaces.linkState', change: 'Live' },
  { field: 'devices.serial' },
  { field: 'devices.serial.log' },
  { field: 'devices.rng' },
  { field: 'devices.guestAgent' },
  { field: 'devices.graphics.type', values: ['VNC'] },
  { field: 'devices.graphics.password', change: 'Live' },
  { field: 'cloudInit' },
  { field: 'ignition' },
  { field: 'sysprep' },
  { field: 'vsphere.guestId' },
  { field: 'hyperv.memoryBufferPercent', min: 5, max: 2000 },
  { field: 'hyperv.comPorts', values: ['COM1', 'COM2'] },
  { field: 'container' },
  { field: 'container.mounts' },
  { field: 'container.privileged' },
  { field: 'container.limits', change: 'Live' },
  { field: 'xen.mode', values: ['PV', 'PVH', 'HVM'] },
  { field: 'power.startPaused' },
  { field: 'power.pause' },
  { field: 'power.reset' },
  { field: 'power.save' },
  { field: 'snapshots.memory', values: ['With', 'Without'] },
  { field: 'stats.block' },
  { field: 'stats.network' },
  { field: 'volumes.format', values: ['Raw', 'Qcow2', 'Vmdk'] },
  { field: 'volumes.allocation', values: ['Full'] },
  { field: 'volumes.growAttached' },
  { field: 'volumes.wipe' },
  { field: 'volumes.resume' },
  { field: 'volumes.clone', values: ['Full', 'Linked'] },
  { field: 'pools.directory' },
  { field: 'pools.filesystem' },
  { field: 'pools.nfs' },
  { field: 'pools.gluster' },
  { field: 'pools.smb' },
  { field: 'pools.lvm' },
  { field: 'pools.zfs' },
  { field: 'pools.disk' },
  { field: 'pools.iscsi' },
  { field: 'pools.rbd' },
  { field: 'pools.existing' },
  { field: 'networks.existing' },
  { field: 'networks.forward', values: ['None', 'NAT', 'Route', 'Open', 'Bridge', 'OpenVSwitch', 'Direct'] },
  { field: 'networks.host', values: ['Attached', 'Detached'] },
  { field: 'networks.mtu', min: 68, max: 65_535 },
  { field: 'networks.vlan', values: ['Bridge', 'OpenVSwitch'] },
  { field: 'networks.ipv4' },
  { field: 'networks.ipv6' },
  { field: 'networks.dns' },
  { field: 'networks.live', values: ['ipv4.dhcp', 'ipv6.dhcp', 'dns.records'] },
];

export const firstHardware: Hardware = { accelerator: 'Fake', machine: 'fake-1.0' };

type Asked = readonly [field: string, given: string | number];

const given = (field: string, value: string | number | undefined): readonly Asked[] => (value === undefined ? [] : [[field, value]]);

const askedOfDisk = ({ bus, format, serial, cache, io, discard, limits }: MachineDisk): readonly Asked[] => [
  ['disks.format', format],
  ...given('disks.bus', bus),
  ...given('disks.serial', serial),
  ...given('disks.cache', cache),
  ...given('disks.io', io),
  ...given('disks.discard', discard),
  ...given('disks.limits', limits && JSON.stringify(limits)),
];

const askedOfCdrom = ({ location = '', bus }: MachineCdrom): readonly Asked[] => [['disks.cdrom', location], ...given('disks.bus', bus)];

const askedOfInterface = ({ network, model, macAddress, mtu, vlan, linkState }: MachineInterface): readonly Asked[] => [
  ['interfaces.network', network],
  ...given('interfaces.model', model),
  ...given('interfaces.macAddress', macAddress),
  ...given('interfaces.mtu', mtu),
  ...given('interfaces.vlan', vlan),
  ...given('interfaces.linkState', linkState === 'Down' ? linkState : undefined),
];

const seedFields = { CloudInit: 'cloudInit', Ignition: 'ignition', Sysprep: 'sysprep' } as const;

const asked = ({
  nativeName,
  cpuCount,
  maxCpuCount,
  cpuShares,
  memoryBytes,
  maxMemoryBytes,
  minMemoryBytes,
  firmware,
  secureBoot,
  tpm,
  boot,
  bootOrder,
  disks,
  cdroms = [],
  interfaces,
  serial,
  serialLog,
  rng,
  guestAgent,
  graphics,
  seed,
  vsphere,
  hyperv,
  container,
  xen,
}: MachineDefinition): readonly Asked[] => [
  ['nativeName', Buffer.byteLength(nativeName)],
  ['cpu.count', cpuCount],
  ...given('cpu.maxCount', maxCpuCount),
  ...given('cpu.shares', cpuShares),
  ['memory.size', memoryBytes],
  ...given('memory.maxSize', maxMemoryBytes),
  ...given('memory.minSize', minMemoryBytes),
  ...given('firmware.type', firmware),
  ...given('firmware.secureBoot', secureBoot ? 'true' : undefined),
  ...given('firmware.tpm', tpm),
  ...given('boot.kernel', boot?.kernel),
  ...given('boot.order', bootOrder && JSON.stringify(bootOrder)),
  ...disks.flatMap(askedOfDisk),
  ...cdroms.flatMap(askedOfCdrom),
  ...interfaces.flatMap(askedOfInterface),
  ...given('devices.serial', serial ? 'true' : undefined),
  ...given('devices.serial.log', serialLog),
  ...given('devices.rng', rng ? 'true' : undefined),
  ...given('devices.guestAgent', guestAgent ? 'true' : undefined),
  ...given('devices.graphics.type', graphics?.type),
  ...given('devices.graphics.password', graphics?.password && '***'),
  ...(seed === undefined ? [] : given(seedFields[seed.kind], seed.location)),
  ...given('vsphere.guestId', vsphere?.guestId),
  ...given('hyperv.memoryBufferPercent', hyperv?.memoryBufferPercent),
  ...(hyperv?.comPorts ?? []).flatMap((port) => given('hyperv.comPorts', port)),
  ...given('container', container?.root),
  ...given('container.mounts', container?.mounts?.map(({ path }) => path).join(', ')),
  ...given('container.privileged', container?.privileged && 'true'),
  ...given('container.limits', container?.limits && JSON.stringify(container.limits)),
  ...given('xen.mode', xen?.mode),
];

/** Throws Unsupported for a field this host does not know, Invalid for a value it does not accept. */
export function mustFit(definition: MachineDefinition, capabilities: readonly Capability[]): void {
  if (definition.secureBoot === true && definition.firmware !== 'UEFI')
    throw new DriverError('Invalid', 'firmware.secureBoot: true given, this host accepts it with firmware.type UEFI');
  mustBePassword(definition.graphics?.password);
  for (const [field, given] of asked(definition)) {
    const capability = capabilities.find((one) => one.field === field);
    if (capability === undefined) throw new DriverError('Unsupported', `${field}: ${given} given, this host does not know it`);
    mustAccept(capability, given);
  }
}

function mustBePassword(password: string | undefined): void {
  if (password !== undefined && !/^[ -~]{1,8}$/.test(password))
    throw new DriverError('Invalid', 'devices.graphics.password: this host accepts 1 to 8 printable ASCII characters');
}

function mustAccept({ field, values, min = -Infinity, max = Infinity }: Capability, given: string | number): void {
  const accepted = values?.join(', ') ?? `${min} to ${max}`;
  const fits = values === undefined ? typeof given === 'string' || (given >= min && given <= max) : values.includes(String(given));
  if (!fits) throw new DriverError('Invalid', `${field}: ${given} given, this host accepts ${accepted}`);
}

/** What is not spoken of stays, but for the ports: those are as they are asked for. */
function hypervOf({ hyperv }: MachineShape, before: MachineShape | undefined): Pick<MachineShape, 'hyperv'> {
  const memoryBufferPercent = hyperv?.memoryBufferPercent ?? before?.hyperv?.memoryBufferPercent;
  const { comPorts = [] } = hyperv ?? {};
  if (memoryBufferPercent === undefined && comPorts.length === 0) return {};
  return {
    hyperv: { ...(memoryBufferPercent === undefined ? {} : { memoryBufferPercent }), ...(comPorts.length === 0 ? {} : { comPorts }) },
  };
}

/** The shape with the host's choices filled in; what was chosen before is kept. */
export function chosen(definition: MachineDefinition, before: MachineShape | undefined, newMacAddress: () => string): MachineShape {
  const { uuid: _uuid, nativeName: _nativeName, secureBoot, firmware: _firmware, ...rest } = definition;
  const { maxCpuCount, maxMemoryBytes, minMemoryBytes, ...shape } = rest;
  const firmware = shape.container === undefined ? (definition.firmware ?? before?.firmware ?? 'BIOS') : undefined;
  const isSecure = firmware === 'UEFI' && (secureBoot ?? before?.secureBoot ?? false);
  const diskOf = (name: string) => before?.disks.find((disk) => disk.name === name);
  const cdromOf = (name: string) => before?.cdroms?.find((cdrom) => cdrom.name === name);
  const bootOrder = shape.bootOrder ?? before?.bootOrder;
  const vsphere = shape.vsphere ?? before?.vsphere;
  const cpuShares = shape.cpuShares ?? before?.cpuShares;
  const xen = shape.xen ?? before?.xen;
  const hyperv = hypervOf(shape, before);
  const least = Math.min(minMemoryBytes ?? before?.minMemoryBytes ?? shape.memoryBytes, shape.memoryBytes);
  const interfaceOf = (name: string) => before?.interfaces.find((one) => one.name === name);
  return structuredClone({
    ...shape,
    ...(shape.seed === undefined ? {} : { seed: { kind: shape.seed.kind, location: shape.seed.location } }),
    ...hyperv,
    ...roomOf('maxCpuCount', shape.cpuCount, maxCpuCount ?? before?.maxCpuCount),
    ...roomOf('maxMemoryBytes', shape.memoryBytes, maxMemoryBytes ?? before?.maxMemoryBytes),
    ...(cpuShares === undefined ? {} : { cpuShares }),
    ...(shape.container === undefined ? {} : { container: limited(shape.container, before?.container) }),
    ...(least < shape.memoryBytes ? { minMemoryBytes: least } : {}),
    ...(vsphere === undefined ? {} : { vsphere }),
    ...(xen === undefined ? {} : { xen }),
    ...(shape.graphics === undefined ? {} : { graphics: { ...before?.graphics, ...shape.graphics } }),
    ...(firmware === undefined ? {} : { firmware }),
    ...(isSecure ? { secureBoot: true } : {}),
    ...(bootOrder === undefined ? {} : { bootOrder }),
    disks: shape.disks.map((disk) => ({ ...tuningOf(diskOf(disk.name)), ...disk, bus: disk.bus ?? diskOf(disk.name)?.bus ?? 'VirtioBlk' })),
    ...(shape.cdroms === undefined
      ? {}
      : { cdroms: shape.cdroms.map((cdrom) => ({ ...cdrom, bus: cdrom.bus ?? cdromOf(cdrom.name)?.bus ?? 'SATA' })) }),
    interfaces: shape.interfaces.map((one) => ({
      ...wiringOf(interfaceOf(one.name)),
      ...one,
      model: one.model ?? interfaceOf(one.name)?.model ?? 'Virtio',
      macAddress: one.macAddress ?? interfaceOf(one.name)?.macAddress ?? newMacAddress(),
    })),
  });
}

const limited = (container: ContainerShape, before: ContainerShape | undefined): ContainerShape => ({
  ...(before?.limits === undefined ? {} : { limits: before.limits }),
  ...container,
});

/** What stays as it is when nobody speaks of it. */
const tuningOf = ({ cache, io, discard, limits }: Partial<MachineDisk> = {}): Partial<MachineDisk> => ({
  ...(cache === undefined ? {} : { cache }),
  ...(io === undefined ? {} : { io }),
  ...(discard === undefined ? {} : { discard }),
  ...(limits === undefined ? {} : { limits }),
});

const wiringOf = ({ mtu, linkState }: Partial<MachineInterface> = {}): Partial<MachineInterface> => ({
  ...(mtu === undefined ? {} : { mtu }),
  ...(linkState === undefined ? {} : { linkState }),
});

/** A maximum is told only where it is more than there is. */
const roomOf = <K extends string>(name: K, now: number, most = now): { readonly [_ in K]?: number } =>
  most > now ? ({ [name]: most } as { readonly [_ in K]: number }) : {};
