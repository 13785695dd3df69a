import type { Firmware } from '#drivers/driver.js';
import { connectGetDomainCapabilities } from '../../rpc/procedures.js';
import { bestMachine, type DomainCapabilities, type GuestOffer, type MachineType, readDomainCapabilities } from '../../xml/capabilities.js';
import { bytesPerMiB } from '../../xml/definition.js';
import { bestVideo } from '../../xml/graphics.js';
import { bestTpm } from '../../xml/tpm.js';
import type { HostFacts, Means } from '../dialect.js';
import { fullyVirtual } from '../guests.js';
import type { DomainBase } from './domain.js';
import { type Finding, probeKvm } from './probe.js';

/** What a new machine on this host is built on. */
export interface QemuOffer {
  readonly guest: GuestOffer;
  /** Absent where the host knows no types of machines. */
  readonly machine: MachineType | undefined;
  readonly domainType: DomainBase['domainType'];
  /** What was found when KVM was tried; absent when the host does not even offer it. */
  readonly kvm: Finding | undefined;
  readonly domain: DomainCapabilities;
  /** The host's. */
  readonly memoryBytes: number;
}

/** The architectures whose machines have been tried. */
const architectures = ['x86_64'];

/** Undefined where the host has no such machines, or none that have been tried. */
export async function findOffer({ host, memoryBytes }: HostFacts, means: Means, signal: AbortSignal): Promise<QemuOffer | undefined> {
  const guest = fullyVirtual(host.guests, host.architecture);
  const machine = guest && bestMachine(guest);
  if (guest === undefined || machine === undefined || !architectures.includes(host.architecture)) return undefined;
  const kvm = guest.domainTypes.includes('kvm') ? await tryKvm(guest, machine, means, signal) : undefined;
  const domainType = kvm?.works === true ? 'kvm' : 'qemu';
  const what = { emulator: guest.emulator, arch: guest.architecture, machine: machine.canonical, virtType: domainType, flags: 0 };
  const domain = readDomainCapabilities(await means.daemon.order(connectGetDomainCapabilities, what, signal));
  return { guest, machine, domainType, kvm, domain, memoryBytes };
}

function tryKvm(guest: GuestOffer, { canonical }: MachineType, { memory, openAnother }: Means, signal: AbortSignal): Promise<Finding> {
  const probed = { architecture: guest.architecture, machine: canonical, emulator: guest.emulator };
  return memory.recall(probed, () => probeKvm(openAnother, probed, signal));
}

/** What a new machine is made of. */
export function baseOf({ guest, machine, domainType, domain }: QemuOffer): DomainBase {
  const best = domainType === 'kvm' ? 'host-model' : 'maximum';
  const cpuMode = domain.cpuModes.includes(best) ? best : undefined;
  return { domainType, architecture: guest.architecture, machine: machine?.canonical, emulator: guest.emulator, cpuMode };
}

/** The most that a machine may have on this host. */
export function mostOf({ domain, machine, memoryBytes }: QemuOffer): { readonly cpuCount: number; readonly memoryBytes: number } {
  return { cpuCount: domain.maxVcpus ?? machine?.maxCpus ?? 1, memoryBytes: Math.floor(memoryBytes / bytesPerMiB) * bytesPerMiB };
}

/** Each machine has a BIOS; UEFI is files that the host has, or not. */
export const firmwaresOf = ({ firmwares }: DomainCapabilities): readonly Firmware[] => [
  'BIOS',
  ...(firmwares.includes('efi') ? (['UEFI'] as const) : []),
];

/** Files that the host has, or not, as UEFI itself. */
export const canBootSecurely = ({ firmwares, hasSecureBoot }: DomainCapabilities): boolean => firmwares.includes('efi') && hasSecureBoot;

/** An emulator that the host has, or not: swtpm. */
export const canEmulateTpm = ({ tpmModels, tpmBackends }: DomainCapabilities): boolean =>
  tpmModels.includes(bestTpm) && tpmBackends.includes('emulator');

/** A screen, and a server that shows it. */
export const canShow = ({ graphics, videos }: DomainCapabilities): boolean => graphics.includes('vnc') && videos.includes(bestVideo);
