import type { Driver } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { Rows } from '#drivers/https/rows.js';
import { Credentials } from '#drivers/target.js';
import { HypervAdoption } from './adoption.js';
import { HypervConsoles } from './consoles.js';
import { ContentsByPlace } from './contents.js';
import { decodeCredentials } from './credentials.js';
import { HypervEvents } from './events.js';
import { type ClosableContents, hostContents, notShown } from './file-access.js';
import { HostFiles } from './files.js';
import { HypervGuests } from './guests.js';
import { HypervHost } from './host.js';
import { Inventory } from './inventory.js';
import { HypervLive } from './live.js';
import { HypervMachines } from './machines.js';
import { HypervNetworks } from './networks.js';
import { HypervPools } from './pools.js';
import { HypervPower } from './power.js';
import { type ServerAccess, SharePools } from './share-pools.js';
import { HypervSnapshots } from './snapshots.js';
import { HypervStats } from './stats.js';
import { type HypervUri, parseHypervUri } from './uri.js';
import { HypervVolumes } from './volumes.js';
import { CheckpointService } from './wmi/checkpoint-service.js';
import { hasEvents } from './wmi/events.js';
import { ImageService } from './wmi/image-service.js';
import { Jobs, type Pace } from './wmi/jobs.js';
import { MachineService } from './wmi/machine-service.js';
import { Switches } from './wmi/switches.js';
import { Wmi } from './wmi/wmi.js';
import { WsmanClient } from './wsman/client.js';
import { Lanes } from './wsman/lanes.js';

export interface HypervOptions {
  readonly signal: AbortSignal;
  readonly pace?: Pace;
  /** In characters, of one listing. */
  readonly mostListed?: number;
}

/** The driver for a Hyper-V host (`hyperv://host`), in whichever version of its WMI it has. */
export async function connectHypervDriver(
  uri: string,
  credentials: Credentials | undefined,
  { signal, pace, mostListed }: HypervOptions,
): Promise<Driver> {
  const at = parseHypervUri(uri);
  const { endpoint, login } = decodeCredentials(at, credentials);
  const client = new WsmanClient(new Lanes(endpoint, login), mostListed);
  try {
    const wmi = await Wmi.open(client, signal);
    const jobs = new Jobs(wmi, pace);
    await waitForFormerLife(jobs, signal);
    const access = serverAccess(at, credentials);
    return hypervDriver(wmi, jobs, new SharePools(access), hostContents(at, login, credentials));
  } catch (reason) {
    await client[Symbol.asyncDispose]();
    throw reason;
  }
}

/** What another life began and cannot be seen yet is there before anybody looks. What takes longer than our patience holds nobody up. */
async function waitForFormerLife(jobs: Jobs, signal: AbortSignal): Promise<void> {
  const unlessBusy = (reason: unknown) => {
    if (!(reason instanceof DriverError && reason.code === 'Busy')) throw reason;
  };
  await Promise.all([jobs.machinesMade(signal).catch(unlessBusy), jobs.disksMade(signal).catch(unlessBusy)]);
}

/**
 * A file server is reached as the host is: by the same way, through the same port. Whoever makes pools names the server, which need not be an honest
 * one: the host's password is not shown to it.
 * @throws DriverError Invalid
 */
const serverAccess =
  (at: HypervUri, credentials: Credentials = new Credentials([])): ServerAccess =>
  (host, own) => {
    if (at.auth === 'basic' && own === undefined)
      throw new DriverError(
        'Invalid',
        `smb.credentialsSecretName: left out, and auth=basic in the host's URI would send the host's password to ${host}; name a Secret with an account of the file server`,
      );
    const trusted = credentials.only(['ca.crt', 'sha256']);
    const shown = own === undefined ? credentials : trusted.with(own.keys.map((key) => [key, own.get(key) ?? new Uint8Array()] as const));
    const { endpoint, login } = decodeCredentials({ ...at, host }, shown);
    const contents = own === undefined && host !== at.host.toLowerCase() ? notShown(host) : hostContents({ ...at, host }, login, shown);
    return { files: new HostFiles(new WsmanClient(new Lanes(endpoint, login))), contents };
  };

function hypervDriver(wmi: Wmi, jobs: Jobs, shares: SharePools, ofHost: ClosableContents): Driver {
  const service = new MachineService(wmi, jobs);
  const rows = new Rows();
  const switches = new Switches(wmi, jobs, service, (key, act, signal) => rows.through(key, act, signal));
  const contents = new ContentsByPlace(ofHost, (unc) => shares.contents(unc));
  const inventory = new Inventory(wmi, service, switches, contents);
  const files = new HostFiles(wmi.client);
  const pools = new HypervPools(inventory, files, shares);
  const ending = new AbortController();
  let close = () => {};
  const closed = new Promise<void>((resolve) => {
    close = resolve;
  });
  const machines = new HypervMachines(inventory);
  return {
    host: new HypervHost(inventory),
    machines,
    adoption: new HypervAdoption(inventory),
    drafts: { machine: (definition, mark, signal) => machines.draft(definition, mark, signal) },
    power: new HypervPower(inventory),
    live: new HypervLive(inventory),
    snapshots: new HypervSnapshots(inventory, new CheckpointService(wmi, jobs)),
    stats: new HypervStats(inventory),
    guests: new HypervGuests(inventory),
    consoles: new HypervConsoles(inventory),
    networks: new HypervNetworks(inventory),
    pools,
    volumes: new HypervVolumes(inventory.limits, pools, new ImageService(wmi, jobs), contents),
    ...(hasEvents(wmi) ? { events: new HypervEvents(wmi, ending.signal) } : {}),
    closed,
    async [Symbol.asyncDispose]() {
      ending.abort();
      await Promise.all([wmi.client[Symbol.asyncDispose](), shares[Symbol.asyncDispose](), ofHost[Symbol.asyncDispose]()]);
      close();
    },
  };
}
