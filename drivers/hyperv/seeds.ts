import type { MachineSeed } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { bringDevices } from './bring.js';
import { devicesOf } from './devices.js';
import { otherDrivesAsTheyAre, seedDriveAsItIs, type WantedDrive } from './drives.js';
import { identityOf, keptOf } from './identity.js';
import type { Inventory } from './inventory.js';
import { glanceOf, isPlainOff, type NativeMachine, ownedOf } from './native.js';
import { type HeldSeed, type Kept, type Next, type SeedNote, wholeSeed, withKept } from './notes.js';
import { discBus, isOnDisc, seedDrive } from './seed-disc.js';
import { changePairs, pairChanges } from './seed-pairs.js';
import { generationOf, notesOf } from './wmi/machine-settings.js';

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
  if (isSame(wholeSeed(kept), seed)) return kept?.seed;
  const isLost = seed !== undefined && seed.content === undefined && isSame(kept?.next.seed, seed);
  return isLost ? kept?.seed : seed && seedNote(seed);
}

/** What the host has for a machine's guest, and what the notes are to say of that once all is done. */
export interface BroughtSeed {
  readonly native: NativeMachine;
  readonly held?: HeldSeed | undefined;
  /** The file of its disc, which has yet to come into its drive. */
  readonly disc?: string | undefined;
}

/**
 * Sees that the host tells the guest this, and nothing else of ours. The machine's notes say that it is not whole, and which files there may be, before
 * anything is changed, and whoever called writes there what it is once all is done: so that whoever comes after us, wherever we ended, takes it up again.
 * A disc is written, and in no drive yet: that is `insertDisc`'s, once the machine's other drives have their places.
 * Gives the machine as it is then.
 * @throws DriverError Conflict when somebody else's item is in the way, Invalid without a content that is not there yet
 */
export async function bringSeed(
  native: NativeMachine,
  seed: MachineSeed | undefined,
  inventory: Inventory,
  signal: AbortSignal,
): Promise<BroughtSeed> {
  const kept = keptOf(native.settings);
  if (seed === undefined && !mayHaveSeed(native)) return { native };
  if (seed !== undefined && seed.content === undefined) {
    assertThere(native, kept, seed);
    return { native, held: seedHeld(kept, seed) };
  }
  const disc = seed && (await discFor(native, seed, inventory, signal));
  const pairs = await pairChanges(native, seed, inventory, signal);
  const isWritten = await isThere(disc, seed, inventory, signal);
  const held = seed && { ...seedNote(seed), ...(disc === undefined ? {} : { files: [disc] }) };
  if (pairs.length === 0 && isWritten && isInPlace(native, disc)) return { native, held, disc };
  await noteHalf(native, seed, filesWith(kept, disc), inventory, signal);
  await changePairs(native, pairs, inventory, signal);
  if (seed?.content !== undefined && disc !== undefined && !isWritten) {
    // Windows lets a machine in at a file when that is put into its drive; one that is made anew knows nothing of it.
    if (seedDriveAsItIs(native)?.file === disc) await takeOut(native, inventory, signal);
    await inventory.discs.write(disc, seed, seed.content, signal);
  }
  const noted = await inventory.native(glanceOf(native).id, signal);
  return { native: disc === undefined ? await takeAway(noted, inventory, signal) : noted, held, disc };
}

const isThere = async (
  disc: string | undefined,
  seed: MachineSeed | undefined,
  { discs }: Inventory,
  signal: AbortSignal,
): Promise<boolean> => disc === undefined || seed?.content === undefined || (await discs.has(disc, seed.content, signal));

/** The file of the disc that is to be brought, because the file or its drive is not as it is to be. */
export async function missingDisc(
  native: NativeMachine,
  seed: MachineSeed,
  inventory: Inventory,
  signal: AbortSignal,
): Promise<string | undefined> {
  const disc = await discFor(native, seed, inventory, signal);
  return isInPlace(native, disc) && (await isThere(disc, seed, inventory, signal)) ? undefined : disc;
}

/** As far as the notes say. A checkpoint may have brought back a drive that the machine had when it had one. */
export function mayHaveSeed(native: NativeMachine): boolean {
  const kept = keptOf(native.settings);
  return (kept?.seed ?? kept?.next.seed) !== undefined || hasDrive(native);
}

const hasDrive = (native: NativeMachine): boolean => ownedOf(native).drives.some(({ name }) => name === seedDrive);

async function discFor(native: NativeMachine, seed: MachineSeed, { discs }: Inventory, signal: AbortSignal): Promise<string | undefined> {
  if (!isOnDisc(seed.kind)) return undefined;
  return discs.fileFor(identityOf(native.settings), seed, keptOf(native.settings)?.seed, signal);
}

