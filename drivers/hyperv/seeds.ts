import type { MachineSeed } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { isPiece, piecesOf, wholeItem } from './ignition.js';
import type { Inventory } from './inventory.js';
import { glanceOf, type NativeMachine } from './native.js';
import { type HeldSeed, type Kept, type Next, readKept, type SeedNote, wholeSeed, withKept } from './notes.js';
import { hostItems, itemText } from './wmi/host-items.js';
import { notesOf } from './wmi/machine-settings.js';

/** So many are written at a time: fewer than a host takes, so that a message is small enough for any. */
const batch = 16;

export const seedNote = ({ kind, location }: MachineSeed): SeedNote => ({ kind, location });

const isSame = (one: SeedNote | null | undefined, other: SeedNote | undefined): boolean =>
  one?.location === other?.location && one?.kind === other?.kind;

/** What of it waits for the next time that the machine is off. */
export function nextSeed(kept: Kept | undefined, seed: MachineSeed | undefined): Pick<Next, 'seed'> {
  if (isSame(wholeSeed(kept), seed)) return {};
  return { seed: seed === undefined ? null : seedNote(seed) };
}

/** What the notes say of it once it was brought. One that waited and whose content nobody has any more does not come: what is there stays. */
export function seedHeld(kept: Kept | undefined, seed: MachineSeed | undefined): HeldSeed | undefined {
  const isLost = seed !== undefined && seed.content === undefined && !isSame(wholeSeed(kept), seed) && isSame(kept?.next.seed, seed);
  return isLost ? kept?.seed : seed && seedNote(seed);
}

/**
 * Sees that the host tells the guest this, and nothing else of that name. The machine's notes say that it is not whole before anything is changed,
 * and whoever called writes there what it is once all is done: so that whoever comes after us, wherever we ended, takes it up again.
 * Gives the machine as it is then.
 * @throws DriverError Conflict when somebody else's item is in the way, Invalid without a content that is not there yet
 */
export async function bringSeed(
  native: NativeMachine,
  seed: MachineSeed | undefined,
  inventory: Inventory,
  signal: AbortSignal,
): Promise<NativeMachine> {
  const kept = readKept(notesOf(native.settings));
  if (seed === undefined && kept?.seed === undefined && kept?.next.seed === undefined) return native;
  if (seed !== undefined && seed.content === undefined) {
    assertThere(native, kept, seed);
    return native;
  }
  const changes = await pairChanges(native, seed, inventory, signal);
  if (changes.length === 0) return native;
  await noteHalf(native, kept, seed, inventory, signal);
  for (const { kind, items } of changes) {
    const texts = items.map(([name, data]) => itemText(inventory.wmi, name, data));
    for (let at = 0; at < texts.length; at += batch)
      await inventory.service.changeItems(native.system.reference, kind, texts.slice(at, at + batch), signal);
  }
  return inventory.native(glanceOf(native).id, signal);
}

/** In what the host tells the guest something else. @throws DriverError Conflict when somebody else's item is in the way */
export async function pairChanges(
  native: NativeMachine,
  seed: MachineSeed | undefined,
  inventory: Inventory,
  signal: AbortSignal,
): Promise<readonly PairChange[]> {
  return changesTo(native, await hostItems(inventory.wmi, glanceOf(native).id, signal), wantedOf(seed, inventory));
}

function assertThere(native: NativeMachine, kept: Kept | undefined, seed: MachineSeed): void {
  if (isSame(wholeSeed(kept), seed) || isSame(kept?.next.seed, seed)) return;
  throw new DriverError(
    'Invalid',
    `seed: ${seed.location} was given without its content, and machine "${glanceOf(native).nativeName}" has another, or none`,
  );
}

async function noteHalf(
  native: NativeMachine,
  kept: Kept | undefined,
  wanted: MachineSeed | undefined,
  { service }: Inventory,
  signal: AbortSignal,
): Promise<void> {
  const seed = wanted ?? kept?.seed ?? kept?.next.seed;
  if (kept === undefined || kept.seed?.whole === false || !seed) return;
  const half: HeldSeed = { kind: seed.kind, location: seed.location, whole: false };
  await service.changeSettings(native, { notes: withKept(notesOf(native.settings), { ...kept, seed: half }) }, signal);
}

const wantedOf = (seed: MachineSeed | undefined, { limits }: Inventory): ReadonlyMap<string, string> =>
  seed?.content === undefined ? new Map() : piecesOf(seed.content, limits.ignitionBytes);

export interface PairChange {
  readonly kind: 'Add' | 'Modify' | 'Remove';
  readonly items: readonly (readonly [name: string, data: string])[];
}

/** What a guest would read beyond its own end goes first. */
function changesTo(native: NativeMachine, has: ReadonlyMap<string, string>, wanted: ReadonlyMap<string, string>): readonly PairChange[] {
  if (wanted.size > 0 && has.has(wholeItem))
    throw new DriverError(
      'Conflict',
      `machine "${glanceOf(native).nativeName}" has a key-value pair "${wholeItem}", which its guest would take instead; remove that, or leave spec.ignition out`,
    );
  const stale = [...has.keys()].filter((name) => isPiece(name) && !wanted.has(name));
  const changes: readonly PairChange[] = [
    { kind: 'Remove', items: stale.map((name) => [name, '']) },
    { kind: 'Modify', items: [...wanted].filter(([name, data]) => has.has(name) && has.get(name) !== data) },
    { kind: 'Add', items: [...wanted].filter(([name]) => !has.has(name)) },
  ];
  return changes.filter(({ items }) => items.length > 0);
}
