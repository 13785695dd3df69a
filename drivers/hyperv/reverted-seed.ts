import { isDeepStrictEqual } from 'node:util';
import type { MachineId } from '#drivers/driver.js';
import { seedDriveAsItIs } from './drives.js';
import { isPiece } from './ignition.js';
import type { Inventory } from './inventory.js';
import type { HeldSeed, SeedNote } from './notes.js';
import { discName, isOnDisc, nameIn } from './seed-disc.js';
import { hostItems } from './wmi/host-items.js';

/** What of a seed the host tells the guest. */
export interface SeedThere {
  readonly pieces: ReadonlyMap<string, string>;
  /** The disc that is in its drive. */
  readonly disc?: string | undefined;
  /** Whether its file is on the host. */
  readonly isDiscThere?: boolean;
}

export async function seedThere(id: MachineId, inventory: Inventory, signal: AbortSignal): Promise<SeedThere> {
  const [items, native] = await Promise.all([hostItems(inventory.wmi, id, signal), inventory.native(id, signal)]);
  const disc = seedDriveAsItIs(native)?.file;
  const isDiscThere = disc !== undefined && (await inventory.discs.isThere(disc, signal));
  return { pieces: new Map([...items].filter(([name]) => isPiece(name))), disc, isDiscThere };
}

/** Of which nobody knows whether it is there: the next definition looks. */
export const uncertain = (seed: HeldSeed | undefined): HeldSeed | undefined => seed && { ...seed, whole: false };

/**
 * A host's documentation does not say whether a checkpoint brings back what the guest was told: so what is there by then tells. A drive comes back, and
 * the file of its disc need not be there any more. Where it is, and has the name of what was told then, it is that, be this the second try; what it is made of
 * may be gone by now, so that no definition could bring it again.
 */
export function seedAfter(
  uuid: string,
  held: HeldSeed | undefined,
  then: SeedNote | undefined,
  before: SeedThere,
  after: SeedThere,
): HeldSeed | undefined {
  const { disc, isDiscThere, pieces } = after;
  const isThen = then !== undefined && isDiscThere === true && disc !== undefined && nameIn(disc) === discName(uuid, then);
  if (isThen && pieces.size === 0 && (held?.files ?? []).every((file) => file === disc)) return { ...then, files: [disc] };
  if (isDeepStrictEqual(before, after)) return held;
  const files = [...new Set([...(held?.files ?? []), ...(after.disc === undefined ? [] : [after.disc])])];
  if (files.length > 0) return uncertain(withFiles(then ?? held, files));
  if (then !== undefined) return isOnDisc(then.kind) ? uncertain(then) : then;
  return after.pieces.size === 0 ? undefined : uncertain(held);
}

const withFiles = (seed: SeedNote | undefined, files: readonly string[]): HeldSeed | undefined =>
  seed && { kind: seed.kind, location: seed.location, files };
