import type { MachineSeed } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { isPiece, piecesOf, wholeItem } from './ignition.js';
import type { Inventory } from './inventory.js';
import { glanceOf, type NativeMachine } from './native.js';
import { type Kept, type Next, readKept, type SeedNote, withKept } from './notes.js';
import { hostItems, itemText } from './wmi/host-items.js';
import { notesOf } from './wmi/machine-settings.js';

/** So many are written at a time: fewer than a host takes, so that a message is small enough for any. */
const batch = 16;

export const seedNote = ({ kind, location }: MachineSeed): SeedNote => ({ kind, location });

/** What of it waits for the next time that the machine is off. */
export function nextSeed(kept: Kept | undefined, seed: MachineSeed | undefined): Pick<Next, 'seed'> {
  if (kept?.seed?.location === seed?.location && kept?.seed?.kind === seed?.kind) return {};
  return { seed: seed === undefined ? null : seedNote(seed) };
}

/**
 * Sees that the host tells the guest this, and nothing else of that name. That the machine has a seed stands in its notes only while all of it is there:
 * they lose it before anything is changed, and get it back from whoever called. Gives the machine as it is then.
 * @throws DriverError Conflict when somebody else's item is in the way, Invalid without a content that is not there yet
 */
export async function bringSeed(
  native: NativeMachine,
  seed: MachineSeed | undefined,
  inventory: Inventory,
  signal: AbortSignal,
): Promise<NativeMachine> {
  const kept = readKept(notesOf(native.settings));
  if (seed === undefined && kept?.seed === undefined) return native;
  const { id, nativeName } = glanceOf(native);
  if (seed !== undefined && seed.content === undefined) {
    if (kept?.seed?.location === seed.location) return native;
    throw new DriverError(
      'Invalid',
      `seed: ${seed.location} was given without its content, and machine "${nativeName}" has another, or none`,
    );
  }
  const changes = changesTo(native, await hostItems(inventory.wmi, id, signal), wantedOf(seed, inventory), inventory);
  if (changes.length === 0) return native;
  const { system, settings } = native;
  if (kept?.seed !== undefined)
    await inventory.service.changeSettings(native, { notes: withKept(notesOf(settings), { ...kept, seed: undefined }) }, signal);
  for (const { kind, items } of changes)
    for (let at = 0; at < items.length; at += batch)
      await inventory.service.changeItems(system.reference, kind, items.slice(at, at + batch), signal);
  return inventory.native(id, signal);
}

const wantedOf = (seed: MachineSeed | undefined, { limits }: Inventory): ReadonlyMap<string, string> =>
  seed?.content === undefined ? new Map() : piecesOf(seed.content, limits.ignitionBytes);

interface Change {
  readonly kind: 'Add' | 'Modify' | 'Remove';
  readonly items: readonly string[];
}

/** What a guest would read beyond its own end goes first. */
function changesTo(
  native: NativeMachine,
  has: ReadonlyMap<string, string>,
  wanted: ReadonlyMap<string, string>,
  { wmi }: Inventory,
): readonly Change[] {
  if (wanted.size > 0 && has.has(wholeItem))
    throw new DriverError(
      'Conflict',
      `machine "${glanceOf(native).nativeName}" has a key-value pair "${wholeItem}", which its guest would take instead; remove that, or leave spec.ignition out`,
    );
  const text = ([name, data]: readonly [string, string]) => itemText(wmi, name, data);
  const stale = [...has.keys()].filter((name) => isPiece(name) && !wanted.has(name));
  const changes: readonly Change[] = [
    { kind: 'Remove', items: stale.map((name) => itemText(wmi, name, '')) },
    { kind: 'Modify', items: [...wanted].filter(([name, data]) => has.has(name) && has.get(name) !== data).map(text) },
    { kind: 'Add', items: [...wanted].filter(([name]) => !has.has(name)).map(text) },
  ];
  return changes.filter(({ items }) => items.length > 0);
}
