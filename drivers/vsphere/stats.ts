import type { MachineId, MachineStats, Stats } from '#drivers/driver.js';
import { isTemplate } from './config/native.js';
import type { Inventory } from './inventory.js';
import { type Properties, retrieve } from './soap/properties.js';
import { integer, optional, struct, text } from './soap/types.js';

const paths = ['config.template', 'runtime.powerState', 'config.hardware.memoryMB', 'summary.quickStats'];

/** What the host has summed up of the last 20 seconds or so; sizes in MiB. What it has not seen yet is absent. */
const quickStats = struct({
  overallCpuUsage: optional(integer),
  hostMemoryUsage: optional(integer),
  balloonedMemory: optional(integer),
});

const bytesPerMiB = 2 ** 20;
const hertzPerMegahertz = 1e6;

/** vSphere counts nothing up: of disks and interfaces it tells only how they were of late, and so nothing is told of them. */
export class VsphereStats implements Stats {
  readonly #inventory: Inventory;

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
  }

  async read(signal: AbortSignal): Promise<readonly MachineStats[]> {
    const found = await retrieve(this.#inventory.session, this.#inventory.machines(paths), signal);
    return found.filter((machine) => !isTemplate(machine) && machine.get('runtime.powerState', text) === 'poweredOn').flatMap(statsOf);
  }
}

function statsOf(machine: Properties): readonly MachineStats[] {
  const [memory, quick] = [machine.get('config.hardware.memoryMB', integer), machine.get('summary.quickStats', quickStats)];
  if (memory === undefined || quick === undefined) return [];
  const { overallCpuUsage, hostMemoryUsage, balloonedMemory = 0 } = quick;
  return [
    {
      id: machine.ref.value as MachineId,
      ...(overallCpuUsage === undefined ? {} : { cpuHertz: overallCpuUsage * hertzPerMegahertz }),
      memory: {
        balloonBytes: Math.max(0, memory - balloonedMemory) * bytesPerMiB,
        ...(hostMemoryUsage === undefined ? {} : { residentBytes: hostMemoryUsage * bytesPerMiB }),
      },
      disks: [],
      interfaces: [],
    },
  ];
}
