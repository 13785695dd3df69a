import type { Firmware, MachineDefinition } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { checkDevices } from './definition-devices.js';
import { checkSeed } from './ignition.js';
import { comPortNames } from './notes.js';
import { maxDynamicBytes, type VersionLimits } from './wmi/limits.js';

/** Hyper-V counts a machine's memory in MiB, and wants them even. */
export const memoryStepBytes = 2 * 2 ** 20;
export const minMemoryBytes = 32 * 2 ** 20;
export const [minBufferPercent, maxBufferPercent] = [5, 2000];
/** In characters, which we take as bytes: what Hyper-V Manager takes. */
export const maxNameBytes = 100;

const generations: Readonly<Record<Firmware, 1 | 2>> = { BIOS: 1, UEFI: 2 };

export const firmwareOf = (generation: 1 | 2): Firmware => (generation === 2 ? 'UEFI' : 'BIOS');

/** Of a new machine: the newest that the host has and that has what is asked for, when no firmware is. */
export function generationFor(
  { firmware, disks, cdroms = [] }: Pick<MachineDefinition, 'firmware' | 'disks' | 'cdroms'>,
  limits: VersionLimits,
): 1 | 2 {
  if (firmware !== undefined) return generations[firmware];
  const isOld = [...disks, ...cdroms].some(({ bus }) => bus === 'IDE') || disks.some(({ format }) => format === 'Vhd');
  return isOld ? 1 : (limits.generations.at(-1) ?? 1);
}

/**
 * Refuses what Hyper-V does not have, or would round or alter, so that what is read back is what was asked.
 * @throws DriverError Invalid or Unsupported, naming the field, what was given, and what would be accepted
 */
export function checkDefinition(definition: MachineDefinition, limits: VersionLimits): void {
  const { uuid, nativeName, cpuCount, firmware, secureBoot } = definition;
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(uuid)) refuse('uuid', JSON.stringify(uuid), 'a uuid as RFC 9562 writes it');
  checkName(nativeName);
  if (!Number.isSafeInteger(cpuCount) || cpuCount < 1) refuse('cpu.count', cpuCount, 'a whole number, 1 or more');
  checkMemory(definition);
  if (firmware !== undefined && !limits.generations.includes(generations[firmware]))
    refuse('firmware.type', firmware, limits.generations.map(firmwareOf).join(', '));
  if (secureBoot === true && firmware !== 'UEFI')
    refuse('firmware.secureBoot', `true with firmware ${firmware ?? 'left to the host'}`, 'it with firmware.type UEFI');
  checkComPorts(definition);
  checkAbsent(definition);
  checkSeed(definition, limits);
  checkDevices(definition, limits);
}

function checkMemory({ memoryBytes: size, minMemoryBytes: least, maxMemoryBytes: most, hyperv }: MachineDefinition): void {
  const given = { 'memory.size': size, 'memory.minSize': least, 'memory.maxSize': most };
  for (const [field, bytes = minMemoryBytes] of Object.entries(given))
    if (!Number.isSafeInteger(bytes) || bytes < minMemoryBytes || bytes % memoryStepBytes !== 0)
      refuse(field, `${bytes} bytes`, '32 MiB or more, in multiples of 2 MiB');
  if (least !== undefined && least > size) refuse('memory.minSize', `${least} bytes`, `at most memory.size (${size} bytes)`);
  if (most !== undefined && most < size) refuse('memory.maxSize', `${most} bytes`, `memory.size (${size} bytes) or more`);
  if (most !== undefined && most > maxDynamicBytes) refuse('memory.maxSize', `${most} bytes`, `at most ${maxDynamicBytes}`);
  const buffer = hyperv?.memoryBufferPercent;
  if (buffer === undefined) return;
  const field = 'hyperv.memoryBufferPercent';
  if (!Number.isSafeInteger(buffer) || buffer < minBufferPercent || buffer > maxBufferPercent)
    refuse(field, buffer, `${minBufferPercent} to ${maxBufferPercent}`);
  if ((least ?? size) === size && (most ?? size) === size)
    refuse(field, `${buffer} with memory that is not dynamic`, 'it with a memory.minSize below memory.size, or a memory.maxSize above it');
}

function checkComPorts({ hyperv }: MachineDefinition): void {
  const asked = hyperv?.comPorts ?? [];
  const isInOrder = asked.every((name, at) => comPortNames.includes(name) && (at === 0 || name > (asked[at - 1] ?? '')));
  if (!isInOrder) refuse('hyperv.comPorts', JSON.stringify(asked), `${comPortNames.join(', ')}, each once and in this order`);
}

/** Blanks at the ends some tools of Windows cut off, and control characters XML has no room for. */
export function checkName(name: string, field = 'nativeName'): void {
  const bytes = Buffer.byteLength(name);
  const isPlain = name === name.trim() && !/[\p{Cc}\p{Surrogate}\ufffe\uffff]/u.test(name);
  if (!isPlain || name === '' || bytes > maxNameBytes)
    refuse(
      field,
      `${JSON.stringify(name)} (${bytes} bytes)`,
      `1 to ${maxNameBytes} bytes without control characters and blanks at either end`,
    );
}

const noSerial =
  "a COM port of Hyper-V ends in a pipe of the host's, which is not reached from here; for the port alone ask for hyperv.comPorts";

function checkAbsent(definition: MachineDefinition): void {
  const { boot, bootOrder, disks, interfaces, guestAgent = false, maxCpuCount } = definition;
  const ofDisk = (field: 'cache' | 'io' | 'discard' | 'limits' | 'serial') => disks.some((disk) => disk[field] !== undefined);
  const absent = {
    'boot.kernel': boot !== undefined,
    'boot.order': bootOrder !== undefined,
    'cpu.maxCount': maxCpuCount !== undefined,
    'cpu.shares': definition.cpuShares !== undefined,
    'firmware.tpm': definition.tpm !== undefined,
    container: definition.container !== undefined,
    'devices.graphics': definition.graphics !== undefined,
    'devices.guestAgent': guestAgent,
    'devices.serial.log': definition.serialLog !== undefined,
    'devices.rng': definition.rng,
    'disks.cache': ofDisk('cache'),
    'disks.discard': ofDisk('discard'),
    'disks.io': ofDisk('io'),
    'disks.limits': ofDisk('limits'),
    'disks.serial': ofDisk('serial'),
    'interfaces.linkState': interfaces.some(({ linkState }) => linkState === 'Down'),
    'interfaces.mtu': interfaces.some(({ mtu }) => mtu !== undefined),
    xen: definition.xen !== undefined,
    vsphere: definition.vsphere !== undefined,
  };
  if (definition.serial) throw new DriverError('Unsupported', `devices.serial was given; ${noSerial}, and leave it out`);
  for (const [field, given] of Object.entries(absent))
    if (given) throw new DriverError('Unsupported', `${field} was given; on Hyper-V it is not accepted: leave it out`);
}

function refuse(field: string, given: string | number, accepted: string): never {
  throw new DriverError('Invalid', `${field}: ${given} was given; accepted: ${accepted}`);
}
