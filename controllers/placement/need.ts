import { parseQuantity } from '#crds/quantity.js';
import type { VirtualMachine } from '#crds/types.js';

/** What machines take of a host. */
export interface Need {
  /** Virtual processors. */
  readonly cpuCount: number;
  readonly memoryBytes: number;
}

/** As its manifest says, on or off: one that is off may be started at any time. What cannot be read takes nothing, and is never placed. */
export function needOf({ spec }: Pick<VirtualMachine, 'spec'>): Need {
  return { cpuCount: spec.cpu.count, memoryBytes: bytesOf(spec.memory.size) };
}

function bytesOf(size: string | number): number {
  try {
    return parseQuantity(size);
  } catch {
    return 0;
  }
}

export const largerOf = (a: Need, b: Need): Need => ({
  cpuCount: Math.max(a.cpuCount, b.cpuCount),
  memoryBytes: Math.max(a.memoryBytes, b.memoryBytes),
});
