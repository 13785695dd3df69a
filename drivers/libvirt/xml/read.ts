import type { Hardware, MachineShape } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { meaningOf } from '#drivers/words.js';
import { attribute, child, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { readBootOrder } from './boot-order.js';
import { hasGuestAgent } from './channel.js';
import { readCdroms, readDisks } from './disk.js';
import { hasSecureBoot, readFirmware } from './firmware.js';
import { readGraphics, readVideo } from './graphics.js';
import { readInterfaces } from './interface.js';
import { readKernelBoot } from './kernel-boot.js';
import { hasRng } from './rng.js';
import { readSeed } from './seed.js';
import { hasSerial, readSerialLog } from './serial.js';
import { readShares } from './shares.js';
import { readCpuCount, readMaxCpuCount, readMaxMemory, readMemory } from './sizes.js';
import { readTpm, readTpmModel } from './tpm.js';

export interface DomainIdentity {
  readonly uuid: string;
  readonly nativeName: string;
}

export function readIdentity(domain: XmlElement): DomainIdentity {
  const [uuid, nativeName] = [textOf(child(domain, 'uuid')), textOf(child(domain, 'name'))];
  if (uuid === undefined || nativeName === undefined) throw new DriverError('Invalid', 'domain XML: the name or the uuid is missing');
  return { uuid: uuid.toLowerCase(), nativeName };
}

/** The hardware in our words. Of devices only those are told that a definition speaks of, and of disks and interfaces only those that carry a name. */
export function readShape(domain: XmlElement): MachineShape {
  const devices = child(domain, 'devices');
  const boot = readKernelBoot(child(domain, 'os'));
  const bootOrder = readBootOrder(domain);
  const cdroms = readCdroms(devices);
  const tpm = readTpm(devices);
  const graphics = readGraphics(devices);
  const seed = readSeed(domain);
  const cpuShares = readShares(domain);
  const serialLog = readSerialLog(devices);
  return {
    cpuCount: readCpuCount(domain) ?? 1,
    ...room('maxCpuCount', readCpuCount(domain), readMaxCpuCount(domain)),
    ...(cpuShares === undefined ? {} : { cpuShares }),
    memoryBytes: readMemory(domain) ?? 0,
    ...room('maxMemoryBytes', readMemory(domain), readMaxMemory(domain)),
    firmware: readFirmware(child(domain, 'os')),
    ...(hasSecureBoot(child(domain, 'os')) ? { secureBoot: true } : {}),
    ...(tpm === undefined ? {} : { tpm }),
    ...(boot === undefined ? {} : { boot }),
    ...(bootOrder === undefined ? {} : { bootOrder }),
    disks: readDisks(devices),
    ...(cdroms.length === 0 ? {} : { cdroms }),
    interfaces: readInterfaces(devices),
    serial: hasSerial(devices),
    ...(serialLog === undefined ? {} : { serialLog }),
    rng: hasRng(devices),
    ...(hasGuestAgent(devices) ? { guestAgent: true } : {}),
    ...(graphics === undefined ? {} : { graphics }),
    ...(seed === undefined ? {} : { seed }),
  };
}

/** A maximum says something only where it is more than there is. */
function room<K extends string>(name: K, now = 0, most = 0): { readonly [_ in K]?: number } {
  return most > now ? ({ [name]: most } as { readonly [_ in K]: number }) : {};
}

const accelerators: Readonly<Record<string, string>> = { kvm: 'KVM', qemu: 'TCG' };
const cpuModes: Readonly<Record<string, string>> = { 'host-model': 'HostModel', 'host-passthrough': 'HostPassthrough', maximum: 'Maximum' };

/** What was left to the host, and what it became. */
export function readHardware(domain: XmlElement): Hardware {
  const type = attribute(domain, 'type');
  const os = child(domain, 'os');
  const cpu = child(domain, 'cpu');
  const found = {
    accelerator: meaningOf(accelerators, type) ?? type,
    architecture: attribute(child(os, 'type'), 'arch'),
    machine: attribute(child(os, 'type'), 'machine'),
    cpu: meaningOf(cpuModes, attribute(cpu, 'mode')) ?? textOf(child(cpu, 'model')),
    firmware: readFirmware(os),
    tpm: readTpmModel(child(domain, 'devices')),
    video: readVideo(child(domain, 'devices')),
  };
  return Object.fromEntries(Object.entries(found).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
