import type { MachineDefinition } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { memoryStepBytes } from './config/definition.js';
import type { Inventory } from './inventory.js';
import { type Properties, retrieveAll, retrieveOne } from './soap/properties.js';
import { boolean, integer, type Ref, text } from './soap/types.js';

/** What the hosts of a scope are, together. */
export interface Capacity {
  readonly cpuCount: number;
  readonly memoryBytes: number;
  /** The most that one machine may have. */
  readonly most: { readonly cpuCount: number; readonly memoryBytes: number };
}

const paths = [
  'summary.hardware.numCpuThreads',
  'summary.hardware.memorySize',
  'capability.maxSupportedVcpus',
  'runtime.connectionState',
  'runtime.inMaintenanceMode',
];

/** Of every ESXi since 6.0, where a host does not tell it. */
const maxCpus = 128;

/** How much there is, and how much of it one machine may have. */
export class Limits {
  readonly #inventory: Inventory;

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
  }

  async capacity(signal: AbortSignal): Promise<Capacity> {
    const hosts = await this.#hosts(signal);
    const numbers = (path: string) => hosts.map((host) => host.get(path, integer) ?? 0);
    const memory = numbers('summary.hardware.memorySize');
    const sum = (all: readonly number[]) => all.reduce((total, one) => total + one, 0);
    const threads = numbers('summary.hardware.numCpuThreads');
    const largest = hosts.map((host) => Math.min(host.get('capability.maxSupportedVcpus', integer) || maxCpus, maxCpus));
    const memoryBytes = Math.floor(Math.max(0, ...memory) / memoryStepBytes) * memoryStepBytes;
    return { cpuCount: sum(threads), memoryBytes: sum(memory), most: { cpuCount: Math.max(0, ...largest), memoryBytes } };
  }

  /** Refuses what no host of the scope could ever run; the host might take the definition, and fail when the machine is started. */
  async check({ cpuCount, memoryBytes }: MachineDefinition, signal: AbortSignal): Promise<void> {
    const { most } = await this.capacity(signal);
    const asked = [
      ['cpu.count', cpuCount, most.cpuCount, 'CPUs'],
      ['memory.size', memoryBytes, most.memoryBytes, 'bytes'],
    ] as const;
    for (const [field, given, max, unit] of asked)
      if (given > max) throw new DriverError('Invalid', `${field}: ${given} ${unit} were given; accepted: at most ${max}`);
  }

  /** Where a cluster without DRS should put a new machine; undefined where DRS finds it out. */
  async hostForNew(signal: AbortSignal): Promise<Ref | undefined> {
    const { session, scope } = this.#inventory;
    if (scope.compute.type === 'ClusterComputeResource') {
      const cluster = await retrieveOne(session, scope.compute, ['configuration.drsConfig.enabled'], signal);
      if (cluster?.get('configuration.drsConfig.enabled', boolean) === true) return undefined;
    }
    const usable = (await this.#hosts(signal)).filter(isUsable);
    if (usable.length === 0)
      throw new DriverError('Unavailable', 'no host is connected and out of maintenance mode, to put a new machine on');
    return usable[0]?.ref;
  }

  async #hosts(signal: AbortSignal): Promise<readonly Properties[]> {
    const { session, scope } = this.#inventory;
    const refs = scope.host === undefined ? (await retrieveOne(session, scope.compute, ['host'], signal))?.refs('host') : [scope.host];
    return retrieveAll(session, refs ?? [], paths, signal);
  }
}

function isUsable(host: Properties): boolean {
  return host.get('runtime.connectionState', text) === 'connected' && host.get('runtime.inMaintenanceMode', boolean) !== true;
}
