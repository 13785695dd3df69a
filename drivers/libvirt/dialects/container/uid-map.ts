import { createHash } from 'node:crypto';
import type { MachineShape } from '#drivers/driver.js';
import { append, withAttribute, withChild, withoutChildren } from '#drivers/xml/edit.js';
import { attribute, child, element, elements, isElement, type XmlElement } from '#drivers/xml/tree.js';
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

/**
 * Whose the users of a container are: `OfNobody` by a map of ours, `OfOthers` by one that others made, to users who are nobody's either; `None`
 * without a map, when they are the host's own; `OfTheHost` by a map to users that may be somebody's, or another container's.
 */
export type Users = 'None' | 'OfNobody' | 'OfOthers' | 'OfTheHost';

export function usersIn(domain: XmlElement): Users {
  const map = child(domain, 'idmap');
  if (map === undefined) return 'None';
  const [users, groups] = [rangesIn(map, 'uid'), rangesIn(map, 'gid')];
  if ([users, groups].every(isOurs)) return 'OfNobody';
  return [users, groups].every((ranges) => ranges.length > 0 && ranges.every(isOfNobodyElse)) ? 'OfOthers' : 'OfTheHost';
}

interface Range {
  readonly start: number;
  readonly target: number;
  readonly count: number;
}

const rangesIn = (map: XmlElement, kind: 'uid' | 'gid'): readonly Range[] =>
  elements(map, kind).map((each) => {
    const [start = -1, target = -1, count = -1] = ['start', 'target', 'count'].map((name) => wholeNumber(attribute(each, name)));
    return { start, target, count };
  });

const isOurs = ([first, ...others]: readonly Range[]): boolean =>
  others.length === 0 && first?.start === 0 && first.count === usersOfMap && firstUserBeside(first.target) === first.target;

/** Linux has users below 2^32; below 65536 are those of people and programs. */
const isOfNobodyElse = ({ start, target, count }: Range): boolean =>
  start >= 0 &&
  count > 0 &&
  target >= usersOfMap &&
  target + count <= 0xffff_ffff &&
  (target + count <= allMaps.first || target >= allMaps.first + allMaps.count);

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
