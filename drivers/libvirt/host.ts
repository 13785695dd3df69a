import type { Capability, DiskBus, Host, HostDescription } from '#drivers/driver.js';
import type { Daemon } from './daemon.js';
import { unlessUnknown } from './gone.js';
import { mtuBounds } from './network-check.js';
import { canBootSecurely, canEmulateTpm, canShow, firmwaresOf, type MachineOffer, mostOf, type Offer, type Offers } from './offer.js';
import type { Finding } from './probe.js';
import { connectGetLibVersion, connectGetStoragePoolCapabilities, connectGetType, connectGetVersion } from './rpc/procedures.js';
import { diskBuses, nativeBus, pluggableBuses } from './xml/bus.js';
import { bytesPerMiB, maxNameBytes, maxSerialBytes } from './xml/definition.js';
import { volumeFormats } from './xml/format.js';
import { interfaceModels } from './xml/interface.js';
import { liveFields } from './xml/network-update.js';
import { readPoolKinds } from './xml/pool-source.js';
import { diskCaches, diskDiscards, diskIos } from './xml/tuning.js';

export class LibvirtHost implements Host {
  readonly #daemon: Daemon;
  readonly #offers: Offers;

  constructor(daemon: Daemon, offers: Offers) {
    this.#daemon = daemon;
    this.#offers = offers;
  }

