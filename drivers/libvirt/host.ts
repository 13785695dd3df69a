import type { Capability, Facet, Host, HostDescription } from '#drivers/driver.js';
import type { Daemon } from './daemon.js';
import type { Dialect } from './dialects/dialect.js';
import { unlessUnknown } from './gone.js';
import { mtuBounds } from './network-check.js';
import type { Offers } from './offers.js';
import { connectGetLibVersion, connectGetStoragePoolCapabilities, connectGetType, connectGetVersion } from './rpc/procedures.js';
import { volumeFormats } from './xml/format.js';
import { liveFields } from './xml/network-update.js';
import { readPoolKinds } from './xml/pool-source.js';

export class LibvirtHost implements Host {
  readonly #daemon: Daemon;
  readonly #dialect: Dialect;
  readonly #offers: Offers;
  readonly #absent: readonly Facet[];

  /** Of facets that are absent nothing is told. */
  constructor(daemon: Daemon, dialect: Dialect, offers: Offers, absent: readonly Facet[] = []) {
    this.#daemon = daemon;
    this.#dialect = dialect;
    this.#offers = offers;
    this.#absent = absent;
  }

  async describe(signal: AbortSignal): Promise<HostDescription> {
    const ask = this.#daemon.ask.bind(this.#daemon);
    const [hypervisor, version, libvirt, offer, pools] = await Promise.all([
      ask(connectGetType, undefined, signal),
      ask(connectGetVersion, undefined, signal),
      ask(connectGetLibVersion, undefined, signal),
      this.#offers.get(signal),
      this.#has('pools') ? poolCapabilities(this.#daemon, signal) : [],
    ]);
    return {
      hypervisor,
      versions: { [hypervisor]: versionText(version), libvirt: versionText(libvirt) },
      architecture: offer.host.architecture,
      cpuCount: offer.cpuCount,
      memoryBytes: offer.memoryBytes,
      provenOn: this.#dialect.provenOn,
      capabilities: [
        ...(offer.machines?.capabilities ?? []),
        ...pools,
        ...(this.#has('volumes') ? volumeCapabilities(this.#daemon) : []),
        ...(this.#has('networks') ? networkCapabilities(libvirt) : []),
      ],
    };
  }

  readonly #has = (facet: Facet): boolean => !this.#absent.includes(facet);
}

/** libvirt's numbers: 9_000_000 is 9.0.0. */
function versionText(version: number): string {
  return `${Math.floor(version / 1e6)}.${Math.floor(version / 1e3) % 1e3}.${version % 1e3}`;
}

/** A daemon tells which types of pools it was built with since libvirt 5.2; of older ones, and of those that pretend, directories alone are taken for granted. */
async function poolCapabilities(daemon: Daemon, signal: AbortSignal): Promise<readonly Capability[]> {
  const told = await unlessUnknown(daemon.ask(connectGetStoragePoolCapabilities, { flags: 0 }, signal));
  const kinds = told === undefined ? ['directory'] : readPoolKinds(told);
  return ['existing', ...kinds].map((kind) => ({ field: `pools.${kind}` }));
}

const volumeCapabilities = ({ fillsDirectories }: Daemon): readonly Capability[] => [
  { field: 'volumes.format', values: [...volumeFormats, ...(fillsDirectories ? ['Directory'] : [])] },
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
