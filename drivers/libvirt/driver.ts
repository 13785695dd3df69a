import type { Driver } from '#drivers/driver.js';
import type { Credentials } from '#drivers/target.js';
import { absentFacets, type OptionalFacet } from './absent-facets.js';
import { LibvirtAdoption } from './adoption.js';
import { connectLibvirt } from './connect.js';
import { LibvirtConsoles } from './consoles.js';
import { Daemon } from './daemon.js';
import { dialectOf } from './dialects/by-driver.js';
import type { Dialect } from './dialects/dialect.js';
import { KvmMemory } from './dialects/qemu/kvm-memory.js';
import { LibvirtEvents } from './events.js';
import { LibvirtGuests } from './guests.js';
import { LibvirtHost } from './host.js';
import { KnownNames } from './known-names.js';
import { LibvirtLive } from './live.js';
import { LibvirtMachines } from './machines.js';
import { LibvirtNetworks } from './networks.js';
import { Offers } from './offers.js';
import { LibvirtPools } from './pools.js';
import { LibvirtPower } from './power.js';
import type { Connection } from './rpc/connection.js';
import { LibvirtStats } from './stats.js';
import { parseLibvirtUri } from './uri.js';
import { LibvirtVolumes } from './volumes.js';

/** The driver for the host whose libvirt daemon is behind `uri`, in libvirt's own words, e.g. `qemu:///system`. */
export async function connectLibvirtDriver(
  uri: string,
  credentials: Credentials | undefined,
  { signal }: { readonly signal: AbortSignal },
): Promise<Driver> {
  const connect = (connecting: AbortSignal) => connectLibvirt(uri, { ...(credentials === undefined ? {} : { credentials }) }, connecting);
  const { driver, place } = parseLibvirtUri(uri);
  const connection = await connect(signal);
  try {
    const absent = await absentFacets(connection, signal);
    return libvirtDriver(connection, connect, dialectOf(driver), { absent, memory: memoryOf(uri), isHere: place.kind === 'unix' });
  } catch (reason) {
    await connection[Symbol.asyncDispose]();
    throw reason;
  }
}

/** By URI, for as long as the process lives. */
const memories = new Map<string, KvmMemory>();

function memoryOf(uri: string): KvmMemory {
  const memory = memories.get(uri) ?? new KvmMemory();
  memories.set(uri, memory);
  return memory;
}

export interface Surroundings {
  readonly absent?: readonly OptionalFacet[];
  readonly memory?: KvmMemory;
  /** The daemon is on this host, as its socket is. */
  readonly isHere?: boolean;
}

/** `openAnother` gives a further connection to the same daemon, for what must end with a connection. */
export function libvirtDriver(
  connection: Connection,
  openAnother: (signal: AbortSignal) => Promise<Connection>,
  dialect: Dialect,
  { absent = [], memory = new KvmMemory(), isHere = false }: Surroundings = {},
): Driver {
  const daemon = new Daemon(connection, dialect.names, isHere && dialect.directories === true);
  const offers = new Offers({ daemon, openAnother, memory }, dialect);
  const names = new KnownNames();
  const machines = new LibvirtMachines(daemon, dialect, offers, names);
  const driver: { -readonly [K in keyof Driver]: Driver[K] } = {
    host: new LibvirtHost(daemon, dialect, offers, absent),
    machines,
    drafts: { machine: (definition, mark, signal) => machines.draft(definition, mark, signal) },
    power: new LibvirtPower(daemon, dialect.power),
    live: dialect.live?.(daemon) ?? new LibvirtLive(daemon),
    adoption: new LibvirtAdoption(daemon, dialect),
    pools: new LibvirtPools(daemon),
    volumes: new LibvirtVolumes(daemon),
    networks: new LibvirtNetworks(daemon),
    consoles: new LibvirtConsoles(daemon, dialect),
    guests: new LibvirtGuests(daemon),
    events: new LibvirtEvents(daemon),
    stats: new LibvirtStats(daemon, names),
    closed: connection.closed,
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
  for (const facet of absent) delete driver[facet];
  return driver;
}
