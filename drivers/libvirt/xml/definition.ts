import { normalize } from 'node:path/posix';
import type {
  BootDevice,
  DiskBus,
  MachineCdrom,
  MachineDefinition,
  MachineDisk,
  MachineGraphics,
  MachineInterface,
} from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';

import { cdromBuses, diskBuses } from './bus.js';
import { volumeFormats } from './format.js';
import { graphicsPrefix } from './graphics.js';
import { interfaceModels, interfacePrefix } from './interface.js';
import { parseLocation } from './rbd.js';
import { seedPrefix } from './seed.js';
import { leastShares, mostShares } from './shares.js';

export const bytesPerMiB = 1024 * 1024;

/** libvirt keeps a machine's definition in a file of its name, written anew as `<name>.xml.new`; file names have at most 255 bytes. */
export const maxNameBytes = 247;

/** What QEMU's virtio-blk shows of a serial; the rest it would cut off without a word. */
export const maxSerialBytes = 20;

/**
 * Refuses what libvirt would round, cut or misread, so that what is read back is what was asked.
 * @throws DriverError Invalid, naming the field, what was given, and what would be accepted
 */
export function checkDefinition(definition: MachineDefinition): void {
  const {
    nativeName,
    cpuCount,
    memoryBytes,
    boot,
    bootOrder = [],
    disks,
    cdroms = [],
    interfaces,
    graphics,
    seed,
    serialLog,
    vsphere,
    container,
  } = definition;
  checkName('nativeName', nativeName, maxNameBytes);
  if (!Number.isSafeInteger(cpuCount) || cpuCount < 1) refuse('cpu.count', cpuCount, 'a whole number, 1 or more');
  if (!Number.isSafeInteger(memoryBytes) || memoryBytes < bytesPerMiB || memoryBytes % bytesPerMiB !== 0)
    refuse('memory.size', `${memoryBytes} bytes`, `whole MiB (multiples of ${bytesPerMiB} bytes), 1 or more`);
  checkRoom(definition);
  for (const [field, path] of Object.entries({ kernel: boot?.kernel, initrd: boot?.initrd }))
    if (path !== undefined) checkPath(`boot.${field}`, path);
  if (seed !== undefined) checkPath('seed', seed.location);
  if (serialLog !== undefined) checkLog(serialLog);
  if (graphics !== undefined) checkGraphics(graphics);
  if (definition.secureBoot === true && definition.firmware !== 'UEFI')
    refuse('firmware.secureBoot', `true with firmware ${definition.firmware ?? 'left to the host'}`, 'it with firmware.type UEFI');
  for (const disk of disks) checkDisk(disk);
  for (const cdrom of cdroms) checkCdrom(cdrom);
  if (container !== undefined) throw new DriverError('Unsupported', 'container: was given; accepted: nothing, as this host has none');
  if (vsphere !== undefined) throw new DriverError('Unsupported', 'vsphere: was given; accepted: nothing, as this host is not vSphere');
  for (const each of interfaces) checkInterface(each);
  checkBootOrder(bootOrder, definition);
  refuseTwice('disks', [...disks, ...cdroms]);
  refuseTwice('interfaces', interfaces);
}

function checkRoom(definition: MachineDefinition): void {
  const { cpuCount, maxCpuCount = cpuCount, cpuShares = leastShares, memoryBytes, maxMemoryBytes = memoryBytes } = definition;
  if (!Number.isSafeInteger(cpuShares) || cpuShares < leastShares || cpuShares > mostShares)
    refuse('cpu.shares', cpuShares, `a whole number from ${leastShares} to ${mostShares}`);
  if (!Number.isSafeInteger(maxCpuCount) || maxCpuCount < cpuCount)
    refuse('cpu.maxCount', maxCpuCount, `a whole number, cpu.count (${cpuCount}) or more`);
  if (!Number.isSafeInteger(maxMemoryBytes) || maxMemoryBytes < memoryBytes || maxMemoryBytes % bytesPerMiB !== 0)
    refuse('memory.maxSize', `${maxMemoryBytes} bytes`, `whole MiB, memory.size (${memoryBytes} bytes) or more`);
}

function checkBootOrder(order: readonly BootDevice[], { disks, cdroms = [], interfaces }: MachineDefinition): void {
  for (const { kind, name } of order)
    if (!(kind === 'disk' ? [...disks, ...cdroms] : interfaces).some((one) => one.name === name))
      refuse('boot.order', `"${name}"`, `the names of its disks and interfaces`);
}

function refuseTwice(field: string, named: readonly { readonly name: string }[]): void {
  const twice = named.find(({ name }, at) => named.findIndex((other) => other.name === name) !== at);
  if (twice !== undefined) refuse(field, `"${twice.name}" twice`, 'every name once');
}

const aliasable = /^[a-zA-Z0-9_-]+$/;
const aliasableText = 'letters, digits, "-" and "_", which a device alias can carry';

