import { type CimObject, textOfValue } from '../../cim/object.js';
import type { Host } from '../../model/host.js';
import type { Machine, Snapshot } from '../../model/machine.js';

export interface FoundSnapshot {
  readonly machine: Machine;
  readonly snapshot: Snapshot;
}

/** The checkpoint that an object of settings is. */
export function snapshotOf(host: Host, of: CimObject): FoundSnapshot | undefined {
  const id = /^Microsoft:([0-9A-F-]{36})$/i.exec(textOfValue(of, 'InstanceID') ?? '')?.[1]?.toUpperCase();
  for (const machine of host.machines.values())
    for (const snapshot of machine.snapshots) if (snapshot.id === id) return { machine, snapshot };
  return undefined;
}
