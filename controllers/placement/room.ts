import { parseQuantity } from '#crds/quantity.js';
import type { Hypervisor } from '#crds/types.js';
import type { Usage } from './ledger.js';
import type { Need } from './need.js';

/** What a host gives to machines, and what is left of it; below 0 where it was given more than that. */
export interface Room {
  readonly given: Need;
  readonly free: Need;
}

/** What machines may have altogether, and what those have that are not ours. */
interface Limits {
  readonly given: Need;
  readonly unowned: Need;
}

/** Objects in stores never change, and each host is looked at for every machine. */
const read = new WeakMap<Hypervisor, Limits>();

function limitsOf({ spec, status }: Hypervisor): Limits | undefined {
  if (status?.capacity === undefined) return undefined;
  const { capacity, unowned } = status;
  const { cpuPercent, memoryPercent } = spec.overcommit;
  const given = {
    cpuCount: Math.floor((capacity.cpuCount * cpuPercent) / 100),
    memoryBytes: Math.floor((parseQuantity(capacity.memory) / 100) * memoryPercent),
  };
  return { given, unowned: { cpuCount: unowned?.cpuCount ?? 0, memoryBytes: unowned === undefined ? 0 : parseQuantity(unowned.memory) } };
}

/** Undefined for a host that never said what it has. Pure. */
export function roomOf(hypervisor: Hypervisor, used: Usage): Room | undefined {
  const limits = read.get(hypervisor) ?? limitsOf(hypervisor);
  if (limits === undefined) return undefined;
  read.set(hypervisor, limits);
  const { given, unowned } = limits;
  const free = {
    cpuCount: given.cpuCount - used.cpuCount - unowned.cpuCount,
    memoryBytes: given.memoryBytes - used.memoryBytes - unowned.memoryBytes,
  };
  return { given, free };
}

export const holds = ({ free }: Room, { cpuCount, memoryBytes }: Need): boolean =>
  cpuCount <= free.cpuCount && memoryBytes <= free.memoryBytes;
