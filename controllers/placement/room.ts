import { parseQuantity } from '#crds/quantity.js';
import type { Hypervisor } from '#crds/types.js';
import type { Usage } from './ledger.js';
import type { Need } from './need.js';

/** What a host gives to machines, and what is left of it; below 0 where it was given more than that. */
export interface Room {
  readonly given: Need;
  readonly free: Need;
}

/** Undefined for a host that never said what it has. Pure. */
export function roomOf({ spec, status }: Hypervisor, used: Usage): Room | undefined {
  if (status?.capacity === undefined) return undefined;
  const { capacity, unowned } = status;
  const { cpuPercent, memoryPercent } = spec.overcommit;
  const given = {
    cpuCount: Math.floor((capacity.cpuCount * cpuPercent) / 100),
    memoryBytes: Math.floor((parseQuantity(capacity.memory) / 100) * memoryPercent),
  };
  const free = {
    cpuCount: given.cpuCount - used.cpuCount - (unowned?.cpuCount ?? 0),
    memoryBytes: given.memoryBytes - used.memoryBytes - (unowned === undefined ? 0 : parseQuantity(unowned.memory)),
  };
  return { given, free };
}

export const holds = ({ free }: Room, { cpuCount, memoryBytes }: Need): boolean =>
  cpuCount <= free.cpuCount && memoryBytes <= free.memoryBytes;
