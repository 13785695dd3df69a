import type { MachineSeed } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { isPiece, piecesOf, wholeItem } from './ignition.js';
import type { Inventory } from './inventory.js';
import { glanceOf, type NativeMachine } from './native.js';
import { hostItems, itemText } from './wmi/host-items.js';

/** So many are written at a time: fewer than a host takes, so that a message is small enough for any. */
const batch = 16;

/** In what the host tells the guest something else. @throws DriverError Conflict when somebody else's item is in the way, Invalid */
export async function pairChanges(
  native: NativeMachine,
  seed: MachineSeed | undefined,
  inventory: Inventory,
  signal: AbortSignal,
): Promise<readonly PairChange[]> {
  return changesTo(native, await hostItems(inventory.wmi, glanceOf(native).id, signal), wantedOf(seed, inventory));
}

export async function changePairs(
  native: NativeMachine,
  changes: readonly PairChange[],
  { wmi, service }: Inventory,
  signal: AbortSignal,
): Promise<void> {
  for (const { kind, items } of changes) {
    const texts = items.map(([name, data]) => itemText(wmi, name, data));
    for (let at = 0; at < texts.length; at += batch)
      await service.changeItems(native.system.reference, kind, texts.slice(at, at + batch), signal);
  }
}

const wantedOf = (seed: MachineSeed | undefined, { limits }: Inventory): ReadonlyMap<string, string> =>
  seed?.kind !== 'Ignition' || seed.content === undefined ? new Map() : piecesOf(seed.content, limits.ignitionBytes);

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
