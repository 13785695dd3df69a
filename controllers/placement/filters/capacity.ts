import { formatBytes } from '#crds/quantity.js';
import type { Hypervisor, VirtualMachine } from '#crds/types.js';
import { isToBeAdopted } from '../../adoption.js';
import { type Room, roomOf } from '../room.js';
import type { Filter } from './filter.js';

/** What is bound counts, on or off, and what runs there and is not ours. */
export const processors: Filter = ({ machine, need, usage }, hypervisor) => {
  const room = roomOf(hypervisor, usage(hypervisor.metadata.name));
  if (isThere(machine, hypervisor)) return undefined;
  if (room === undefined || need.cpuCount <= room.free.cpuCount) return undefined;
  const free = `${Math.max(room.free.cpuCount, 0)} of ${room.given.cpuCount} free`;
  return { reason: 'CPU', message: `needs ${need.cpuCount} virtual processors, ${free}${others(hypervisor)}` };
};

export const memory: Filter = ({ machine, need, usage }, hypervisor) => {
  const room = roomOf(hypervisor, usage(hypervisor.metadata.name));
  if (isThere(machine, hypervisor)) return undefined;
  if (room === undefined || need.memoryBytes <= room.free.memoryBytes) return undefined;
  return { reason: 'Memory', message: `needs ${formatBytes(need.memoryBytes)} of memory, ${freeMemory(room)}${others(hypervisor)}` };
};

/** What may be adopted is on the host already, and counts among what is not ours until then. */
function isThere(machine: VirtualMachine, { spec }: Hypervisor): boolean {
  const { uuid } = machine.spec;
  if (!isToBeAdopted(machine) || uuid === undefined) return false;
  return (spec.grants ?? []).some(({ machines = [] }) => machines.includes('*') || machines.includes(uuid));
}

const freeMemory = ({ free, given }: Room): string => `${wholeMi(free.memoryBytes)} of ${wholeMi(given.memoryBytes)} free`;

/** Rounded down, so that what is called free is. */
const wholeMi = (bytes: number): string => formatBytes(Math.max(Math.floor(bytes / 2 ** 20), 0) * 2 ** 20);

function others({ status }: Hypervisor): string {
  const { count = 0, cpuCount, memory: taken } = status?.unowned ?? {};
  return count === 0 ? '' : `; ${count} running machines that are not Virtwright's have ${cpuCount} processors and ${taken}`;
}
