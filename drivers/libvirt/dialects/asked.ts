import type { MachineCdrom, MachineDefinition, MachineDisk, MachineInterface } from '#drivers/driver.js';

/** What a definition asks of a host: the field, as capabilities call it, and what is given. Sizes are bytes, and of a name its bytes are counted. */
export type Asked = readonly [field: string, given: string | number];

const given = (field: string, value: string | number | undefined): readonly Asked[] => (value === undefined ? [] : [[field, value]]);
const wanted = (field: string, value: boolean | undefined): readonly Asked[] => (value === true ? [[field, 'true']] : []);

export const askedOf = (definition: MachineDefinition): readonly Asked[] => [
  ['nativeName', Buffer.byteLength(definition.nativeName)],
  ['cpu.count', definition.cpuCount],
  ...given('cpu.maxCount', definition.maxCpuCount),
  ...given('cpu.shares', definition.cpuShares),
  ['memory.size', definition.memoryBytes],
  ...given('memory.maxSize', definition.maxMemoryBytes),
  ...given('memory.minSize', definition.minMemoryBytes),
  ...given('firmware.type', definition.firmware),
  ...wanted('firmware.secureBoot', definition.secureBoot),
  ...given('firmware.tpm', definition.tpm),
  ...given('boot.kernel', definition.boot?.kernel),
  ...given('boot.order', definition.bootOrder?.map(({ name }) => name).join(', ')),
  ...definition.disks.flatMap(askedOfDisk),
  ...(definition.cdroms ?? []).flatMap(askedOfCdrom),
  ...definition.interfaces.flatMap(askedOfInterface),
  ...askedOfDevices(definition),
];

const askedOfDevices = (definition: MachineDefinition): readonly Asked[] => [
  ...wanted('devices.serial', definition.serial),
  ...given('devices.serial.log', definition.serialLog),
  ...wanted('devices.rng', definition.rng),
  ...wanted('devices.guestAgent', definition.guestAgent),
  ...given('devices.graphics.type', definition.graphics?.type),
  // What is given is never told.
  ...wanted('devices.graphics.password', definition.graphics?.password !== undefined),
  ...(definition.seed === undefined ? [] : given(seedFields[definition.seed.kind], definition.seed.kind)),
  ...given('vsphere.guestId', definition.vsphere?.guestId),
  ...given('hyperv.memoryBufferPercent', definition.hyperv?.memoryBufferPercent),
  ...(definition.hyperv?.comPorts ?? []).flatMap((port) => given('hyperv.comPorts', port)),
  ...given('container', definition.container?.root),
  ...given('container.mounts', definition.container?.mounts?.map(({ path }) => path).join(', ')),
  ...wanted('container.privileged', definition.container?.privileged),
  ...given('container.limits', definition.container?.limits && Object.keys(definition.container.limits).join(', ')),
  ...given('xen.mode', definition.xen?.mode),
];

const seedFields = { CloudInit: 'cloudInit', Ignition: 'ignition', Sysprep: 'sysprep' } as const;

const askedOfDisk = ({ bus, format, serial, cache, io, discard, limits }: MachineDisk): readonly Asked[] => [
  ['disks.format', format],
  ...given('disks.bus', bus),
  ...given('disks.serial', serial),
  ...given('disks.cache', cache),
  ...given('disks.io', io),
  ...given('disks.discard', discard),
  ...given('disks.limits', limits && Object.keys(limits).join(', ')),
];

const askedOfCdrom = ({ name, bus }: MachineCdrom): readonly Asked[] => [['disks.cdrom', name], ...given('disks.bus', bus)];

const askedOfInterface = ({ network, model, macAddress, mtu, vlan, linkState }: MachineInterface): readonly Asked[] => [
  ['interfaces.network', network],
  ...given('interfaces.model', model),
  ...given('interfaces.macAddress', macAddress),
  ...given('interfaces.mtu', mtu),
  ...given('interfaces.vlan', vlan),
  ...given('interfaces.linkState', linkState === 'Down' ? linkState : undefined),
];
