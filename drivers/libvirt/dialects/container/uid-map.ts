import { append } from '#drivers/xml/edit.js';
import { child, element, type XmlElement } from '#drivers/xml/tree.js';

/**
 * Who is root in a container is nobody on its host: users and groups 0 to 65535 of each are these there. systemd leaves this range to
 * nobody (its UIDS-GIDS.md), and so do the tools that hand out `/etc/subuid`.
 */
export const uidMap = { first: 0x7000_0000, count: 0x1_0000 } as const;

const range = { start: '0', target: `${uidMap.first}`, count: `${uidMap.count}` };

/** A map that is there stays: files have their owners by it. */
export const withUidMap = (domain: XmlElement): XmlElement =>
  child(domain, 'idmap') === undefined ? append(domain, element('idmap', {}, element('uid', range), element('gid', range))) : domain;

export const hasUidMap = (domain: XmlElement): boolean => child(domain, 'idmap', 'uid') !== undefined;
