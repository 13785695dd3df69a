import type { Driver } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { Connect, CredentialKeys } from '#drivers/target.js';
import { adoptionOf } from './adoption.js';
import { type Clock, systemClock } from './clock.js';
import { Connection } from './connection.js';
import { consolesOf } from './consoles.js';
import { guestsOf } from './guests.js';
import { FakeHost } from './host.js';
import { liveOf } from './live.js';
import { draftsOf, machinesOf } from './machines.js';
import { networksOf } from './networks.js';
import { poolsOf } from './pools.js';
import { powerOf } from './power.js';
import { snapshotsOf } from './snapshots.js';
import { volumesOf } from './volumes.js';
import { eventsOf, hostOf, statisticsOf } from './watching.js';

/** A new connection to a fake host. Several may be open at once; the host outlives them all. */
export function fakeDriver(host: FakeHost<Clock>): Driver {
  const connection = new Connection(host);
  host.joined(connection);
  const driver: { -readonly [K in keyof Driver]: Driver[K] } = {
    host: hostOf(host, connection),
    machines: machinesOf(host, connection),
    power: powerOf(host, connection),
    live: liveOf(host, connection),
    adoption: adoptionOf(host, connection),
    pools: poolsOf(host, connection),
    volumes: volumesOf(host, connection),
    networks: networksOf(host, connection),
    consoles: consolesOf(host, connection),
    guests: guestsOf(host, connection),
    events: eventsOf(host, connection),
    stats: statisticsOf(host, connection),
    drafts: draftsOf(host, connection),
    snapshots: snapshotsOf(host, connection),
    closed: connection.closed,
    [Symbol.asyncDispose]: async () => connection.close(),
  };
  for (const facet of host.without) delete driver[facet];
  return driver;
}

const inMemory = new Map<string, FakeHost<Clock>>();

/** The host of this URI, such as `fake:///demo`, which is there as long as this process; in its machines nothing runs. */
export function connectInMemory(uri: string): Driver {
  const host = inMemory.get(uri) ?? new FakeHost({ clock: systemClock, guests: { asksForAddresses: true, answers: true } });
  inMemory.set(uri, host);
  return fakeDriver(host);
}

/** What a fake host with an account reads. */
export const fakeCredentialKeys: CredentialKeys = { required: ['username', 'password'], optional: [] };

/** As a driver connects: Denied unless the credentials are those of the host's account, where it has one. */
export function connectFake(host: FakeHost<Clock>): Connect {
  return async ({ credentials }) => {
    const { account } = host;
    if (account !== undefined && !(credentials?.text('username') === account.username && credentials.text('password') === account.password))
      throw new DriverError('Denied', 'the fake host does not know this username and password');
    return fakeDriver(host);
  };
}
