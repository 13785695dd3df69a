import { isDeepStrictEqual } from 'node:util';
import type { MachineId } from '#drivers/driver.js';
import { isPiece } from './ignition.js';
import type { Inventory } from './inventory.js';
import type { HeldSeed, SeedNote } from './notes.js';
import { hostItems } from './wmi/host-items.js';

/** What of a seed the host tells the guest. */
export async function piecesThere(id: MachineId, { wmi }: Inventory, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  return new Map([...(await hostItems(wmi, id, signal))].filter(([name]) => isPiece(name)));
}

/** Of which nobody knows whether it is there: the next definition looks. */
export const uncertain = (seed: SeedNote | undefined): HeldSeed | undefined =>
  seed && { kind: seed.kind, location: seed.location, whole: false };

/** A host's documentation does not say whether a checkpoint brings back what the guest was told: so what is there by then tells. */
export function seedAfter(
  held: HeldSeed | undefined,
  then: SeedNote | undefined,
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): HeldSeed | undefined {
  if (isDeepStrictEqual(before, after)) return held;
  return then ?? (after.size === 0 ? undefined : uncertain(held));
}
