import type { NetworkShape, StaticHost, Subnet } from '#drivers/driver.js';
import { attribute, elements, type XmlElement } from '#drivers/xml/tree.js';
import {
  type Family,
  hostElements,
  rangeElements,
  readHost,
  readPrefix,
  readRange,
  readRecord,
  recordElements,
  subnetElement,
} from './network.js';
import { hostElement, rangeElement, recordElementsOf } from './network-parts.js';

/** One change that a running network can take. */
export interface NetworkUpdate {
  readonly command: 'modify' | 'delete' | 'addLast';
  readonly section: 'ipDhcpHost' | 'ipDhcpRange' | 'dnsHost';
  /** Which of the network's subnets; -1 for what is in none. */
  readonly parentIndex: number;
  readonly xml: XmlElement;
}

/** What changes while a network runs, in the API's words. */
export const liveFields = ['ipv4.dhcp', 'ipv6.dhcp', 'dns.records'] as const;

/**
 * From what runs to what is asked, as far as that can be done while it runs. What goes away goes first: an address or a name is taken by
 * one at a time. A subnet that is another now has nothing of the one that is asked.
 */
export function networkUpdates(live: XmlElement, asked: NetworkShape): readonly NetworkUpdate[] {
  const updates = [...subnetUpdates(live, 'ipv4', asked.ipv4), ...subnetUpdates(live, 'ipv6', asked.ipv6), ...recordUpdates(live, asked)];
  const order = ['delete', 'modify', 'addLast'] as const;
  return order.flatMap((command) => updates.filter((update) => update.command === command));
}

function subnetUpdates(live: XmlElement, family: Family, asked: Subnet | undefined): readonly NetworkUpdate[] {
  const ip = subnetElement(live, family);
  if (ip === undefined || asked === undefined || attribute(ip, 'address') !== asked.address || readPrefix(ip) !== asked.prefix) return [];
  const parentIndex = elements(live, 'ip').indexOf(ip);
  return [
    ...listUpdates(rangeElements(ip), asked.ranges.map(rangeElement), readRange).map(
      (update) => ({ ...update, section: 'ipDhcpRange', parentIndex }) as const,
    ),
    ...hostUpdates(hostElements(ip), asked.hosts).map((update) => ({ ...update, section: 'ipDhcpHost', parentIndex }) as const),
  ];
}

const recordUpdates = (live: XmlElement, { records }: NetworkShape): readonly NetworkUpdate[] =>
  listUpdates(recordElements(live), recordElementsOf(records), readRecord).map(
    (update) => ({ ...update, section: 'dnsHost', parentIndex: -1 }) as const,
  );

type Update = Pick<NetworkUpdate, 'command' | 'xml'>;

function listUpdates(has: readonly XmlElement[], wanted: readonly XmlElement[], read: (each: XmlElement) => unknown): readonly Update[] {
  const key = (each: XmlElement) => JSON.stringify(read(each));
  const [hasKeys, wantedKeys] = [has, wanted].map((list) => new Set(list.map(key)));
  return [
    ...has.filter((each) => !wantedKeys?.has(key(each))).map((xml) => ({ command: 'delete', xml }) as const),
    ...wanted.filter((each) => !hasKeys?.has(key(each))).map((xml) => ({ command: 'addLast', xml }) as const),
  ];
}

/** A machine that gets another address is never without one: libvirt knows its entry by the MAC address. */
function hostUpdates(has: readonly XmlElement[], wanted: readonly StaticHost[]): readonly Update[] {
  const macAddresses = new Set(has.map((each) => readHost(each).macAddress));
  const updates = listUpdates(has, wanted.map(hostElement), readHost);
  const added = new Set(updates.flatMap(({ command, xml }) => (command === 'addLast' ? [readHost(xml).macAddress] : [])));
  const isChanged = ({ xml }: Update): boolean => {
    const { macAddress } = readHost(xml);
    return macAddress !== undefined && macAddresses.has(macAddress) && added.has(macAddress);
  };
  return updates.flatMap((update) => {
    if (!isChanged(update)) return [update];
    return update.command === 'delete' ? [] : [{ ...update, command: 'modify' }];
  });
}
