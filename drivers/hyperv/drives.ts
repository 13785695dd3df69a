import type { MachineSeed } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { type Devices, fileIn, isCheckpoint, isOurs } from './devices.js';
import type { Inventory } from './inventory.js';
import { glanceOf, type NativeMachine, ownedOf } from './native.js';
import type { Owned, OwnedDrive } from './notes.js';
import { checkDiscPlace, seedDrive } from './seed-disc.js';
import { type Bus, type Drive, type DriveKind, newDrive, newImage, newScsiController, placeOn, places } from './wmi/drives.js';
import type { MachineParts } from './wmi/parts.js';

export interface WantedDrive {
  readonly name: string;
  readonly kind: DriveKind;
  readonly bus: Bus;
  readonly file?: string;
}

const busOf = (bus: string | undefined): Bus => (bus === 'IDE' ? 'IDE' : 'SCSI');

export const wantedDrives = ({ disks, cdroms }: Pick<Devices, 'disks' | 'cdroms'>): readonly WantedDrive[] => [
  ...disks.map(({ name, bus, location }) => ({ name, kind: 'disk' as const, bus: busOf(bus), file: location })),
  ...cdroms.map(({ name, bus, location }) => ({
    name,
    kind: 'dvd' as const,
    bus: busOf(bus),
    ...(location === undefined ? {} : { file: location }),
  })),
];

/** Those of ours that are there, a half-made one, too, with what is in them now. */
export const drivesAsTheyAre = (native: NativeMachine): readonly WantedDrive[] =>
  ownedOf(native).drives.flatMap(({ name, at, file: ours }) => {
    const drive = native.parts.drives.find((each) => each.at === at && isOurs(each, ours));
    if (drive === undefined) return [];
    const file = fileIn(drive, ours);
    return [{ name, kind: drive.kind, bus: drive.bus, ...(file === undefined ? {} : { file }) }];
  });

/** The drive that has what the guest is told, as it is. */
export const seedDriveAsItIs = (native: NativeMachine): WantedDrive | undefined =>
  drivesAsTheyAre(native).find(({ name }) => name === seedDrive);

/** All of ours but that one. */
export const otherDrivesAsTheyAre = (native: NativeMachine): readonly WantedDrive[] =>
  drivesAsTheyAre(native).filter(({ name }) => name !== seedDrive);

/** Takes out what is in the way: drives that nobody wants any more, or elsewhere, and files that are not those wanted. */
export async function clearDrives(
  native: NativeMachine,
  wanted: readonly WantedDrive[],
  { service }: Inventory,
  signal: AbortSignal,
): Promise<void> {
  const { system, parts } = native;
  for (const { name, at, file: ours } of ownedOf(native).drives) {
    const drive = parts.drives.find((each) => each.at === at && isOurs(each, ours));
    if (drive === undefined) continue;
    const wish = wanted.find((each) => each.name === name && fits(each, drive));
    if (wish === undefined || fileIn(drive, ours) !== wish.file) checkMerged(native, drive);
    if (drive.image !== undefined && (wish === undefined || fileIn(drive, ours) !== wish.file))
      await service.remove(system.reference, [drive.image.reference], signal);
    if (wish === undefined) await service.remove(system.reference, [drive.reference], signal);
  }
}

/** What was written since a checkpoint is in a file that would be left behind. @throws DriverError Conflict */
export function checkMerged(native: NativeMachine, { image }: Drive): void {
  if (image === undefined || !isCheckpoint(image.file)) return;
  throw new DriverError(
    'Conflict',
    `machine "${glanceOf(native).nativeName}" has checkpoints, and its disk would lose what was written since (${image.file}); delete the checkpoints first, and wait until they are merged`,
  );
}

/** Those of the machine's drives that are ours. */
export const ownDrives = (native: NativeMachine): readonly Drive[] =>
  native.parts.drives.filter((drive) => ownedOf(native).drives.some(({ at, file }) => at === drive.at && isOurs(drive, file)));

