import type { Driver } from '#drivers/driver.js';
import type { Credentials } from '#drivers/target.js';
import { VsphereAdoption } from './adoption.js';
import { decodeCredentials } from './credentials.js';
import { VsphereEvents } from './events.js';
import { VsphereHost } from './host.js';
import { Inventory } from './inventory.js';
import { Limits } from './limits.js';
import { VsphereMachines } from './machines.js';
import { vsphereNetworks } from './networks.js';
import { VspherePools } from './pools.js';
import { VspherePower } from './power.js';
import { refusals } from './refusals.js';
import { findScope } from './scope.js';
import { Session } from './soap/session.js';
import { type Pace, Tasks } from './soap/tasks.js';
import { VsphereStats } from './stats.js';
import { parseVsphereUri } from './uri.js';
import { VsphereVolumes } from './volumes.js';

export interface VsphereOptions {
  readonly signal: AbortSignal;
  readonly pace?: Pace;
}

/** The driver for an ESX host (`esx://host`), or for a cluster or host of a vCenter (`vpx://vcenter/Datacenter/Cluster[/host]`). */
export async function connectVsphereDriver(
  uri: string,
  credentials: Credentials | undefined,
  { signal, pace }: VsphereOptions,
): Promise<Driver> {
  const parsed = parseVsphereUri(uri);
  const { username, password, ...trust } = decodeCredentials(credentials);
  const endpoint = { host: parsed.host, port: parsed.port, trust };
  const session = await refusals.unlessRefused(endpoint, { username, password }, () =>
    Session.open(endpoint, { username, password }, signal),
  );
  try {
    const scope = await findScope(session, parsed, signal);
    return vsphereDriver(new Inventory(session, scope, new Tasks(session, pace)));
  } catch (reason) {
    await session[Symbol.asyncDispose]();
    throw reason;
  }
}

function vsphereDriver(inventory: Inventory): Driver {
  const { session } = inventory;
  const limits = new Limits(inventory);
  const machines = new VsphereMachines(inventory, limits);
  const life = new AbortController();
  return {
    host: new VsphereHost(inventory, limits),
    machines,
    drafts: { machine: (definition, mark, signal) => machines.draft(definition, mark, signal) },
    power: new VspherePower(inventory),
    adoption: new VsphereAdoption(inventory),
    pools: new VspherePools(inventory),
    volumes: new VsphereVolumes(inventory),
    networks: vsphereNetworks(inventory),
    events: new VsphereEvents(inventory, life.signal),
    stats: new VsphereStats(inventory),
    closed: session.closed.then(() => {}),
    async [Symbol.asyncDispose]() {
      life.abort();
      await session[Symbol.asyncDispose]();
    },
  };
}
