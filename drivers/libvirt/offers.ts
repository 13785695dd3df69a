import { unlessAborted } from '#drivers/deadline.js';
import { DriverError } from '#drivers/error.js';
import type { Dialect, HostFacts, MachineOffer, Means } from './dialects/dialect.js';
import { connectGetCapabilities, nodeGetInfo } from './rpc/procedures.js';
import { readCapabilities } from './xml/capabilities.js';

export interface Offer extends HostFacts {
  /** Absent when the host has no kind of machine that we know how to define. */
  readonly machines: MachineOffer | undefined;
}

/** How long finding out may take, in milliseconds, whoever waits for it and for how long. */
const patience = 60_000;

/** The host's offer, found out once; a daemon that is upgraded closes its connections, and with them this. */
export class Offers {
  readonly #means: Means;
  readonly #dialect: Dialect;
  #finding: Promise<Offer> | undefined;

  constructor(means: Means, dialect: Dialect) {
    this.#means = means;
    this.#dialect = dialect;
  }

  /** Shared by all who ask at the same time; each stops waiting at will. What failed is tried again by the next. */
  async get(signal: AbortSignal): Promise<Offer> {
    this.#finding ??= this.#find(AbortSignal.timeout(patience)).catch((reason) => {
      this.#finding = undefined;
      throw DriverError.from(reason);
    });
    return unlessAborted(this.#finding, signal);
  }

  async #find(signal: AbortSignal): Promise<Offer> {
    const { daemon } = this.#means;
    const host = readCapabilities(await daemon.order(connectGetCapabilities, undefined, signal));
    const node = await daemon.ask(nodeGetInfo, undefined, signal);
    const facts = { host, cpuCount: node.cpus, memoryBytes: node.memory * 1024 };
    return { ...facts, machines: await this.#dialect.offer(facts, this.#means, signal) };
  }
}

/** @throws DriverError Unsupported when the host has none */
export function machinesOf({ host, machines }: Offer, dialect: Dialect): MachineOffer {
  if (machines !== undefined) return machines;
  throw new DriverError(
    'Unsupported',
    `the host (${host.architecture}) offers no machine that can be defined here; accepted: ${dialect.accepted}`,
  );
}
