import { randomUUID } from 'node:crypto';
import { codes, Refusal } from '../cim/codes.js';
import type { Values } from '../cim/object.js';
import { dropUnused, mergeLater, overlaid } from './checkpoint-files.js';
import type { Host } from './host.js';
import type { Machine, Snapshot } from './machine.js';

/** Of a machine that runs, is paused or saved, what runs is in it, too, unless only its disks are wanted. @throws Refusal */
export async function takeSnapshot(host: Host, machine: Machine, disksOnly = false): Promise<Snapshot> {
  mustBeTakeable(machine);
  const devices = await overlaid(host, machine, machine.devices);
  const snapshot: Snapshot = {
    id: randomUUID().toUpperCase(),
    parent: machine.lastSnapshot,
    settings: { ...machine.settings, ElementName: `${machine.name} - (${machine.snapshots.length + 1})` },
    devices: machine.devices,
    features: machine.features,
    hostItems: machine.hostItems,
    hasMemory: machine.state !== 'off' && !disksOnly,
    createdAt: Date.now(),
  };
  machine.devices = devices;
  machine.snapshots = [...machine.snapshots, snapshot];
  machine.lastSnapshot = snapshot.id;
  return snapshot;
}

function mustBeTakeable({ name, transition, settings, state, words, devices }: Machine): void {
  const refuse = (why: string) => {
    throw new Refusal(codes.cim.invalidState, why);
  };
  if (transition !== undefined) refuse(`'${name}' is changing its state.`);
  if (settings['UserSnapshotType'] === '2') refuse(`Checkpoints have been disabled for '${name}'.`);
  if (words.mode === 'v1' && state === 'paused') refuse(`'${name}' is paused.`);
  if (devices.some(({ values }) => String(values['ResourceSubType'] ?? '').endsWith('Physical Disk Drive')))
    refuse(`'${name}' has a physical disk, of which there are no checkpoints.`);
}

/** What was written since the last checkpoint is lost. @throws Refusal unless the machine is off or saved */
export async function applySnapshot(host: Host, machine: Machine, snapshot: Snapshot): Promise<void> {
  const { id, settings, devices, features, hostItems, hasMemory } = snapshot;
  if (machine.transition !== undefined || !['off', 'saved'].includes(machine.state))
    throw new Refusal(codes.cim.invalidState, `'${machine.name}' has to be off.`);
  machine.devices = await overlaid(host, machine, devices);
  machine.settings = { ...settings, ElementName: machine.name };
  machine.features = features;
  machine.hostItems = hostItems;
  machine.lastSnapshot = id;
  machine.enter(hasMemory ? 'saved' : 'off');
  machine.writes += 1;
  await dropUnused(host, machine);
  mergeLater(host, machine);
}

/** Those that went on from it go on from its parent. */
export async function destroySnapshot(host: Host, machine: Machine, { id, parent }: Snapshot): Promise<void> {
  const others = machine.snapshots.filter((each) => each.id !== id);
  machine.snapshots = others.map((each) => (each.parent === id ? { ...each, parent } : each));
  if (machine.lastSnapshot === id) machine.lastSnapshot = parent;
  await dropUnused(host, machine);
  mergeLater(host, machine);
}

/** Its name and its notes alone can be changed; what is left out stays. */
export function modifySnapshot(snapshot: Snapshot, { ElementName, Notes }: Values): void {
  snapshot.settings = {
    ...snapshot.settings,
    ...(ElementName === undefined ? {} : { ElementName }),
    ...(Notes === undefined ? {} : { Notes }),
  };
}
