import { unlessAborted } from '#drivers/deadline.js';
import type { Firmware, MachineDefinition } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { Daemon } from './daemon.js';
import { type Finding, type Probed, probeKvm } from './probe.js';
import type { Connection } from './rpc/connection.js';
import { connectGetCapabilities, connectGetDomainCapabilities, nodeGetInfo } from './rpc/procedures.js';
import { diskBuses, nativeBus } from './xml/bus.js';
import {
  bestMachine,
  type DomainCapabilities,
  type GuestOffer,
  type HostCapabilities,
  type MachineType,
  readCapabilities,
  readDomainCapabilities,
} from './xml/capabilities.js';
import { bytesPerMiB } from './xml/definition.js';
import type { DomainBase } from './xml/domain.js';
import { bestVideo } from './xml/graphics.js';
import { bestTpm } from './xml/tpm.js';

/** What a new machine on this host is built on. */
export interface MachineOffer {
  readonly guest: GuestOffer;
  /** Absent where the host knows no types of machines. */
  readonly machine: MachineType | undefined;
  readonly domainType: 'kvm' | 'qemu' | 'test';
  /** What was found when KVM was tried; absent when the host does not even offer it. */
  readonly kvm: Finding | undefined;
  readonly domain: DomainCapabilities;
}

export interface Offer {
  readonly host: HostCapabilities;
  readonly cpuCount: number;
  readonly memoryBytes: number;
  /** Absent when the host has no kind of machine that we know how to define. */
  readonly machines: MachineOffer | undefined;
}

/** How long finding out may take, in milliseconds, whoever waits for it and for how long. */
const patience = 60_000;

const rememberedMs = 10 * 60_000;

/** The architectures whose machines have been tried. */
const architectures = ['x86_64'];

/** The host's offer, found out once; a daemon that is upgraded closes its connections, and with them this. */
export class Offers {
  readonly #daemon: Daemon;
  readonly #openAnother: (signal: AbortSignal) => Promise<Connection>;
  readonly #memory: KvmMemory;
  #finding: Promise<Offer> | undefined;

  constructor(daemon: Daemon, openAnother: (signal: AbortSignal) => Promise<Connection>, memory: KvmMemory = new KvmMemory()) {
    this.#daemon = daemon;
    this.#openAnother = openAnother;
    this.#memory = memory;
  }

  /** Shared by all who ask at the same time; each stops waiting at will. What failed is tried again by the next. */
  async get(signal: AbortSignal): Promise<Offer> {
    this.#finding ??= this.#find(AbortSignal.timeout(patience)).catch((reason) => {
      this.#finding = undefined;
      throw DriverError.from(reason);
    });
    return unlessAborted(this.#finding, signal);
  }

  async #find(signal: AbortSignal): Promise<Offer> {
    const host = readCapabilities(await this.#daemon.order(connectGetCapabilities, undefined, signal));
    const node = await this.#daemon.ask(nodeGetInfo, undefined, signal);
    const bare = { host, cpuCount: node.cpus, memoryBytes: node.memory * 1024, machines: undefined };
    const guest = host.guests.find((each) => each.osType === 'hvm' && each.architecture === host.architecture);
    if (guest?.domainTypes.includes('test') === true) return { ...bare, machines: pretended(guest) };
    const machine = guest && bestMachine(guest);
    if (guest === undefined || machine === undefined || !architectures.includes(host.architecture)) return bare;
    return { ...bare, machines: await this.#machineOffer(guest, machine, signal) };
  }

  async #machineOffer(guest: GuestOffer, machine: MachineType, signal: AbortSignal): Promise<MachineOffer> {
    const kvm = guest.domainTypes.includes('kvm') ? await this.#tryKvm(guest, machine, signal) : undefined;
    const domainType = kvm?.works === true ? 'kvm' : 'qemu';
    const what = { emulator: guest.emulator, arch: guest.architecture, machine: machine.canonical, virtType: domainType, flags: 0 };
    const domain = readDomainCapabilities(await this.#daemon.order(connectGetDomainCapabilities, what, signal));
    return { guest, machine, domainType, kvm, domain };
  }

  #tryKvm({ architecture, emulator }: GuestOffer, { canonical }: MachineType, signal: AbortSignal): Promise<Finding> {
    const probed = { architecture, machine: canonical, emulator };
    return this.#memory.recall(probed, () => probeKvm(this.#openAnother, probed, signal));
  }
}

/**
 * What was found of one host's KVM, kept from one connection to the next: trying it may take many seconds, and a daemon that was
 * restarted has machines waiting. It is tried again by connections made ten minutes later: the host may be another
 * by then, or was merely busy.
 */
