import type { MachineDefinition } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { nativeControllers } from './controller.js';
import { maxInterfaces, nativeCards } from './interface.js';
import { checkLocation } from './location.js';

/** ESX counts a machine's memory in these. */
export const memoryStepBytes = 4 * 2 ** 20;

/** In characters, which we take as bytes: what a host counts differs between its versions. */
export const maxNameBytes = 80;

/** Fifteen on each of four controllers. */
const maxDisks = 60;

/**
 * Refuses what vSphere does not have, or would round or alter, so that what is read back is what was asked.
 * @throws DriverError Invalid or Unsupported, naming the field, what was given, and what would be accepted
 */
export function checkDefinition(definition: MachineDefinition): void {
  const { uuid, cpuCount, memoryBytes, disks, interfaces } = definition;
  checkUuid(uuid);
  checkName('nativeName', definition.nativeName, maxNameBytes);
  if (!Number.isSafeInteger(cpuCount) || cpuCount < 1) refuse('cpu.count', cpuCount, 'a whole number, 1 or more');
  if (!Number.isSafeInteger(memoryBytes) || memoryBytes < memoryStepBytes || memoryBytes % memoryStepBytes !== 0)
    refuse('memory.size', `${memoryBytes} bytes`, `multiples of 4 MiB (${memoryStepBytes} bytes)`);
  checkAbsent(definition);
  checkDisks(disks);
  checkNames('interfaces', interfaces, maxInterfaces);
  for (const { name, model, macAddress } of interfaces) {
    if (model !== undefined && !Object.hasOwn(nativeCards, model))
      refuse(`interface "${name}": model`, model, Object.keys(nativeCards).join(', '));
    if (macAddress !== undefined && !/^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/.test(macAddress))
      refuse(`interface "${name}": macAddress`, JSON.stringify(macAddress), 'an address of one interface, in lower case');
  }
}

export function checkUuid(uuid: string): void {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(uuid)) refuse('uuid', JSON.stringify(uuid), 'a uuid as RFC 9562 writes it');
}

/** A name becomes a folder's and a file's. Slash, backslash and percent sign a host would keep as codes. */
export function checkName(field: string, name: string, maxBytes: number): void {
  const bytes = Buffer.byteLength(name);
  const plain = [...name].every((char) => !'/\\%'.includes(char) && char >= ' ' && char !== '\u007f') && name === name.trim();
  if (!plain || ['', '.', '..'].includes(name) || bytes > maxBytes || hasLoneSurrogate(name))
    refuse(
      field,
      `${JSON.stringify(name)} (${bytes} bytes)`,
      `1 to ${maxBytes} bytes without "/", "\\", "%", control characters and blanks at either end, but not "." or ".."`,
    );
}

const hasLoneSurrogate = (text: string): boolean => /\p{Surrogate}/u.test(text);

function checkAbsent(definition: MachineDefinition): void {
  const { boot, bootOrder, disks, cdroms = [], interfaces, guestAgent = false, seed, maxCpuCount, maxMemoryBytes } = definition;
  const ofDisk = (field: 'cache' | 'io' | 'discard' | 'limits') => disks.some((disk) => disk[field] !== undefined);
  const absent = {
    'boot.kernel': boot !== undefined,
    'boot.order': bootOrder !== undefined,
    container: definition.container !== undefined,
    'cpu.maxCount': maxCpuCount !== undefined,
    'cpu.shares': definition.cpuShares !== undefined,
    'firmware.secureBoot': definition.secureBoot === true,
    'firmware.tpm': definition.tpm !== undefined,
    'devices.graphics': definition.graphics !== undefined,
    'devices.guestAgent': guestAgent,
    'devices.serial.log': definition.serialLog !== undefined,
    'devices.rng': definition.rng,
    'disks.cache': ofDisk('cache'),
    'disks.cdrom': cdroms.length > 0,
    'disks.discard': ofDisk('discard'),
    'disks.io': ofDisk('io'),
    'disks.limits': ofDisk('limits'),
    'interfaces.linkState': interfaces.some(({ linkState }) => linkState === 'Down'),
    'interfaces.mtu': interfaces.some(({ mtu }) => mtu !== undefined),
    'interfaces.vlan': interfaces.some(({ vlan }) => vlan !== undefined),
    'memory.maxSize': maxMemoryBytes !== undefined,
    'memory.minSize': definition.minMemoryBytes !== undefined,
    seed: seed !== undefined,
    xen: definition.xen !== undefined,
    'hyperv.memoryBufferPercent': definition.hyperv?.memoryBufferPercent !== undefined,
    'hyperv.comPorts': definition.hyperv?.comPorts !== undefined,
  };
  for (const [field, given] of Object.entries(absent))
    if (given) throw new DriverError('Unsupported', `${field} was given; on vSphere it is not accepted`);
}

function checkDisks(disks: MachineDefinition['disks']): void {
  checkNames('disks', disks, maxDisks);
  for (const disk of disks) {
    const field = `disk "${disk.name}"`;
    checkLocation(field, disk.location);
    if (disk.format !== 'Vmdk') refuse(`${field}: format`, disk.format, 'Vmdk');
    if (disk.bus !== undefined && !Object.hasOwn(nativeControllers, disk.bus))
      refuse(`${field}: bus`, disk.bus, Object.keys(nativeControllers).join(', '));
    if (disk.serial !== undefined) throw new DriverError('Unsupported', `${field}: serial was given; on vSphere it is not accepted`);
  }
}

function checkNames(field: string, named: readonly { readonly name: string }[], most: number): void {
  const twice = named.find((one, at) => named.findIndex((other) => other.name === one.name) !== at);
  if (twice !== undefined) refuse(field, `"${twice.name}" twice`, 'every name once');
  if (named.length > most) refuse(field, named.length, `at most ${most}`);
}

function refuse(field: string, given: string | number, accepted: string): never {
  throw new DriverError('Invalid', `${field}: ${given} was given; accepted: ${accepted}`);
}
