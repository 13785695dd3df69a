import type { MachineDefinition } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { diskBuses, nativeBus } from '../../xml/bus.js';
import type { DomainCapabilities } from '../../xml/capabilities.js';
import { emulatedModels } from '../capabilities.js';
import { canBootSecurely, canEmulateTpm, canShow, firmwaresOf, mostOf, type QemuOffer } from './offer.js';

/** Refuses what the host's capabilities do not accept; it might take the definition, and fail when the machine is started. */
export function checkFits(definition: MachineDefinition, offer: QemuOffer): void {
  const { firmware = 'BIOS', graphics } = definition;
  const { domain } = offer;
  if (graphics !== undefined && !canShow(domain))
    throw new DriverError(
      'Unsupported',
      `devices.graphics.type: ${graphics.type} was given; accepted: none, as the host's QEMU has no VNC`,
    );
  const firmwares = firmwaresOf(domain);
  if (!firmwares.includes(firmware))
    throw new DriverError('Invalid', `firmware.type: ${firmware} was given; accepted: ${firmwares.join(', ')}`);
  checkTrust(definition, domain);
  checkForeign(definition);
  checkBuses(definition, domain.diskBuses);
  checkMost(definition, mostOf(offer));
}

function checkForeign({ xen, interfaces }: MachineDefinition): void {
  if (xen !== undefined) throw new DriverError('Unsupported', `xen: was given; accepted: nothing, as this host is not Xen`);
  const foreign = interfaces.find(({ model }) => model !== undefined && !emulatedModels.includes(model));
  if (foreign === undefined) return;
  const { name, model } = foreign;
  throw new DriverError('Invalid', `interface "${name}": model: ${model} was given; accepted: ${emulatedModels.join(', ')}`);
}

function checkTrust({ secureBoot = false, tpm }: MachineDefinition, domain: DomainCapabilities): void {
  const lack = (field: string, remedy: string) => new DriverError('Unsupported', `${field} was given; accepted: nothing, as ${remedy}`);
  if (secureBoot && !canBootSecurely(domain)) throw lack('firmware.secureBoot', noSecureBoot);
  if (tpm !== undefined && !canEmulateTpm(domain)) throw lack('firmware.tpm', noTpm);
}

const noSecureBoot = 'the host has no firmware for it; install it there (Debian: ovmf)';
const noTpm = 'the host has no emulator for it; install it there (Debian: swtpm, swtpm-tools), and start its libvirt daemon anew';

function checkBuses({ disks, cdroms = [] }: MachineDefinition, native: readonly string[]): void {
  const asked = [...disks.map(({ bus }) => bus), ...cdroms.map(({ bus = 'SATA' }) => bus)];
  const has = diskBuses.filter((bus) => native.includes(nativeBus(bus)));
  const lacked = asked.find((bus) => bus !== undefined && !has.includes(bus));
  if (lacked !== undefined) throw new DriverError('Invalid', `disks.bus: ${lacked} was given; accepted: ${has.join(', ')}`);
}

function checkMost(definition: MachineDefinition, most: ReturnType<typeof mostOf>): void {
  const { cpuCount, maxCpuCount = cpuCount, memoryBytes, maxMemoryBytes = memoryBytes } = definition;
  const asked = [
    ['cpu.count', cpuCount, most.cpuCount, 'CPUs'],
    ['cpu.maxCount', maxCpuCount, most.cpuCount, 'CPUs'],
    ['memory.size', memoryBytes, most.memoryBytes, 'bytes'],
    ['memory.maxSize', maxMemoryBytes, most.memoryBytes, 'bytes'],
  ] as const;
  for (const [field, given, max, unit] of asked)
    if (given > max) throw new DriverError('Invalid', `${field}: ${given} ${unit} were given; accepted: at most ${max}`);
}
