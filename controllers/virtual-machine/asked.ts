import { inAscii } from '#drivers/ascii.js';
import type { MachineCdrom, MachineDefinition, MachineDisk, MachineInterface, SeedKind } from '#drivers/driver.js';
import type { Asked } from '../fit.js';
import { seedFields } from './seed-kind.js';

/** A disk whose volume is not made yet has no format: it gets one that the host accepts. */
type AskedDisk = Omit<MachineDisk, 'format'> & { readonly format?: string };
type AskedDefinition = Omit<MachineDefinition, 'uuid' | 'disks'> & { readonly disks: readonly AskedDisk[] };

/** What of a definition a host may not have. A native name is none of the manifest's fields, and yet may be too long. */
export function asked(definition: AskedDefinition): readonly Asked[] {
  const { nativeName, disks, cdroms = [], interfaces, seed } = definition;
  return [
    { field: 'nativeName', path: 'the length of namespace and name', given: Buffer.byteLength(nativeName) },
    ...given('cpu.count', definition.cpuCount),
    ...given('cpu.maxCount', definition.maxCpuCount),
    ...given('cpu.shares', definition.cpuShares),
    ...given('memory.size', definition.memoryBytes),
    ...given('memory.maxSize', definition.maxMemoryBytes),
    ...given('memory.minSize', definition.minMemoryBytes),
    ...given('firmware.type', definition.firmware),
    ...there('firmware.secureBoot', definition.secureBoot === true),
    ...given('firmware.tpm', definition.tpm),
    ...there('boot.kernel', definition.boot !== undefined),
    ...there('boot.order', definition.bootOrder !== undefined),
    ...disks.flatMap(askedOfDisk),
    ...cdroms.flatMap(askedOfCdrom),
    ...interfaces.flatMap(askedOfInterface),
    ...there('devices.serial', definition.serial),
    ...there('devices.serial.log', definition.serialLog !== undefined, 'spec.devices.serial'),
    ...there('devices.rng', definition.rng),
    ...there('devices.guestAgent', definition.guestAgent === true),
    ...given('devices.graphics.type', definition.graphics?.type),
    ...there('devices.graphics.password', definition.graphics?.password !== undefined, 'spec.devices.graphics'),
    ...(seed === undefined ? [] : there(seedFields[seed.kind], true)),
    ...(seed?.content === undefined ? [] : askedOfContent(seed.kind, seed.content)),
    ...given('vsphere.guestId', definition.vsphere?.guestId),
    ...given('hyperv.memoryBufferPercent', definition.hyperv?.memoryBufferPercent),
    ...(definition.hyperv?.comPorts ?? []).flatMap((port) => given('hyperv.comPorts', port)),
    ...there('container', definition.container !== undefined),
    ...there('container.mounts', definition.container?.mounts !== undefined),
    ...there('container.privileged', definition.container?.privileged === true),
    ...there('container.limits', definition.container?.limits !== undefined),
    ...given('xen.mode', definition.xen?.mode),
  ];
}

const given = (field: string, value: string | number | undefined, path = `spec.${field}`): readonly Asked[] =>
  value === undefined ? [] : [{ field, path, given: value }];

const there = (field: string, isThere: boolean, path = `spec.${field}`): readonly Asked[] => (isThere ? [{ field, path }] : []);

/** Ignition's JSON counts as it would be in ASCII. A disc has room for whatever a Secret holds. */
function askedOfContent(kind: SeedKind, content: Uint8Array): readonly Asked[] {
  if (kind !== 'Ignition') return [];
  const bytes = inAscii(Buffer.from(content).toString()).length;
  return given('ignition.size', bytes, `spec.ignition${bytes === content.length ? '' : ', with \\u for what is not ASCII'}`);
}

function askedOfDisk({ name, bus, format, serial, cache, io, discard, limits }: AskedDisk): readonly Asked[] {
  const path = (field: string) => `spec.disks[${name}].${field}`;
  return [
    ...given('disks.format', format, `the format of the volume of spec.disks[${name}]`),
    ...given('disks.bus', bus, path('bus')),
    ...there('disks.serial', serial !== undefined, path('serial')),
    ...given('disks.cache', cache, path('cache')),
    ...given('disks.io', io, path('io')),
    ...given('disks.discard', discard, path('discard')),
    ...there('disks.limits', limits !== undefined, path('limits')),
  ];
}

const askedOfCdrom = ({ name, bus }: MachineCdrom): readonly Asked[] => [
  ...there('disks.cdrom', true, `spec.disks[${name}].cdrom`),
  ...given('disks.bus', bus, `spec.disks[${name}].bus`),
];

function askedOfInterface({ name, model, macAddress, mtu, vlan, linkState }: MachineInterface): readonly Asked[] {
  const path = (field: string) => `spec.interfaces[${name}].${field}`;
  return [
    ...there('interfaces.network', true, `spec.interfaces[${name}]`),
    ...given('interfaces.model', model, path('model')),
    ...there('interfaces.macAddress', macAddress !== undefined, path('macAddress')),
    ...given('interfaces.mtu', mtu, path('mtu')),
    ...given('interfaces.vlan', vlan, path('vlan')),
    // A cable that is plugged in is what every host has.
    ...there('interfaces.linkState', linkState === 'Down', path('linkState')),
  ];
}
