import { createHash } from 'node:crypto';
import type { MachineShape } from '#drivers/driver.js';
import { append, withAttribute, withChild, withoutChildren } from '#drivers/xml/edit.js';
import { attribute, child, element, isElement, type XmlElement } from '#drivers/xml/tree.js';
import { wholeNumber } from '../../xml/units.js';

/**
 * Who is root in a container is nobody on its host: users and groups 0 to 65535 of each are others there, from a range that systemd leaves to
 * nobody (its UIDS-GIDS.md), and so do the tools that hand out `/etc/subuid`. It has room for 4096 such maps.
 */
const allMaps = { first: 0x7000_0000, count: 0x1000_0000 } as const;
export const usersOfMap = 0x1_0000;

/** Where nobody says whose a directory is. */
export const commonFirst = allMaps.first;

/** The same for one tenant for ever. Two may have the same, seldom: they are then each other's equals. */
export function firstUserOf(tenant: string | undefined): number {
  if (tenant === undefined) return commonFirst;
  const maps = allMaps.count / usersOfMap - 1;
  return commonFirst + usersOfMap * (1 + (createHash('sha256').update(tenant).digest().readUInt32BE() % maps));
}

/** The first user of the map that a user of the host belongs to: whose files are whose stands in the files, and nowhere else. */
export const firstUserBeside = (user: number): number | undefined =>
  user < allMaps.first || user >= allMaps.first + allMaps.count ? undefined : user - (user % usersOfMap);

const rangeFrom = (first: number) => ({ start: '0', target: `${first}`, count: `${usersOfMap}` });

/** A map that is there follows the root, where that was looked at, and else stays: files have their owners by it. A privileged container has none. */
export function withUidMap(domain: XmlElement, { container }: MachineShape): XmlElement {
  if (container?.privileged === true) return withoutChildren(domain, (each) => isElement(each, 'idmap'));
  const first = container?.ground?.firstUser;
  if (!hasUidMap(domain))
    return append(
      withoutChildren(domain, (each) => isElement(each, 'idmap')),
      newMap(first ?? commonFirst),
    );
  if (first === undefined || firstIn(domain) === first) return domain;
  return withChild(domain, element('idmap'), (map) =>
    ['uid', 'gid'].reduce(
      (each, kind) => withChild(each, element(kind, rangeFrom(first)), (one) => withAttribute(one, 'target', `${first}`)),
      map,
    ),
  );
}

const newMap = (first: number): XmlElement => element('idmap', {}, element('uid', rangeFrom(first)), element('gid', rangeFrom(first)));

const firstIn = (domain: XmlElement): number | undefined => wholeNumber(attribute(child(domain, 'idmap', 'uid'), 'target'));

export const hasUidMap = (domain: XmlElement): boolean => child(domain, 'idmap', 'uid') !== undefined;
