import type { Driver } from '#drivers/driver.js';
import type { Credentials } from '#drivers/target.js';
import { decodeCredentials } from './credentials.js';
import { HypervHost } from './host.js';
import { Inventory } from './inventory.js';
import { HypervMachines } from './machines.js';
import { HypervPower } from './power.js';
import { HypervStats } from './stats.js';
import { parseHypervUri } from './uri.js';
import { Jobs, type Pace } from './wmi/jobs.js';
import { MachineService } from './wmi/machine-service.js';
import { Wmi } from './wmi/wmi.js';
import { WsmanClient } from './wsman/client.js';
import { Lanes } from './wsman/lanes.js';

export interface HypervOptions {
  readonly signal: AbortSignal;
  readonly pace?: Pace;
}

/** The driver for a Hyper-V host (`hyperv://host`), in whichever version of its WMI it has. */
export async function connectHypervDriver(
  uri: string,
  credentials: Credentials | undefined,
  { signal, pace }: HypervOptions,
): Promise<Driver> {
  const { endpoint, login } = decodeCredentials(parseHypervUri(uri), credentials);
  const client = new WsmanClient(new Lanes(endpoint, login));
  try {
    const wmi = await Wmi.open(client, signal);
    return hypervDriver(new Inventory(wmi, new MachineService(wmi, new Jobs(wmi, pace))));
  } catch (reason) {
    await client[Symbol.asyncDispose]();
    throw reason;
  }
}

function hypervDriver(inventory: Inventory): Driver {
  let close = () => {};
  const closed = new Promise<void>((resolve) => {
    close = resolve;
  });
  return {
    host: new HypervHost(inventory),
    machines: new HypervMachines(inventory),
    power: new HypervPower(inventory),
    stats: new HypervStats(inventory),
    closed,
    async [Symbol.asyncDispose]() {
      await inventory.wmi.client[Symbol.asyncDispose]();
      close();
    },
  };
}
