import type { MachineCdrom } from '#drivers/driver.js';
import { insertAfterLast, withAttribute, withChild, withoutChildren } from '#drivers/xml/edit.js';
import { attribute, child, element, type XmlElement } from '#drivers/xml/tree.js';
import { busOf } from './bus.js';
import { locationOf, sourceAt, sourceType } from './disk-source.js';
import type { DiskWords } from './words.js';

export const isCdrom = (disk: XmlElement): boolean => attribute(disk, 'device') === 'cdrom';

export function readCdrom(disk: XmlElement, name: string, devices: XmlElement | undefined): MachineCdrom {
  const location = locationOf(child(disk, 'source'));
  const bus = busOf(disk, devices);
  return { name, ...(location === undefined ? {} : { location }), ...(bus === undefined ? {} : { bus }) };
}

export function newCdrom({ location }: MachineCdrom, place: readonly XmlElement[], alias: string, words: DiskWords): XmlElement {
  return element(
    'disk',
    { type: sourceType(location ?? ''), device: 'cdrom' },
    element('driver', { name: driverOf(words), type: 'raw' }),
    location === undefined ? undefined : sourceAt(location),
    ...place.filter((each) => each.name === 'target'),
    element('readonly'),
    element('alias', { name: alias }),
    ...place.filter((each) => each.name !== 'target'),
  );
}

const driverOf = ({ driver, cdromDriver }: DiskWords): string | undefined => cdromDriver ?? driver('Raw');

/** With another disc, or none. What was said of the old one's backing does not hold. */
export function withDisc(disk: XmlElement, location: string | undefined, words: DiskWords): XmlElement {
  const has = locationOf(child(disk, 'source'));
  if (has === location) return disk;
  const empty = withoutChildren(disk, (each) => ['source', 'backingStore', 'mirror'].includes(each.name));
  const typed = withAttribute(empty, 'type', sourceType(location ?? ''));
  if (location === undefined) return typed;
  const raw = withChild(typed, element('driver', { name: driverOf(words) }), (driver) => withAttribute(driver, 'type', 'raw'));
  return insertAfterLast(raw, (each) => each.name === 'driver', sourceAt(location));
}