const filesWith = (kept: Kept | undefined, disc: string | undefined): readonly string[] => [
  ...new Set([...(disc === undefined ? [] : [disc]), ...(kept?.seed?.files ?? [])]),
];

/** The disc, or none, and no other. */
const isInPlace = (native: NativeMachine, disc: string | undefined): boolean =>
  filesWith(keptOf(native.settings), disc).every((file) => file === disc) &&
  (disc === undefined ? !hasDrive(native) : seedDriveAsItIs(native)?.file === disc);

function assertThere(native: NativeMachine, kept: Kept | undefined, seed: MachineSeed): void {
  if (isSame(wholeSeed(kept), seed) || isSame(kept?.next.seed, seed)) return;
  throw new DriverError(
    'Invalid',
    `seed: ${seed.location} was given without its content, and machine "${glanceOf(native).nativeName}" has another, or none`,
  );
}

async function noteHalf(
  native: NativeMachine,
  wanted: MachineSeed | undefined,
  files: readonly string[],
  { service }: Inventory,
  signal: AbortSignal,
): Promise<void> {
  const kept = keptOf(native.settings);
  const seed = wanted ?? kept?.seed ?? kept?.next.seed;
  const isNoted = kept?.seed?.whole === false && files.every((file) => kept.seed?.files?.includes(file));
  if (kept === undefined || isNoted || !seed) return;
  const half: HeldSeed = { kind: seed.kind, location: seed.location, whole: false, ...(files.length === 0 ? {} : { files }) };
  await service.changeSettings(native, { notes: withKept(notesOf(native.settings), { ...kept, seed: half }) }, signal);
}

/** Puts the disc into a drive of its own, and takes away those that were there before it. Gives the machine as it is then. */
export async function insertDisc({ native, disc }: BroughtSeed, inventory: Inventory, signal: AbortSignal): Promise<NativeMachine> {
  if (disc === undefined || isInPlace(native, disc)) return native;
  const bus = discBus(generationOf(native.settings));
  if (seedDriveAsItIs(native)?.file !== disc)
    await bringDrives(native, [...otherDrivesAsTheyAre(native), { name: seedDrive, kind: 'dvd', bus, file: disc }], inventory, signal);
  return clearDiscs(await inventory.native(glanceOf(native).id, signal), [disc], inventory, signal);
}

/** None that a drive of the machine names still, as it would not start any more. */
async function clearDiscs(
  native: NativeMachine,
  kept: readonly string[],
  { discs }: Inventory,
  signal: AbortSignal,
): Promise<NativeMachine> {
  const named = native.parts.drives.flatMap(({ image }) => (image === undefined ? [] : [image.file.toLowerCase()]));
  await discs.clear(identityOf(native.settings), filesOf(native), [...kept, ...named], signal);
  return native;
}

const filesOf = (native: NativeMachine): readonly string[] => keptOf(native.settings)?.seed?.files ?? [];

async function bringDrives(
  native: NativeMachine,
  wanted: readonly WantedDrive[],
  inventory: Inventory,
  signal: AbortSignal,
): Promise<void> {
  const kept = keptOf(native.settings);
  if (kept === undefined) return;
  const { interfaces } = devicesOf(native.parts, kept.owned, native.networks);
  await bringDevices(native, wanted, interfaces, kept, inventory, signal);
}

/** The drive before the file, as no machine starts with a drive whose file is gone. Of a machine that runs the drive stays, without a disc. */
async function takeAway(native: NativeMachine, inventory: Inventory, signal: AbortSignal): Promise<NativeMachine> {
  const { nativeName, power, id } = glanceOf(native);
  if (isPlainOff(native)) {
    if (hasDrive(native)) await bringDrives(native, otherDrivesAsTheyAre(native), inventory, signal);
  } else if (power.state !== 'Off') await takeOut(native, inventory, signal);
  else if (seedDriveAsItIs(native) !== undefined)
    throw new DriverError(
      'Conflict',
      `machine "${nativeName}" is saved, with a disc in it that its guest is told by; start it, or stop it hard, first`,
    );
  return clearDiscs(await inventory.native(id, signal), [], inventory, signal);
}

async function takeOut(native: NativeMachine, { service }: Inventory, signal: AbortSignal): Promise<void> {
  const at = ownedOf(native).drives.find(({ name }) => name === seedDrive)?.at;
  const drive = seedDriveAsItIs(native) && native.parts.drives.find((each) => each.at === at);
  if (drive?.image !== undefined) await service.remove(native.system.reference, [drive.image.reference], signal);
}

/** Of a machine that is about to go, and that is off: its drive goes with it. */
export async function removeDiscs(native: NativeMachine, inventory: Inventory, signal: AbortSignal): Promise<void> {
  const files = filesOf(native);
  if (files.length > 0) await noteHalf(native, undefined, files, inventory, signal);
  await inventory.discs.clear(identityOf(native.settings), files, [], signal);
}