export class KvmMemory {
  readonly #findings = new Map<string, { readonly finding: Finding; readonly at: number }>();

  async recall(probed: Probed, find: () => Promise<Finding>): Promise<Finding> {
    const key = JSON.stringify(probed);
    const known = this.#findings.get(key);
    if (known !== undefined && Date.now() - known.at < rememberedMs) return known.finding;
    const finding = await find();
    this.#findings.set(key, { finding, at: Date.now() });
    return finding;
  }
}

/** What libvirt's own test driver takes: it only pretends to have machines, and tells nothing of them beforehand. */
function pretended(guest: GuestOffer): MachineOffer {
  const { emulator, architecture } = guest;
  const devices = {
    firmwares: [],
    diskBuses: ['virtio', 'scsi', 'sata'],
    graphics: [],
    hasSecureBoot: false,
    tpmModels: [],
    tpmBackends: [],
    videos: [],
    rngModels: ['virtio'],
    rngBackends: ['random'],
  };
  const domain = { emulator, architecture, domainType: 'test', machine: undefined, maxVcpus: 32, cpuModes: [], ...devices };
  return { guest, machine: undefined, domainType: 'test', kvm: undefined, domain };
}

/** What a new machine is made of. */
export function baseOf(offer: Offer): DomainBase {
  const { guest, machine, domainType, domain } = machinesOf(offer);
  const best = domainType === 'kvm' ? 'host-model' : 'maximum';
  const cpuMode = domain.cpuModes.includes(best) ? best : undefined;
  return { domainType, architecture: guest.architecture, machine: machine?.canonical, emulator: guest.emulator, cpuMode };
}

/** The most that a machine may have on this host. */
export function mostOf(offer: Offer): { readonly cpuCount: number; readonly memoryBytes: number } {
  const { domain, machine } = machinesOf(offer);
  const memoryBytes = Math.floor(offer.memoryBytes / bytesPerMiB) * bytesPerMiB;
  return { cpuCount: domain.maxVcpus ?? machine?.maxCpus ?? 1, memoryBytes };
}

/** Each machine has a BIOS; UEFI is files that the host has, or not. */
export const firmwaresOf = (offer: Offer): readonly Firmware[] => [
  'BIOS',
  ...(machinesOf(offer).domain.firmwares.includes('efi') ? (['UEFI'] as const) : []),
];

/** Files that the host has, or not, as UEFI itself. */
export const canBootSecurely = ({ firmwares, hasSecureBoot }: DomainCapabilities): boolean => firmwares.includes('efi') && hasSecureBoot;

/** An emulator that the host has, or not: swtpm. */
export const canEmulateTpm = ({ tpmModels, tpmBackends }: DomainCapabilities): boolean =>
  tpmModels.includes(bestTpm) && tpmBackends.includes('emulator');

/** A screen, and a server that shows it. */
export const canShow = ({ graphics, videos }: DomainCapabilities): boolean => graphics.includes('vnc') && videos.includes(bestVideo);

/** Refuses what the host's capabilities do not accept; it might take the definition, and fail when the machine is started. */
export function checkFits(definition: MachineDefinition, offer: Offer): void {
  const { cpuCount, maxCpuCount = cpuCount, memoryBytes, maxMemoryBytes = memoryBytes, firmware = 'BIOS', graphics } = definition;
  const { domain } = machinesOf(offer);
  if (graphics !== undefined && !canShow(domain))
    throw new DriverError(
      'Unsupported',
      `devices.graphics.type: ${graphics.type} was given; accepted: none, as the host's QEMU has no VNC`,
    );
  const firmwares = firmwaresOf(offer);
  if (!firmwares.includes(firmware))
    throw new DriverError('Invalid', `firmware.type: ${firmware} was given; accepted: ${firmwares.join(', ')}`);
  checkTrust(definition, domain);
  checkBuses(definition, domain.diskBuses);
  const most = mostOf(offer);
  const asked = [
    ['cpu.count', cpuCount, most.cpuCount, 'CPUs'],
    ['cpu.maxCount', maxCpuCount, most.cpuCount, 'CPUs'],
    ['memory.size', memoryBytes, most.memoryBytes, 'bytes'],
    ['memory.maxSize', maxMemoryBytes, most.memoryBytes, 'bytes'],
  ] as const;
  for (const [field, given, max, unit] of asked)
    if (given > max) throw new DriverError('Invalid', `${field}: ${given} ${unit} were given; accepted: at most ${max}`);
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

function machinesOf({ host, machines }: Offer): MachineOffer {
  if (machines !== undefined) return machines;
  throw new DriverError(
    'Unsupported',
    `the host (${host.architecture}) offers no machine that can be defined here; accepted: QEMU on x86_64, libvirt's test driver`,
  );
}
