import type { DiskBus, MachineCdrom, MachineDisk, VolumeFormat } from '#drivers/driver.js';
import { insertAfterLast, mapChildren, withAttribute, withChild, withoutChildren, withText } from '#drivers/xml/edit.js';
import { attribute, child, element, elements, isElement, type XmlElement } from '#drivers/xml/tree.js';
import { busOf, movedTo, withPlace } from './bus.js';
import { isCdrom, newCdrom, readCdrom, withDisc } from './cdrom.js';
import { maxSerialBytes } from './definition.js';
import { locationOf, sourceAt, sourceType } from './disk-source.js';
import { nativeFormat, volumeFormat } from './format.js';
import { serialOf, withControllerSerials, withoutEmptied } from './nvme.js';
import { seedPrefix } from './seed.js';
import { readTuning, withTuning } from './tuning.js';
import { type DiskWords, qemuDisks } from './words.js';

/** The prefix that libvirt demands of aliases chosen by its users. */
const aliasPrefix = 'ua-';

/** A disk is ours by its alias; what carries none was attached by someone else. */
export function diskName(disk: XmlElement): string | undefined {
  const alias = attribute(child(disk, 'alias'), 'name');
  if (!alias?.startsWith(aliasPrefix) || alias.startsWith(aliasPrefix + seedPrefix)) return undefined;
  return alias.slice(aliasPrefix.length);
}

/** The disks that carry a name, in the host's order, which is that of their targets. */
export function readDisks(devices: XmlElement | undefined): readonly MachineDisk[] {
  return elements(devices, 'disk').flatMap((disk) => (isCdrom(disk) ? [] : (readDisk(disk, devices) ?? [])));
}

/** The CD-ROM drives that carry a name, with or without a disc. */
export function readCdroms(devices: XmlElement | undefined): readonly MachineCdrom[] {
  return elements(devices, 'disk').flatMap((disk) => {
    const name = diskName(disk);
    return name === undefined || !isCdrom(disk) ? [] : [readCdrom(disk, name, devices)];
  });
}

/** Undefined for a disk without a name, or one that this driver could not have defined: no path, or a format it does not know. */
function readDisk(disk: XmlElement, devices: XmlElement | undefined): MachineDisk | undefined {
  const [name, location, type] = [diskName(disk), locationOf(child(disk, 'source')), attribute(child(disk, 'driver'), 'type') ?? 'raw'];
  const format = volumeFormat(type);
  if (name === undefined || location === undefined || format === undefined) return undefined;
  const serial = serialOf(disk, devices);
  const bus = busOf(disk, devices);
  return {
    name,
    location,
    format,
    ...(bus === undefined ? {} : { bus }),
    ...(serial === undefined ? {} : { serial }),
    ...readTuning(disk),
  };
}

/** The devices with just these named disks and drives: those that stay keep their target and address, new ones take the first free target. */
export function withDisks(
  devices: XmlElement,
  disks: readonly MachineDisk[],
  cdroms: readonly MachineCdrom[] = [],
  words: DiskWords = qemuDisks,
): XmlElement {
  const [ofDisks, ofDrives] = [disks, cdroms].map((named) => new Set(named.map(({ name }) => name)));
  const kept = withoutChildren(devices, (each) => {
    const name = isElement(each, 'disk') ? diskName(each) : undefined;
    return name !== undefined && !(isCdrom(each) ? ofDrives : ofDisks)?.has(name);
  });
  const diskful = disks.reduce((edited, disk) => withDisk(edited, disk, words), kept);
  const driven = cdroms.reduce((edited, cdrom) => withCdrom(edited, cdrom, words), diskful);
  return withoutEmptied(devices, withControllerSerials(driven));
}

