import type { MachineSeed, SeedKind } from '#drivers/driver.js';
import { append, insertAfterLast, mapChildren, withAttribute, withChild, withoutChildren } from '#drivers/xml/edit.js';
import { attribute, child, element, elements, isElement, type XmlElement, type XmlNode } from '#drivers/xml/tree.js';
import { nativeBus, targetPrefix } from './bus.js';
import { type DiskWords, qemuDisks } from './words.js';

/** Aliases are one set for all devices of a machine: no disk's name begins so. */
export const seedPrefix = 'seed_';
const aliases: Readonly<Partial<Record<SeedKind, string>>> = { CloudInit: `ua-${seedPrefix}cloudinit`, Sysprep: `ua-${seedPrefix}sysprep` };

/** Under which name QEMU's firmware device gives the configuration to Ignition. */
const ignitionEntry = 'opt/com.coreos/config';

const kindOf = (disk: XmlElement): SeedKind | undefined =>
  (Object.keys(aliases) as SeedKind[]).find((kind) => aliases[kind] === attribute(child(disk, 'alias'), 'name'));

const isSeedDrive = (node: XmlNode): node is XmlElement => isElement(node, 'disk') && kindOf(node) !== undefined;
const isIgnition = (node: XmlNode): node is XmlElement => isElement(node, 'entry') && attribute(node, 'name') === ignitionEntry;
const isFirmwareInfo = (node: XmlNode): node is XmlElement => isElement(node, 'sysinfo') && attribute(node, 'type') === 'fwcfg';

/** A drive that was emptied holds no seed. */
export function readSeed(domain: XmlElement): MachineSeed | undefined {
  const drive = elements(child(domain, 'devices'), 'disk').find(isSeedDrive);
  const [kind, location] = [drive && kindOf(drive), attribute(child(drive, 'source'), 'file')];
  if (kind !== undefined && location !== undefined) return { kind, location };
  const entries = elements(domain, 'sysinfo')
    .filter(isFirmwareInfo)
    .flatMap((info) => elements(info, 'entry'));
  const file = attribute(entries.find(isIgnition), 'file');
  return file === undefined ? undefined : { kind: 'Ignition', location: file };
}

/** The domain with this seed and no other. */
export function withSeed(domain: XmlElement, wanted: MachineSeed | undefined, words: DiskWords = qemuDisks): XmlElement {
  const is = readSeed(domain);
  if (is?.kind === wanted?.kind && is?.location === wanted?.location) return domain;
  const driven = withChild(domain, element('devices'), (devices) => withDrive(devices, wanted, words));
  return withIgnition(driven, wanted?.kind === 'Ignition' ? wanted.location : undefined);
}

/** A drive that stays keeps its place on the bus. */
function withDrive(devices: XmlElement, wanted: MachineSeed | undefined, words: DiskWords): XmlElement {
  const alias = wanted === undefined ? undefined : aliases[wanted.kind];
  const kept = withoutChildren(devices, (node) => isSeedDrive(node) && attribute(child(node, 'alias'), 'name') !== alias);
  if (wanted === undefined || alias === undefined) return kept;
  const loaded = (drive: XmlElement) => withChild(drive, element('source'), (source) => withAttribute(source, 'file', wanted.location));
  if (kept.children.some(isSeedDrive)) return mapChildren(kept, (node) => (isSeedDrive(node) ? loaded(node) : node));
  return insertAfterLast(kept, (node) => isElement(node, 'disk'), newDrive(kept, wanted, alias, words));
}

/**
 * What boots from virtio has a driver for it, and often no other: the kernels of cloud images leave AHCI out. Windows is the other way
 * round until it is set up, and so is whatever has disks on other buses than the host's best: these get a CD-ROM drive, which every machine can have.
 */
function newDrive(devices: XmlElement, { kind, location }: MachineSeed, alias: string, words: DiskWords): XmlElement {
  const first = elements(devices, 'disk').find((disk) => (attribute(disk, 'device') ?? 'disk') === 'disk');
  const bootsFromBest = first === undefined || attribute(child(first, 'target'), 'bus') === nativeBus(words.bus);
  const isDisk = kind === 'CloudInit' && bootsFromBest;
  const bus = isDisk ? words.bus : words.cdromBus;
  return element(
    'disk',
    { type: 'file', device: isDisk ? 'disk' : 'cdrom' },
    element('driver', { name: words.driver('Raw'), type: 'raw' }),
    element('source', { file: location }),
    element('target', { dev: freeTarget(devices, targetPrefix(bus)), bus: nativeBus(bus) }),
    element('readonly'),
    element('alias', { name: alias }),
  );
}

/** From the end, as disks are given theirs from the beginning; a host boots from the first. */
function freeTarget(devices: XmlElement, prefix: string): string {
  const taken = new Set(elements(devices, 'disk').map((disk) => attribute(child(disk, 'target'), 'dev')));
  const targets = [...'zyxwvutsrqponmlkjihgfedcba'].map((letter) => `${prefix}${letter}`);
  return targets.find((target) => !taken.has(target)) ?? `${prefix}zz`;
}

function withIgnition(domain: XmlElement, file: string | undefined): XmlElement {
  const info = elements(domain, 'sysinfo').find(isFirmwareInfo);
  if (info === undefined && file === undefined) return domain;
  if (info === undefined) return append(domain, element('sysinfo', { type: 'fwcfg' }, element('entry', { name: ignitionEntry, file })));
  const without = withoutChildren(info, isIgnition);
  const edited = file === undefined ? without : append(without, element('entry', { name: ignitionEntry, file }));
  if (elements(edited, 'entry').length === 0) return withoutChildren(domain, (node) => node === info);
  return mapChildren(domain, (node) => (node === info ? edited : node));
}
