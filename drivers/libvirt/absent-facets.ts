import type { Facet } from '#drivers/driver.js';
import { hasCode } from './gone.js';
import type { Connection } from './rpc/connection.js';
import { affectFlags, metadataTypes, statsFlags, statsGroups } from './rpc/flags.js';
import {
  connectGetAllDomainStats,
  domainGetInfo,
  domainInterfaceAddresses,
  domainSetMetadata,
  domainTryConsole,
  domainUpdateDeviceFlags,
  networkLookupByUuid,
  storagePoolLookupByUuid,
  storageVolResize,
} from './rpc/procedures.js';
import { measured } from './stats.js';

export type OptionalFacet = Exclude<Facet, 'host' | 'machines' | 'power'>;

/** Of nothing that is there: libvirt gives no one this uuid. */
const uuid = '00000000-0000-0000-0000-000000000000';
const domain = { name: 'none', uuid, id: -1 };
const nothing = {
  domain,
  type: metadataTypes.element,
  metadata: undefined,
  key: 'none',
  uri: 'none',
  flags: affectFlags.config,
};
const volume = { pool: 'none', name: 'none', key: 'none' };

/**
 * The facets that the driver behind this connection has not: each is asked for something about what is not there, which a driver that
 * could do it answers otherwise than one that knows nothing of it. Every driver has events, if only for some things.
 */
export async function absentFacets(connection: Connection, signal: AbortSignal): Promise<readonly OptionalFacet[]> {
  const options = { lane: 'control' } as const;
  const asked: Readonly<Partial<Record<OptionalFacet, Promise<unknown>>>> = {
    live: connection.call(domainUpdateDeviceFlags, { domain, xml: '<none/>', flags: affectFlags.live }, options, signal),
    adoption: connection.call(domainSetMetadata, nothing, options, signal),
    pools: connection.call(storagePoolLookupByUuid, { uuid }, options, signal),
    volumes: connection.call(storageVolResize, { volume, capacity: 1, flags: 0 }, options, signal),
    networks: connection.call(networkLookupByUuid, { uuid }, options, signal),
    consoles: connection.call(domainTryConsole, { domain, device: undefined, flags: 0 }, options, signal),
    guests: connection.call(domainInterfaceAddresses, { domain, source: 0, flags: 0 }, options, signal),
    stats: statsOf(connection, signal),
  };
  const answers = await Promise.all(Object.entries(asked).map(async ([facet, answer]) => ({ facet, absent: await isUnknown(answer) })));
  return answers.flatMap(({ facet, absent }) => (absent ? [facet as OptionalFacet] : []));
}

/** A driver with no call for many machines is asked for each by itself. */
async function statsOf(connection: Connection, signal: AbortSignal): Promise<unknown> {
  const options = { lane: 'control' } as const;
  const all = (stats: number, flags: number) =>
    connection.call(connectGetAllDomainStats, { domains: [domain], stats, flags }, options, signal);
  if (await isUnknown(all(statsGroups.state, statsFlags.noWait))) return connection.call(domainGetInfo, { domain }, options, signal);
  return all(measured, statsFlags.noWait + statsFlags.enforce);
}

/** A connection that breaks meanwhile tells nothing of what the host has. */
async function isUnknown(answer: Promise<unknown>): Promise<boolean> {
  try {
    await answer;
    return false;
  } catch (reason) {
    if (hasCode(reason, 'Unavailable') || hasCode(reason, 'TimedOut')) throw reason;
    return hasCode(reason, 'Unsupported');
  }
}
