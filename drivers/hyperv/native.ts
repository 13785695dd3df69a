import type { Found, Glance, Machine, MachineId, MachineShape, PowerState } from '#drivers/driver.js';
import { firmwareOf } from './definition.js';
import { devicesOf, othersIn } from './devices.js';
import { namesFor, withNames } from './found.js';
import { identityOf, keptOf } from './identity.js';
import { hypervShape, memoryShape, sizesNext } from './memory.js';
import { type Next, nothingOwned, type Owned, wholeSeed } from './notes.js';
import { connectionsOf, othersPorts, ownPorts } from './pipes.js';
import { isOnDisc } from './seed-disc.js';
import type { ObjectOf } from './wmi/class.js';
import type { computerSystem, memory, processor } from './wmi/classes.js';
import { formatOf, generationOf, hasSecureBoot, type Settings, uuidOf } from './wmi/machine-settings.js';
import { sizesOf } from './wmi/memory.js';
import type { MachineParts } from './wmi/parts.js';
import { isCritical, type PowerWord, powerOf } from './wmi/power.js';

export type System = ObjectOf<typeof computerSystem>;

/** A machine as far as every look goes. */
export interface NativeGlance {
  readonly system: System;
  readonly settings: Settings;
}

/** A machine with its parts. */
export interface NativeMachine extends NativeGlance {
  readonly processor: ObjectOf<typeof processor>;
  readonly memory: ObjectOf<typeof memory>;
  readonly parts: MachineParts;
  /** What the host's switches are called as networks, by their GUID. */
  readonly networks: ReadonlyMap<string, string>;
  /** Of one that is between two states. */
  readonly underWay?: string;
}

export const idOf = ({ common }: System): MachineId => common.Name.toUpperCase() as MachineId;

/** A host does not tell why a machine is off. */
const states: Readonly<Record<PowerWord, PowerState>> = {
  Running: { state: 'On', reason: 'Booted' },
  Off: { state: 'Off', reason: 'Unknown' },
  Saved: { state: 'Off', reason: 'Saved' },
  Paused: { state: 'Paused', reason: 'User' },
  Starting: { state: 'On', reason: 'Unknown' },
  Resuming: { state: 'On', reason: 'Unknown' },
  Pausing: { state: 'On', reason: 'Unknown' },
  Stopping: { state: 'Stopping', reason: 'Unknown' },
  Saving: { state: 'Stopping', reason: 'Unknown' },
  Other: { state: 'On', reason: 'Unknown' },
};

/** The host itself pauses a machine for one thing: that what its guest writes finds no room, or no disk. */
function powerStateOf(system: System): PowerState {
  const word = powerOf(system);
  return word === 'Paused' && isCritical(system) ? { state: 'Paused', reason: 'IOError' } : states[word];
}

export function glanceOf({ system, settings }: NativeGlance): Glance {
  const nativeName = settings.common.ElementName ?? system.common.ElementName ?? '';
  return { id: idOf(system), uuid: uuidOf(settings), nativeName, power: powerStateOf(system) };
}

/** Whether its hardware can be changed: a saved one has some, too. */
export const isPlainOff = ({ system }: NativeGlance): boolean => powerOf(system) === 'Off';

export const ownedOf = ({ settings }: NativeGlance): Owned => keptOf(settings)?.owned ?? nothingOwned;

/** What it has now. */
export function shapeOf(native: NativeMachine, owned = ownedOf(native)): MachineShape {
  const { settings, processor, memory } = native;
  const { disks, cdroms, interfaces } = devicesOf(native.parts, owned, native.networks);
  const uses = othersIn(native.parts, owned);
  const seed = wholeSeed(keptOf(settings));
  return {
    cpuCount: processor.common.VirtualQuantity ?? 0,
    ...memoryShape(sizesOf(memory)),
    ...hypervShape(sizesOf(memory), ownPorts(native.parts, identityOf(settings))),
    firmware: firmwareOf(generationOf(settings)),
    ...(hasSecureBoot(settings) ? { secureBoot: true } : {}),
    disks,
    ...(uses.length === 0 ? {} : { uses }),
    ...(cdroms.length === 0 ? {} : { cdroms }),
    interfaces,
    ...(seed === undefined ? {} : { seed }),
    screen: true,
    serial: false,
    rng: false,
  };
}

/** What waits for its next start. Half a seed of a machine that is off is brought by a definition alone, whatever seed waited before. */
function nextOf(native: NativeGlance): Next {
  const kept = keptOf(native.settings);
  const { seed: _, ...others } = kept?.next ?? {};
  return kept?.seed?.whole === false && isPlainOff(native) ? others : (kept?.next ?? {});
}

/** What it has at its next start, with what is noted for that, or would be. */
export function configuredOf(native: NativeMachine, noted = nextOf(native)): MachineShape {
  const { memoryBytes: _size, minMemoryBytes: _least, maxMemoryBytes: _most, memoryBufferPercent: _buffer, ...others } = noted;
  const { secureBoot, cdroms, seed: told, comPorts, ...next } = others;
  const { secureBoot: hasNow = false, cdroms: cdromsNow = [], seed: toldNow, ...shape } = shapeOf(native);
  const { minMemoryBytes: _min, maxMemoryBytes: _max, hyperv, ...now } = shape;
  const discs = cdroms ?? cdromsNow;
  const seed = told === undefined ? toldNow : (told ?? undefined);
  const sizes = sizesNext(sizesOf(native.memory), noted);
  return {
    ...now,
    ...next,
    ...memoryShape(sizes),
    ...hypervShape(sizes, comPorts ?? hyperv?.comPorts ?? []),
    ...(discs.length === 0 ? {} : { cdroms: discs }),
    ...((secureBoot ?? hasNow) ? { secureBoot: true } : {}),
    ...(seed === undefined ? {} : { seed }),
  };
}

/** What it would be taken as. */
function foundOf(native: NativeMachine): Found {
  const { owned, cards, kept } = namesFor(native, uuidOf(native.settings));
  const ports = othersPorts(native.parts, identityOf(native.settings));
  return { shape: shapeOf({ ...native, parts: withNames(native.parts, cards) }, owned), kept: [...kept, ...ports] };
}

export function machineOf(native: NativeMachine): Machine {
  const glance = glanceOf(native);
  const kept = keptOf(native.settings);
  const { mark } = kept ?? {};
  const told = wholeSeed(kept);
  const format = formatOf(native.settings);
  return {
    ...glance,
    ...(mark === undefined ? { found: foundOf(native) } : { mark }),
    ...(kept?.seed?.whole === false ? { halfSeed: true as const } : {}),
    ...(native.underWay === undefined ? {} : { underWay: native.underWay }),
    configured: configuredOf(native),
    ...(glance.power.state === 'Off' ? {} : { live: shapeOf(native) }),
    hardware: {
      generation: String(generationOf(native.settings)),
      ...(format === undefined ? {} : { configuration: format }),
      ...(told === undefined ? {} : { seed: isOnDisc(told.kind) ? 'Disc' : 'KVP' }),
      ...connectionsOf(native.parts),
    },
  };
}
