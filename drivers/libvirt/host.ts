import type { Capability, Host, HostDescription } from '#drivers/driver.js';
import type { Daemon } from './daemon.js';
import type { MachineOffer, Offers } from './offer.js';
import { connectGetLibVersion, connectGetType, connectGetVersion, nodeGetInfo } from './rpc/procedures.js';
import { bytesPerMiB, maxSerialBytes } from './xml/definition.js';
import { volumeFormats } from './xml/format.js';

export class LibvirtHost implements Host {
  readonly #daemon: Daemon;
  readonly #offers: Offers;

  constructor(daemon: Daemon, offers: Offers) {
    this.#daemon = daemon;
    this.#offers = offers;
  }

  async describe(signal: AbortSignal): Promise<HostDescription> {
    const ask = this.#daemon.ask.bind(this.#daemon);
    const [hypervisor, version, libvirt, node, offer] = await Promise.all([
      ask(connectGetType, undefined, signal),
      ask(connectGetVersion, undefined, signal),
      ask(connectGetLibVersion, undefined, signal),
      ask(nodeGetInfo, undefined, signal),
      this.#offers.get(signal),
    ]);
    const memoryBytes = node.memory * 1024;
    return {
      hypervisor,
      versions: { [hypervisor]: versionText(version), libvirt: versionText(libvirt) },
      architecture: offer.host.architecture,
      cpuCount: node.cpus,
      memoryBytes,
      capabilities: [...machineCapabilities(offer.machines, memoryBytes), ...storageCapabilities],
    };
  }
}

/** libvirt's numbers: 9_000_000 is 9.0.0. */
function versionText(version: number): string {
  return `${Math.floor(version / 1e6)}.${Math.floor(version / 1e3) % 1e3}.${version % 1e3}`;
}

const storageCapabilities: readonly Capability[] = [{ field: 'pools.directory' }, { field: 'volumes.format', values: volumeFormats }];

function machineCapabilities(offer: MachineOffer | undefined, memoryBytes: number): readonly Capability[] {
  if (offer === undefined) return [];
  const { domain, machine } = offer;
  const most = domain.maxVcpus ?? machine.maxCpus;
  return [
    accelerators(offer),
    { field: 'cpu.count', min: 1, ...(most === undefined ? {} : { max: most, reason: `${machine.canonical} has at most ${most}` }) },
    {
      field: 'memory.size',
      min: bytesPerMiB,
      max: Math.floor(memoryBytes / bytesPerMiB) * bytesPerMiB,
      reason: 'whole MiB, and no more than the host has',
    },
    ...(domain.diskBuses.includes('virtio') ? diskCapabilities : []),
    { field: 'boot.kernel' },
    { field: 'devices.serial' },
    ...(domain.rngBackends.includes('random') ? [{ field: 'devices.rng' }] : []),
  ];
}

const diskCapabilities: readonly Capability[] = [
  { field: 'disks.bus', values: ['VirtioBlk'] },
  { field: 'disks.format', values: volumeFormats },
  { field: 'disks.serial', reason: `at most ${maxSerialBytes} characters reach the guest` },
];

/** The best first. */
function accelerators({ kvm }: MachineOffer): Capability {
  return {
    field: 'accelerator',
    values: kvm?.works === true ? ['KVM', 'TCG'] : ['TCG'],
    reason: kvm?.reason ?? 'the host offers no KVM',
  };
}
