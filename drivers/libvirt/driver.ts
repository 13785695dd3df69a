import type { Driver } from '#drivers/driver.js';
import { LibvirtConsoles } from './consoles.js';
import { Daemon } from './daemon.js';
import { LibvirtEvents } from './events.js';
import { LibvirtHost } from './host.js';
import { LibvirtMachines } from './machines.js';
import { Offers } from './offer.js';
import { LibvirtPools } from './pools.js';
import { LibvirtPower } from './power.js';
import { type Connection, connectLibvirt } from './rpc/connection.js';
import { LibvirtStats } from './stats.js';
import { LibvirtVolumes } from './volumes.js';

/** The driver for the host whose libvirt daemon is behind `uri`, in libvirt's own words, e.g. `qemu:///system`. */
export async function connectLibvirtDriver(uri: string, { signal }: { readonly signal: AbortSignal }): Promise<Driver> {
  const connect = (connecting: AbortSignal) => connectLibvirt(uri, {}, connecting);
  return libvirtDriver(await connect(signal), connect);
}

/** `openAnother` gives a further connection to the same daemon, for what must end with a connection. */
export function libvirtDriver(connection: Connection, openAnother: (signal: AbortSignal) => Promise<Connection>): Driver {
  const daemon = new Daemon(connection);
  const offers = new Offers(daemon, openAnother);
  return {
    host: new LibvirtHost(daemon, offers),
    machines: new LibvirtMachines(daemon, offers),
    power: new LibvirtPower(daemon),
    pools: new LibvirtPools(daemon),
    volumes: new LibvirtVolumes(daemon),
    consoles: new LibvirtConsoles(daemon),
    events: new LibvirtEvents(daemon),
    stats: new LibvirtStats(daemon),
    closed: connection.closed,
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
}
