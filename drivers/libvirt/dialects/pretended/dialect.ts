import type { Capability } from '#drivers/driver.js';
import { shutdownFlags } from '../../rpc/flags.js';
import type { GuestOffer } from '../../xml/capabilities.js';
import { bootsAnything, diskWords, interfaceWords, seeds } from '../capabilities.js';
import type { Dialect } from '../dialect.js';
import { fullyVirtual } from '../guests.js';
import { busesOf, sizes } from '../qemu/capabilities.js';
import { offerWith, qemu } from '../qemu/dialect.js';
import { firmwaresOf, type QemuOffer } from '../qemu/offer.js';

/** libvirt's own test driver: it takes what QEMU takes, and only pretends to have machines. */
export const pretended: Dialect = {
  ...qemu,
  accepted: "libvirt's test driver",
  provenOn: 'ThirdPartySimulator',
  offer: async ({ host, memoryBytes }) => {
    const guest = fullyVirtual(host.guests, host.architecture);
    if (guest?.domainTypes.includes('test') !== true) return undefined;
    const offer = imagined(guest, memoryBytes);
    return offerWith(offer, "libvirt's test driver", capabilitiesOf(offer));
  },
  power: { startsPaused: 'ThenPaused', shutdown: shutdownFlags.acpiPowerButton, saves: true },
};

/** The driver tells nothing of its machines beforehand. */
function imagined(guest: GuestOffer, memoryBytes: number): QemuOffer {
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
  return { guest, machine: undefined, domainType: 'test', kvm: undefined, domain, memoryBytes };
}

/** Nothing changes while it pretends to run. */
const capabilitiesOf = (offer: QemuOffer): readonly Capability[] => [
  ...sizes(offer, { cpu: {}, memory: {} }),
  ...diskWords,
  ...busesOf(offer.domain.diskBuses, false),
  ...interfaceWords,
  { field: 'interfaces.network' },
  { field: 'interfaces.linkState' },
  { field: 'firmware.type', values: firmwaresOf(offer.domain) },
  ...bootsAnything,
  { field: 'power.startPaused' },
  { field: 'power.pause' },
  { field: 'power.reset' },
  { field: 'power.save' },
  { field: 'devices.serial' },
  { field: 'devices.guestAgent' },
  ...seeds,
  { field: 'devices.rng' },
];
