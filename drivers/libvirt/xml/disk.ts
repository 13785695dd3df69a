import type { DiskBus, MachineDisk } from '#drivers/driver.js';
import { insertAfterLast, mapChildren, withAttribute, withChild, withoutChildren, withText } from '#drivers/xml/edit.js';
import { attribute, child, element, elements, isElement, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { sourceAt, sourceType } from './disk-source.js';
import { nativeFormat, volumeFormat } from './format.js';
import { seedPrefix } from './seed.js';

/** The prefix that libvirt demands of aliases chosen by its users. */
const aliasPrefix = 'ua-';

const nativeBuses: Readonly<Partial<Record<DiskBus, string>>> = { VirtioBlk: 'virtio' };
export const diskBuses = Object.keys(nativeBuses) as readonly DiskBus[];

/** Those on which disks come and go while a machine runs. */
export const pluggableBuses: readonly DiskBus[] = ['VirtioBlk'];

/** A disk is ours by its alias; what carries none was attached by someone else. */
export function diskName(disk: XmlElement): string | undefined {
  const alias = attribute(child(disk, 'alias'), 'name');
  if (!alias?.startsWith(aliasPrefix) || alias.startsWith(aliasPrefix + seedPrefix)) return undefined;
  return alias.slice(aliasPrefix.length);
}

/** The disks that carry a name, in the host's order, which is that of their targets. */
export function readDisks(devices: XmlElement | undefined): readonly MachineDisk[] {
  return elements(devices, 'disk').flatMap((disk) => readDisk(disk) ?? []);
}

/** Undefined for a disk without a name, or one that this driver could not have defined: no path, or a format it does not know. */
function readDisk(disk: XmlElement): MachineDisk | undefined {
  const [name, location, type] = [diskName(disk), locationOf(disk), attribute(child(disk, 'driver'), 'type') ?? 'raw'];
  const format = volumeFormat(type);
  if (name === undefined || location === undefined || format === undefined) return undefined;
  const serial = textOf(child(disk, 'serial'));
  const bus = diskBuses.find((each) => nativeBuses[each] === attribute(child(disk, 'target'), 'bus'));
  return {
    name,
    location,
    format,
    ...(bus === undefined ? {} : { bus }),
    ...(serial === undefined ? {} : { serial }),
  };
}

function locationOf(disk: XmlElement): string | undefined {
  const source = child(disk, 'source');
  return attribute(source, 'file') ?? attribute(source, 'dev');
}

/** The devices with just these named disks: those that stay keep their target and address, new ones take the first free target. */
export function withDisks(devices: XmlElement, wanted: readonly MachineDisk[]): XmlElement {
  const names = new Set(wanted.map((disk) => disk.name));
  const kept = withoutChildren(
    devices,
    (each) => isElement(each, 'disk') && diskName(each) !== undefined && !names.has(diskName(each) ?? ''),
  );
  return wanted.reduce(withDisk, kept);
}

function withDisk(devices: XmlElement, wanted: MachineDisk): XmlElement {
  const found = elements(devices, 'disk').find((disk) => diskName(disk) === wanted.name);
  if (found === undefined) return insertAfterLast(devices, (each) => each.name === 'disk', newDisk(wanted, freeTarget(devices)));
  return mapChildren(devices, (node) => (node === found ? editDisk(found, wanted) : node));
}

function newDisk(disk: MachineDisk, target: string): XmlElement {
  return element(
    'disk',
    { type: sourceType(disk.location), device: 'disk' },
    element('driver', { name: 'qemu', type: nativeFormat(disk.format) }),
    sourceAt(disk.location),
    element('target', { dev: target, bus: nativeBuses[disk.bus ?? 'VirtioBlk'] }),
    disk.serial === undefined ? undefined : element('serial', {}, disk.serial),
    element('alias', { name: aliasPrefix + disk.name }),
  );
}

/** What is absent in `wanted` was left to the host, and stays. */
function editDisk(disk: XmlElement, wanted: MachineDisk): XmlElement {
  const is = readDisk(disk);
  const located = is?.location === wanted.location ? disk : relocated(disk, wanted.location);
  const typed = withChild(located, element('driver', { name: 'qemu' }), (driver) =>
    withAttribute(driver, 'type', nativeFormat(wanted.format)),
  );
  const { bus, serial } = wanted;
  const connected =
    bus === undefined || bus === is?.bus
      ? typed
      : withChild(typed, element('target'), (target) => withAttribute(target, 'bus', nativeBuses[bus]));
  return serial === undefined ? connected : withChild(connected, element('serial'), (each) => withText(each, serial));
}

/** Another source is another disk: what was said of the old one's backing, encryption and so on does not hold. */
function relocated(disk: XmlElement, location: string): XmlElement {
  const bare = withoutChildren(disk, (each) => ['source', 'backingStore', 'mirror'].includes(each.name));
  return insertAfterLast(withAttribute(bare, 'type', sourceType(location)), (each) => each.name === 'driver', sourceAt(location));
}

/** vda … vdz, vdaa …: the first that no disk has, so that no other disk's name moves. */
function freeTarget(devices: XmlElement): string {
  const taken = new Set(elements(devices, 'disk').map((disk) => attribute(child(disk, 'target'), 'dev')));
  for (let index = 0; ; index += 1) {
    const target = `vd${letters(index)}`;
    if (!taken.has(target)) return target;
  }
}

function letters(index: number): string {
  const last = String.fromCharCode(97 + (index % 26));
  return index < 26 ? last : letters(Math.floor(index / 26) - 1) + last;
}
