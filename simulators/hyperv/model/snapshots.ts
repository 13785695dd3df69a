import { randomUUID } from 'node:crypto';
import { codes, Refusal } from '../cim/codes.js';
import type { Machine, Snapshot } from './machine.js';

/** @throws Refusal */
export function takeSnapshot(machine: Machine): Snapshot {
  if (machine.transition !== undefined) throw new Refusal(codes.cim.invalidState, `'${machine.name}' is changing its state.`);
  const number = machine.snapshots.length + 1;
  const snapshot: Snapshot = {
    id: randomUUID().toUpperCase(),
    parent: machine.lastSnapshot,
    settings: { ...machine.settings, ElementName: `${machine.name} - (${number})` },
    devices: machine.devices,
    createdAt: Date.now(),
  };
  machine.snapshots = [...machine.snapshots, snapshot];
  machine.lastSnapshot = snapshot.id;
  return snapshot;
}

/** @throws Refusal unless the machine is off or saved */
export function applySnapshot(machine: Machine, { id, settings, devices }: Snapshot): void {
  if (machine.transition !== undefined || !['off', 'saved'].includes(machine.state))
    throw new Refusal(codes.cim.invalidState, `'${machine.name}' has to be off.`);
  machine.settings = { ...settings, ElementName: machine.name };
  machine.devices = devices;
  machine.lastSnapshot = id;
  machine.state = 'off';
}

/** Those that went on from it go on from its parent. */
export function destroySnapshot(machine: Machine, { id, parent }: Snapshot): void {
  const others = machine.snapshots.filter((each) => each.id !== id);
  machine.snapshots = others.map((each) => (each.parent === id ? { ...each, parent } : each));
  if (machine.lastSnapshot === id) machine.lastSnapshot = parent;
}