  async describe(signal: AbortSignal): Promise<HostDescription> {
    const ask = this.#daemon.ask.bind(this.#daemon);
    const [hypervisor, version, libvirt, offer, pools] = await Promise.all([
      ask(connectGetType, undefined, signal),
      ask(connectGetVersion, undefined, signal),
      ask(connectGetLibVersion, undefined, signal),
      this.#offers.get(signal),
      poolCapabilities(this.#daemon, signal),
    ]);
    return {
      hypervisor,
      versions: { [hypervisor]: versionText(version), libvirt: versionText(libvirt) },
      architecture: offer.host.architecture,
      cpuCount: offer.cpuCount,
      memoryBytes: offer.memoryBytes,
      capabilities: [
        ...(offer.machines === undefined ? [] : machineCapabilities(offer, offer.machines)),
        ...pools,
        ...storageCapabilities,
        ...networkCapabilities(libvirt),
      ],
    };
  }
}

/** libvirt's numbers: 9_000_000 is 9.0.0. */
function versionText(version: number): string {
  return `${Math.floor(version / 1e6)}.${Math.floor(version / 1e3) % 1e3}.${version % 1e3}`;
}

/** A daemon tells which types of pools it was built with since libvirt 5.2; of older ones, and of those that pretend, directories alone are taken for granted. */
async function poolCapabilities(daemon: Daemon, signal: AbortSignal): Promise<readonly Capability[]> {
  const told = await unlessUnknown(daemon.ask(connectGetStoragePoolCapabilities, { flags: 0 }, signal));
  const kinds = told === undefined ? ['directory'] : readPoolKinds(told);
  return kinds.map((kind) => ({ field: `pools.${kind}` }));
}

const storageCapabilities: readonly Capability[] = [
  { field: 'pools.existing' },
  { field: 'volumes.format', values: volumeFormats },
  { field: 'volumes.wipe' },
  { field: 'volumes.resume' },
  { field: 'volumes.clone', values: ['Full', 'Linked'] },
];

/** On a bridge of the kernel's own, frames are tagged only from this version on. */
const tagsOnBridges = 11_000_000;

const networkCapabilities = (libvirt: number): readonly Capability[] => [
  { field: 'networks.existing' },
  { field: 'networks.forward', values: ['None', 'NAT', 'Route', 'Open', 'Bridge', 'OpenVSwitch', 'Direct'] },
  { field: 'networks.mtu', min: mtuBounds.min, max: mtuBounds.max },
  {
    field: 'networks.vlan',
    values: libvirt < tagsOnBridges ? ['OpenVSwitch'] : ['OpenVSwitch', 'Bridge'],
    reason: 'frames are tagged on Open vSwitch, and on other bridges from libvirt 11.0.0 on',
  },
  { field: 'networks.ipv4' },
  { field: 'networks.ipv6' },
  { field: 'networks.dns' },
  { field: 'networks.live', values: liveFields, reason: 'the rest changes once no machine is attached' },
];

function machineCapabilities(offer: Offer, { domain, domainType, machine, kvm }: MachineOffer): readonly Capability[] {
  const most = mostOf(offer);
  // libvirt's test driver pretends nothing of the kind.
  const isReal = domainType !== 'test';
  const [plugs, changes] = isReal ? ([{ change: 'Hotplug' }, { change: 'Live' }] as const) : [{}, {}];
  return [
    ...(domainType === 'test' ? [] : [accelerators(kvm)]),
    { field: 'nativeName', max: maxNameBytes },
    {
      field: 'cpu.count',
      min: 1,
      max: most.cpuCount,
      reason: `${machine?.canonical ?? 'a machine'} has at most ${most.cpuCount}`,
      ...plugs,
    },
    { field: 'cpu.maxCount', min: 1, max: most.cpuCount },
    { field: 'memory.size', min: bytesPerMiB, max: most.memoryBytes, reason: 'whole MiB, and no more than the host has', ...changes },
    { field: 'memory.maxSize', min: bytesPerMiB, max: most.memoryBytes },
    ...(domain.diskBuses.includes('virtio') ? [...diskCapabilities, ...busesOf(domain.diskBuses, isReal)] : []),
    ...interfaceCapabilities,
    ...(isReal ? pluggedInterfaces : [{ field: 'interfaces.network' }, { field: 'interfaces.linkState' }]),
    { field: 'firmware.type', values: firmwaresOf(offer) },
    ...(canBootSecurely(domain) ? [{ field: 'firmware.secureBoot', reason: 'with UEFI' }] : []),
    ...(canEmulateTpm(domain) ? [{ field: 'firmware.tpm', values: ['V2'] }] : []),
    { field: 'boot.kernel' },
    { field: 'boot.order' },
    { field: 'power.startPaused' },
    ...(domainType === 'test' ? [] : [{ field: 'volumes.growAttached' }]),
    { field: 'devices.serial' },
    ...(isReal ? [{ field: 'devices.serial.log', reason: 'virtlogd keeps it, at most 2 MiB and three earlier parts' }] : []),
    { field: 'devices.guestAgent' },
    ...(canShow(domain) ? graphicsCapabilities : []),
    { field: 'cloudInit' },
    { field: 'ignition' },
    { field: 'sysprep' },
    ...(domain.rngBackends.includes('random') ? [{ field: 'devices.rng' }] : []),
  ];
}

const graphicsCapabilities: readonly Capability[] = [
  { field: 'devices.graphics.type', values: ['VNC'] },
  { field: 'devices.graphics.password', reason: '1 to 8 characters, as VNC has it', change: 'Live' },
];

const diskCapabilities: readonly Capability[] = [
  { field: 'disks.cache', values: diskCaches },
  { field: 'disks.discard', values: diskDiscards },
  { field: 'disks.io', values: diskIos },
  { field: 'disks.format', values: volumeFormats },
  { field: 'disks.serial', reason: `at most ${maxSerialBytes} characters reach the guest` },
];

/** Which of our buses this machine type has, and what goes while it runs. */
export function busesOf(native: readonly string[], isReal: boolean): readonly Capability[] {
  const has = (bus: DiskBus) => native.includes(nativeBus(bus));
  const live = isReal ? ({ change: 'Live' } as const) : {};
  return [
    { field: 'disks.bus', values: diskBuses.filter(has) },
    ...(native.includes('sata') ? [{ field: 'disks.cdrom', ...live }] : []),
    { field: 'disks.limits', ...live },
    ...(isReal ? [{ field: 'disks', values: pluggableBuses.filter(has), change: 'Hotplug' as const }] : []),
  ];
}

const pluggedInterfaces: readonly Capability[] = [
  { field: 'interfaces', change: 'Hotplug' },
  { field: 'interfaces.network', change: 'Live' },
  { field: 'interfaces.linkState', change: 'Live' },
];

const interfaceCapabilities: readonly Capability[] = [
  { field: 'interfaces.model', values: interfaceModels },
  { field: 'interfaces.macAddress' },
  { field: 'interfaces.mtu', min: 68, max: 65_535 },
];

/** The best first. */
function accelerators(kvm: Finding | undefined): Capability {
  return {
    field: 'accelerator',
    values: kvm?.works === true ? ['KVM', 'TCG'] : ['TCG'],
    reason: kvm?.reason ?? 'the host offers no KVM',
  };
}