function withDisk(devices: XmlElement, wanted: MachineDisk, words: DiskWords): XmlElement {
  const found = elements(devices, 'disk').find((disk) => diskName(disk) === wanted.name);
  if (found === undefined) {
    const { bus = words.bus, serial = standIn(wanted.name, bus) } = wanted;
    return added(devices, bus, (place) => newDisk(wanted, serial, place, words));
  }
  const [has, before] = [serialOf(found, devices), busOf(found, devices)];
  const { bus = before, serial = has ?? standIn(wanted.name, bus) } = wanted;
  const stays = serial === has && bus === before;
  return edited(devices, found, bus, (disk) => editDisk(disk, wanted, stays ? undefined : serial, words));
}

/** On NVMe there is always a serial number: the disk's name, where nobody spoke of any. */
const standIn = (name: string, bus: DiskBus | undefined): string | undefined =>
  bus === 'NVMe' ? name.slice(0, maxSerialBytes) : undefined;

function withCdrom(devices: XmlElement, wanted: MachineCdrom, words: DiskWords): XmlElement {
  const found = elements(devices, 'disk').find((disk) => diskName(disk) === wanted.name);
  return found === undefined
    ? added(devices, wanted.bus ?? words.cdromBus, (place) => newCdrom(wanted, place, aliasPrefix + wanted.name, words))
    : edited(devices, found, wanted.bus, (disk) => withDisc(disk, wanted.location, words));
}

function added(devices: XmlElement, bus: DiskBus, make: (place: readonly XmlElement[]) => XmlElement): XmlElement {
  const placed = withPlace(devices, bus);
  return insertAfterLast(placed.devices, (each) => each.name === 'disk', make(placed.place));
}

/** A bus that was left to the host stays. */
function edited(devices: XmlElement, disk: XmlElement, bus: DiskBus | undefined, edit: (disk: XmlElement) => XmlElement): XmlElement {
  const changed = edit(disk);
  if (bus === undefined || bus === busOf(disk, devices)) return replaced(devices, disk, changed);
  const moved = movedTo(devices, changed, bus);
  return replaced(moved.devices, disk, moved.disk);
}

const replaced = (devices: XmlElement, before: XmlElement, after: XmlElement): XmlElement =>
  mapChildren(devices, (node) => (node === before ? after : node));

function newDisk(disk: MachineDisk, serial: string | undefined, place: readonly XmlElement[], words: DiskWords): XmlElement {
  const bare = element(
    'disk',
    { type: sourceType(disk.location), device: 'disk' },
    element('driver', { name: words.driver(disk.format), type: nativeFormat(disk.format) }),
    sourceAt(disk.location),
    ...place.filter((each) => each.name === 'target'),
    serial === undefined ? undefined : element('serial', {}, serial),
    element('alias', { name: aliasPrefix + disk.name }),
    ...place.filter((each) => each.name !== 'target'),
  );
  return withTuning(bare, disk, words);
}

/** What is absent in `wanted` was left to the host, and stays; so does the serial number, wherever it is written, unless there is another. */
function editDisk(disk: XmlElement, wanted: MachineDisk, serial: string | undefined, words: DiskWords): XmlElement {
  const located = locationOf(child(disk, 'source')) === wanted.location ? disk : relocated(disk, wanted.location);
  const typed = withFormat(located, wanted.format, words);
  const numbered = serial === undefined ? typed : withChild(typed, element('serial'), (each) => withText(each, serial));
  return withTuning(numbered, wanted, words);
}

/** One of another format may be served by somebody else. */
function withFormat(disk: XmlElement, format: VolumeFormat, words: DiskWords): XmlElement {
  const type = nativeFormat(format);
  if (attribute(child(disk, 'driver'), 'type') === type) return disk;
  return withChild(disk, element('driver'), (driver) => withAttribute(withAttribute(driver, 'name', words.driver(format)), 'type', type));
}

/** Another source is another disk: what was said of the old one's backing, encryption and so on does not hold. */
function relocated(disk: XmlElement, location: string): XmlElement {
  const bare = withoutChildren(disk, (each) => ['source', 'backingStore', 'mirror'].includes(each.name));
  return insertAfterLast(withAttribute(bare, 'type', sourceType(location)), (each) => each.name === 'driver', sourceAt(location));
}