function checkInterface({ name, network, model, macAddress }: MachineInterface): void {
  if (!aliasable.test(name)) refuse('interfaces.name', `"${name}"`, aliasableText);
  if (model !== undefined && !interfaceModels.includes(model))
    refuse(`interface "${name}": model`, `"${model}"`, interfaceModels.join(', '));
  if (!/^[^\p{Cc}/]+$/u.test(network)) refuse(`interface "${name}": network`, JSON.stringify(network), 'the name of a network on the host');
  if (macAddress !== undefined && !/^(?!fe)[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/.test(macAddress))
    refuse(
      `interface "${name}": macAddress`,
      `"${macAddress}"`,
      'that of one interface, in lower case, not beginning with fe, as 52:54:00:12:34:56',
    );
}

/** By its name it is known again as ours. */
function checkLog(path: string): void {
  checkPath('devices.serial.log', path);
  if (!path.endsWith('.console')) refuse('devices.serial.log', `"${path}"`, 'the path of a file whose name ends in .console');
}

/** What is given is never told again. */
function checkGraphics({ password }: MachineGraphics): void {
  if (password !== undefined && !/^[ -~]{1,8}$/.test(password))
    refuse(
      'devices.graphics.password',
      `one of ${password.length} characters`,
      '1 to 8 printable ASCII characters, which is all that VNC heeds',
    );
}

function checkCdrom({ name, location, bus }: MachineCdrom): void {
  checkDiskName(name, bus, cdromBuses);
  if (location !== undefined) checkLocation(`disk "${name}": cdrom`, location);
}

/** Aliases are one set for all devices of a machine. */
const prefixes = [interfacePrefix, seedPrefix, graphicsPrefix, 'console_'];

function checkDiskName(name: string, bus: DiskBus | undefined, buses: readonly DiskBus[]): void {
  if (bus !== undefined && !buses.includes(bus)) refuse(`disk "${name}": bus`, `"${bus}"`, buses.join(', '));
  if (!aliasable.test(name) || prefixes.some((prefix) => name.startsWith(prefix)))
    refuse('disks.name', `"${name}"`, `${aliasableText}, not beginning with "${prefixes.join('", "')}"`);
}

function checkDisk({ name, location, serial, bus, format, cache, io, limits = {} }: MachineDisk): void {
  checkDiskName(name, bus, diskBuses);
  if (!volumeFormats.includes(format)) refuse(`disk "${name}": format`, `"${format}"`, volumeFormats.join(', '));
  checkLocation(`disk "${name}"`, location);
  if (io === 'Native' && cache !== 'None' && cache !== 'DirectSync')
    refuse(`disk "${name}": io`, `Native with cache ${cache ?? 'left to the host'}`, 'Native with cache None or DirectSync');
  for (const [limit, most] of Object.entries(limits))
    if (!Number.isSafeInteger(most) || most < 1) refuse(`disk "${name}": limits.${limit}`, most, 'a whole number, 1 or more');
  if (serial !== undefined && (!/^[a-zA-Z0-9_.+ -]+$/.test(serial) || serial.length > maxSerialBytes))
    refuse(`disk "${name}": serial`, `"${serial}"`, `1 to ${maxSerialBytes} letters, digits, blanks, ".", "+", "-" and "_"`);
}

/** A path, or an image of a Ceph pool as its volume tells it. */
function checkLocation(field: string, location: string): void {
  if (parseLocation(location) === undefined) checkPath(field, location);
}

/** Absolute, and written as it will be read back. */
export function checkPath(field: string, path: string): void {
  if (!path.startsWith('/') || normalize(path) !== path)
    refuse(field, `"${path}"`, 'an absolute path on the host, without "//", "." and ".."');
}

/** Names become names of files. */
export function checkName(field: string, name: string, maxBytes: number): void {
  const bytes = Buffer.byteLength(name);
  const printable = [...name].every((char) => char !== '/' && char >= ' ' && char !== '\u007f');
  if (!printable || ['', '.', '..'].includes(name.trim()) || bytes > maxBytes)
    refuse(
      field,
      `${JSON.stringify(name)} (${bytes} bytes)`,
      `1 to ${maxBytes} bytes without "/" and control characters, but not "." or ".."`,
    );
}

/** What LVM takes as the name of a volume. */
export function checkDeviceName(name: string): void {
  if (!/^[A-Za-z0-9_.+][A-Za-z0-9_.+-]{0,126}$/.test(name) || /^(snapshot|pvmove)|^\.{1,2}$/.test(name))
    refuse('nativeName', JSON.stringify(name), '1 to 127 letters, digits and "_.+-", not beginning with "-", "snapshot" or "pvmove"');
}

export function refuse(field: string, given: string | number, accepted: string): never {
  throw new DriverError('Invalid', `${field}: ${given} was given; accepted: ${accepted}`);
}
