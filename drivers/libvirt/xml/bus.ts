import type { DiskBus } from '#drivers/driver.js';
import { append, withAttribute, withChild, withoutChildren } from '#drivers/xml/edit.js';
import { attribute, child, element, elements, type XmlElement } from '#drivers/xml/tree.js';
import { controllerAt, controllersIn, indexOf } from './controller.js';
import { withNvmePlace } from './nvme.js';

/** How libvirt calls a bus, and with what the names of the disks on it begin. */
const buses = {
  VirtioBlk: { native: 'virtio', prefix: 'vd' },
  VirtioScsi: { native: 'scsi', prefix: 'sd' },
  SATA: { native: 'sata', prefix: 'sd' },
  NVMe: { native: 'nvme', prefix: 'nvme' },
  XenBlk: { native: 'xen', prefix: 'xvd' },
} as const;

type OurBus = keyof typeof buses;

export const diskBuses = Object.keys(buses) as readonly DiskBus[];

/** Those on which disks come and go while a machine runs. */
export const pluggableBuses: readonly DiskBus[] = ['VirtioBlk', 'VirtioScsi'];

/** Those on which a CD-ROM drive can be: NVMe knows disks only. */
export const cdromBuses: readonly DiskBus[] = diskBuses.filter((bus) => bus !== 'NVMe');

const isOurs = (bus: DiskBus): bus is OurBus => Object.hasOwn(buses, bus);

/** What the host calls the bus; a bus that is not ours was refused before. */
export const nativeBus = (bus: DiskBus): string => (isOurs(bus) ? buses[bus].native : bus);

/** With what the names of the disks on it begin. */
export const targetPrefix = (bus: DiskBus): string => (isOurs(bus) ? buses[bus].prefix : 'sd');

/** Of SCSI only what is on a controller of virtio's. */
export function busOf(disk: XmlElement, devices: XmlElement | undefined): DiskBus | undefined {
  const native = attribute(child(disk, 'target'), 'bus');
  const found = diskBuses.find((bus) => nativeBus(bus) === native);
  if (found !== 'VirtioScsi') return found;
  const controller = scsiControllerOf(disk, devices);
  return controller !== undefined && isVirtio(controller) ? found : undefined;
}

const scsiControllerOf = (disk: XmlElement, devices: XmlElement | undefined): XmlElement | undefined =>
  controllerAt(devices, 'scsi', Number(attribute(child(disk, 'address'), 'controller') ?? 0));

const scsiControllers = (devices: XmlElement | undefined): readonly XmlElement[] => controllersIn(devices, 'scsi');
const isVirtio = (controller: XmlElement): boolean => attribute(controller, 'model')?.startsWith('virtio') ?? false;

/** The controller that a disk hangs on, if it has one of its own kind. */
export function controllerOf(disk: XmlElement, devices: XmlElement | undefined): XmlElement | undefined {
  return attribute(child(disk, 'target'), 'bus') === 'scsi' ? scsiControllerOf(disk, devices) : undefined;
}

/** The devices with a place for another disk on that bus, and the place: the first target that no disk has, so that no other's name moves. */
export function withPlace(devices: XmlElement, bus: DiskBus): { readonly devices: XmlElement; readonly place: readonly XmlElement[] } {
  if (bus === 'NVMe') return withNvmePlace(devices);
  const target = element('target', { dev: freeTarget(devices, targetPrefix(bus)), bus: nativeBus(bus) });
  if (bus !== 'VirtioScsi') return { devices, place: [target] };
  const controlled = withScsiController(devices);
  const controller = `${scsiIndex(controlled)}`;
  const unit = `${freeUnit(controlled, controller)}`;
  return { devices: controlled, place: [target, element('address', { type: 'drive', controller, bus: '0', target: '0', unit })] };
}

/** Left to itself, the host would give an old SCSI adapter, which few guests know. */
function withScsiController(devices: XmlElement): XmlElement {
  if (scsiControllers(devices).some(isVirtio)) return devices;
  const index = scsiControllers(devices).reduce((most, each) => Math.max(most, indexOf(each)), -1) + 1;
  return append(devices, element('controller', { type: 'scsi', index: `${index}`, model: 'virtio-scsi' }));
}

const scsiIndex = (devices: XmlElement): number => indexOf(scsiControllers(devices).find(isVirtio) ?? element('controller'));

function freeUnit(devices: XmlElement, controller: string): number {
  const taken = new Set(
    elements(devices, 'disk')
      .map((disk) => child(disk, 'address'))
      .filter((address) => attribute(address, 'type') === 'drive' && attribute(address, 'controller') === controller)
      .map((address) => Number(attribute(address, 'unit'))),
  );
  for (let unit = 0; ; unit += 1) if (!taken.has(unit)) return unit;
}

/** Another bus is another place. */
export function movedTo(devices: XmlElement, disk: XmlElement, bus: DiskBus): { readonly devices: XmlElement; readonly disk: XmlElement } {
  const placed = withPlace(devices, bus);
  const [target = element('target'), address] = placed.place;
  const bare = withoutChildren(disk, (each) => each.name === 'address');
  const named = withChild(bare, element('target'), (each) =>
    withAttribute(withAttribute(each, 'dev', attribute(target, 'dev')), 'bus', attribute(target, 'bus')),
  );
  return { devices: placed.devices, disk: address === undefined ? named : append(named, address) };
}

/** vda … vdz, vdaa …. On Xen, hda and xvda are one place by two names. */
function freeTarget(devices: XmlElement, prefix: string): string {
  const taken = new Set(elements(devices, 'disk').map((disk) => attribute(child(disk, 'target'), 'dev')));
  const alike = prefix === 'xvd' ? ['xvd', 'hd', 'sd'] : [prefix];
  for (let index = 0; ; index += 1) {
    const letter = letters(index);
    if (!alike.some((each) => taken.has(each + letter))) return prefix + letter;
  }
}

function letters(index: number): string {
  const last = String.fromCharCode(97 + (index % 26));
  return index < 26 ? last : letters(Math.floor(index / 26) - 1) + last;
}
