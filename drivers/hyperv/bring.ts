import type { MachineInterface } from '#drivers/driver.js';
import { addCards, checkCardNames, clearCards, plugCards, sweepCards, switchesByName, tagCards } from './cards.js';
import { devicesOf } from './devices.js';
import {
  addDrives,
  clearDrives,
  fillDrives,
  makeController,
  placesFor,
  seedDriveAsItIs,
  type WantedDrive,
  wantedDrives,
} from './drives.js';
import { applyParts } from './hardware.js';
import { keptOf } from './identity.js';
import type { Inventory } from './inventory.js';
import { glanceOf, type NativeMachine, ownedOf } from './native.js';
import { type Kept, type Next, type Owned, withKept } from './notes.js';
import { changeText, notesOf } from './wmi/machine-settings.js';

/** What was brought about, and what must wait: cards whose network is not there yet. */
export interface Brought {
  readonly native: NativeMachine;
  readonly rest: Next;
}

/**
 * Brings the hardware of a machine that is off to this, for all but what stands in its settings, and the disc that its guest is told by. Which drives and cards are ours is written down
 * before they are made; so that whoever comes after us, wherever we ended, finds them and goes on. `kept` is what the notes say otherwise.
 */
export async function bringAbout(
  native: NativeMachine,
  wish: Next,
  kept: Kept,
  inventory: Inventory,
  signal: AbortSignal,
): Promise<Brought> {
  await applyParts(native, wish, inventory, signal);
  await sweepCards(native, inventory, signal);
  const { disks, cdroms, interfaces } = wish;
  if (disks === undefined && cdroms === undefined && interfaces === undefined) return { native, rest: {} };
  const switches = await switchesByName(inventory, signal);
  const isThere = interfaces?.every(({ network }) => switches.has(network)) ?? true;
  const now = devicesOf(native.parts, ownedOf(native), native.networks);
  const devices = { disks: disks ?? now.disks, cdroms: cdroms ?? now.cdroms, interfaces: (isThere && interfaces) || now.interfaces };
  checkCardNames(native, devices.interfaces);
  const disc = seedDriveAsItIs(native);
  const wanted = [...wantedDrives(devices), ...(disc === undefined ? [] : [disc])];
  const brought = await bringDevices(native, wanted, devices.interfaces, kept, inventory, signal);
  await plugCards(brought, devices.interfaces, switches, inventory, signal);
  await tagCards(await inventory.native(glanceOf(native).id, signal), devices.interfaces, inventory, signal);
  return { native: await inventory.native(glanceOf(native).id, signal), rest: isThere || interfaces === undefined ? {} : { interfaces } };
}

/** Makes these the machine's drives and cards, but for where those are plugged in; all others of ours go. */
export async function bringDevices(
  native: NativeMachine,
  wanted: readonly WantedDrive[],
  interfaces: readonly MachineInterface[],
  kept: Kept,
  inventory: Inventory,
  signal: AbortSignal,
): Promise<NativeMachine> {
  const again = () => inventory.native(glanceOf(native).id, signal);
  await clearDrives(native, wanted, inventory, signal);
  await clearCards(native, interfaces, inventory, signal);
  await makeController(native, wanted, inventory, signal);
  const cleared = await again();
  const owned = { drives: placesFor(cleared.parts, ownedOf(cleared), wanted), cards: interfaces.map(({ name }) => name) };
  await writeOwned(cleared, { ...kept, owned }, inventory, signal);
  const noted = await again();
  await addDrives(noted, wanted, inventory, signal);
  await addCards(noted, interfaces, inventory, signal);
  const made = await again();
  await fillDrives(made, wanted, inventory, signal);
  return made;
}

/** What is noted for the next start stays noted until all of it is done. */
async function writeOwned({ system, settings }: NativeMachine, kept: Kept, { service }: Inventory, signal: AbortSignal): Promise<void> {
  const notes = notesOf(settings);
  const before = keptOf(settings);
  if (before !== undefined && sameOwned(before.owned, kept.owned)) return;
  const text = changeText(settings, { notes: withKept(notes, { ...kept, next: before?.next ?? {} }) });
  if (text !== undefined) await service.change(system.reference, text, signal);
}

/** In the same order, too, which is the manifest's. */
export const sameOwned = (one: Owned, other: Owned): boolean => JSON.stringify(one) === JSON.stringify(other);
