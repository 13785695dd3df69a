import type { MachineDefinition } from '#drivers/driver.js';
import type { MachineRecord } from './record.js';

/** Limits that were asked for here go with the words that asked for them; those that others have set stay. */
export function limitsTaken(definition: MachineDefinition, { limited = [] }: MachineRecord): MachineDefinition {
  const disks = definition.disks.map((disk) => (disk.limits === undefined && limited.includes(disk.name) ? { ...disk, limits: {} } : disk));
  return { ...definition, disks };
}

/** The record that goes with this definition: of which disks the limits are ours. */
export function noteLimits({ limited: _, ...record }: MachineRecord, { disks }: MachineDefinition): MachineRecord {
  const limited = disks.filter(({ limits = {} }) => Object.keys(limits).length > 0).map(({ name }) => name);
  return limited.length === 0 ? record : { ...record, limited };
}
