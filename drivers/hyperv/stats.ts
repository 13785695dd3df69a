import type { MachineStats, Stats } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import type { Inventory } from './inventory.js';
import { glanceOf, idOf, type NativeMachine, shapeOf } from './native.js';

/** One object for each processor of each machine that runs, `web:Hv VP 0`. */
const counters = 'Win32_PerfRawData_HvStats_HyperVHypervisorVirtualProcessor';
/** What they count in. */
const ticksInSecond = 10_000_000;

/** Time and memory, as the hypervisor counts them: no guest is asked. */
export class HypervStats implements Stats {
  readonly #inventory: Inventory;

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
  }

  async read(signal: AbortSignal): Promise<readonly MachineStats[]> {
    const all = (await this.#inventory.glances(signal)).map(glanceOf);
    const on = all.filter(({ power }) => power.state !== 'Off').map(({ id }) => id);
    if (on.length === 0) return [];
    const [natives, seconds] = await Promise.all([this.#inventory.natives(on, signal), this.#cpuSeconds(signal)]);
    // Counters know machines by their names alone: of two that have one, nobody knows whose is whose.
    const isAlone = (name: string) => all.filter(({ nativeName }) => nativeName === name).length === 1;
    return natives.map((native) => {
      const { nativeName } = glanceOf(native);
      return statsOf(native, isAlone(nativeName) ? seconds.get(nativeName) : undefined);
    });
  }

  /** Of all processors of a machine together, by its name. Nothing where Windows has no such counters. */
  async #cpuSeconds(signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
    const { client } = this.#inventory.wmi;
    const found = await client.query('root/cimv2', `SELECT * FROM ${counters}`, signal).catch((reason) => {
      if (reason instanceof DriverError && ['Unsupported', 'NotFound'].includes(reason.code)) return [];
      throw reason;
    });
    const sums = new Map<string, number>();
    for (const { properties } of found) {
      const name = /^(.*):Hv VP \d+$/s.exec(String(properties.get('Name')?.[0]))?.[1];
      const ticks = Number(properties.get('PercentTotalRunTime')?.[0]);
      if (name !== undefined && ticks >= 0) sums.set(name, (sums.get(name) ?? 0) + ticks / ticksInSecond);
    }
    return sums;
  }
}

function statsOf(native: NativeMachine, cpuSeconds: number | undefined): MachineStats {
  return {
    id: idOf(native.system),
    ...(cpuSeconds === undefined ? {} : { cpuSeconds }),
    memory: { balloonBytes: shapeOf(native).memoryBytes },
    disks: [],
    interfaces: [],
  };
}