/** The disc of a seed needs a place beside these, and beside what others put in. @throws DriverError Unsupported */
export function checkRoomForDisc(native: NativeMachine, seed: MachineSeed, wanted: readonly WantedDrive[], bus: Bus): void {
  const { controllers, drives } = native.parts;
  const own = ownDrives(native);
  const others = drives.filter((each) => each.bus === bus && !own.includes(each));
  const takers = [
    ...wanted.filter((each) => each.bus === bus).map(({ name }) => `disk "${name}"`),
    ...others.map(({ kind, image }) => `a drive of others (${image?.file ?? (kind === 'dvd' ? 'without a disc' : 'without a file')})`),
  ];
  const count = controllers.filter((each) => each.bus === bus).length;
  checkDiscPlace(seed, bus, takers, places[bus] * Math.max(count, 1));
}

const fits = ({ kind, bus }: WantedDrive, drive: Drive): boolean => kind === drive.kind && bus === drive.bus;

/** A machine of generation 2 is born without a controller. */
export async function makeController(
  { system, parts }: NativeMachine,
  wanted: readonly WantedDrive[],
  { wmi, service }: Inventory,
  signal: AbortSignal,
): Promise<void> {
  const isMissing = wanted.some(({ bus }) => bus === 'SCSI') && !parts.controllers.some(({ bus }) => bus === 'SCSI');
  if (isMissing) await service.add(system.reference, [newScsiController(wmi)], signal);
}

/**
 * Where each is, or is to be: what has a place keeps it, and nobody gets one that has a drive of others, or is kept for another.
 * @throws DriverError Exhausted
 */
export function placesFor({ controllers, drives }: MachineParts, owned: Owned, wanted: readonly WantedDrive[]): readonly OwnedDrive[] {
  const taken = new Set(drives.map(({ at }) => at));
  const kept = new Map(
    wanted.flatMap(({ name, kind, bus }) => {
      const at = placeOf(owned, name);
      const drive = drives.find((each) => each.at === at);
      const isOn = controllers.some((each) => each.bus === bus && at.startsWith(`${each.key} `));
      const isFree = drive === undefined || (drive.kind === kind && isOurs(drive, fileOf(owned, name)));
      return isOn && isFree ? [[name, at] as const] : [];
    }),
  );
  for (const at of kept.values()) taken.add(at);
  return wanted.map(({ name, bus, file }) => {
    const at = kept.get(name) ?? freePlace(controllers, bus, taken);
    taken.add(at);
    return { name, at, ...(file === undefined ? {} : { file }) };
  });
}

function freePlace(controllers: MachineParts['controllers'], bus: Bus, taken: ReadonlySet<string>): string {
  for (const controller of controllers.filter((each) => each.bus === bus))
    for (let place = 0; place < places[bus]; place += 1) if (!taken.has(placeOn(controller, place))) return placeOn(controller, place);
  throw new DriverError('Exhausted', `the machine has no place left on ${bus}; name another bus for one of its disks, or take one out`);
}

/** Adds the drives whose places are written down. */
export async function addDrives(
  native: NativeMachine,
  wanted: readonly WantedDrive[],
  { wmi, service }: Inventory,
  signal: AbortSignal,
): Promise<void> {
  const { system, parts } = native;
  for (const { name, kind } of wanted) {
    const at = placeOf(ownedOf(native), name);
    const controller = parts.controllers.find(({ key }) => at.startsWith(`${key} `));
    if (controller === undefined) throw gone(native, name, at);
    if (parts.drives.some((each) => each.at === at)) continue;
    await service.add(system.reference, [newDrive(wmi, kind, controller, Number(at.slice(controller.key.length + 1)))], signal);
  }
}

/** Puts the files in. */
export async function fillDrives(
  native: NativeMachine,
  wanted: readonly WantedDrive[],
  { wmi, service }: Inventory,
  signal: AbortSignal,
): Promise<void> {
  for (const { name, file } of wanted) {
    const at = placeOf(ownedOf(native), name);
    const drive = native.parts.drives.find((each) => each.at === at);
    if (drive === undefined) throw gone(native, name, at);
    if (file !== undefined && drive.image === undefined) await service.add(native.system.reference, [newImage(wmi, drive, file)], signal);
  }
}

const placeOf = ({ drives }: Owned, name: string): string => drives.find((each) => each.name === name)?.at ?? '';

const fileOf = ({ drives }: Owned, name: string): string | undefined => drives.find((each) => each.name === name)?.file;

const gone = (native: NativeMachine, name: string, at: string): DriverError =>
  new DriverError(
    'Conflict',
    `machine "${glanceOf(native).nativeName}": the place of disk "${name}" (${at}) is gone; somebody else changes it`,
  );
