import type { Capability, DiskBus } from '#drivers/driver.js';
import { nativeBus } from '../../xml/bus.js';
import type { DomainCapabilities, GuestOffer } from '../../xml/capabilities.js';
import { fixedSizes } from '../capabilities.js';

/** What a bhyve host says of itself. */
export interface BhyveOffer {
  readonly guest: GuestOffer;
  readonly domain: DomainCapabilities;
  /** Files of firmware. */
  readonly loaders: readonly string[];
  /** The host's. */
  readonly memoryBytes: number;
}

/** VM_MAX_NAMELEN of FreeBSD 13 and newer. */
const maxNameBytes = 229;

/** What bhyve takes where libvirt does not say: VM_MAXCPU of FreeBSD up to 13. */
const maxCpus = 16;

const buses: readonly DiskBus[] = ['VirtioBlk', 'SATA'];

/** The one whose variables lie in itself. Others in that folder are for BIOS guests, or come in two files. */
export const uefiOf = ({ loaders }: BhyveOffer): string | undefined => loaders.find((path) => path.endsWith('/BHYVE_UEFI.fd'));

/** A screen needs UEFI, which draws on it. */
const canShow = (offer: BhyveOffer): boolean =>
  uefiOf(offer) !== undefined && offer.domain.graphics.includes('vnc') && offer.domain.videos.includes('gop');

export function capabilitiesOf(offer: BhyveOffer): readonly Capability[] {
  const { domain, memoryBytes } = offer;
  const reason = 'bhyve takes files alone, and no format but this';
  return [
    ...fixedSizes({ cpuCount: domain.maxVcpus ?? maxCpus, memoryBytes }, maxNameBytes),
    { field: 'disks.format', values: ['Raw'], reason },
    { field: 'disks.bus', values: buses.filter((bus) => domain.diskBuses.includes(nativeBus(bus))) },
    ...(domain.diskBuses.includes('sata') ? [{ field: 'disks.cdrom', reason: 'with a disc in it' }, { field: 'sysprep' }] : []),
    { field: 'interfaces.network' },
    { field: 'interfaces.model', values: ['Virtio'] },
    { field: 'interfaces.macAddress' },
    ...(uefiOf(offer) === undefined ? [] : [{ field: 'firmware.type', values: ['UEFI'], reason: 'what a machine is made with it keeps' }]),
    { field: 'devices.serial' },
    ...(canShow(offer) ? graphics : []),
    { field: 'cloudInit' },
  ];
}

const graphics: readonly Capability[] = [
  { field: 'devices.graphics.type', values: ['VNC'], reason: 'with firmware.type UEFI' },
  { field: 'devices.graphics.password', reason: '1 to 8 characters without a comma' },
];
