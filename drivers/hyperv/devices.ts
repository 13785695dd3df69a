import { createHash } from 'node:crypto';
import type { MachineCdrom, MachineDefinition, MachineDisk, MachineInterface } from '#drivers/driver.js';
import type { Owned } from './notes.js';
import { isOnDisc, isSameSeries, isSeedDisc, seedDrive } from './seed-disc.js';
import type { Bus, Drive, DriveKind } from './wmi/drives.js';
import type { MachineParts } from './wmi/parts.js';

/** Drives and cards of a machine, in the API's words, with the host's choices filled in. */
export interface Devices {
  readonly disks: readonly MachineDisk[];
  readonly cdroms: readonly MachineCdrom[];
  readonly interfaces: readonly MachineInterface[];
}

/** Those that are ours, without the drive that has what the guest is told. A disk that has no file in it is not there yet. `networks` are names of switches by their GUID. */
export function devicesOf({ drives, cards }: MachineParts, owned: Owned, networks: ReadonlyMap<string, string>): Devices {
  const ours = owned.drives.flatMap(({ name, at, file }) => {
    const drive = drives.find((each) => each.at === at && isOurs(each, file));
    return drive === undefined || name === seedDrive ? [] : [{ name, drive, file: fileIn(drive, file) }];
  });
  const disks = ours.flatMap(({ name, drive: { kind, bus }, file }) =>
    kind === 'disk' && file !== undefined ? [{ name, location: file, format: formatOf(file), bus }] : [],
  );
  const cdroms = ours.flatMap(({ name, drive: { kind, bus }, file }) =>
    kind === 'dvd' ? [{ name, bus, ...(file === undefined ? {} : { location: file }) }] : [],
  );
  const interfaces = owned.cards.flatMap((name) => {
    const card = cards.find((each) => each.name === name);
    if (card === undefined) return [];
    const { macAddress, switchId = '', tag } = card;
    const vlan = tag?.vlan === undefined ? {} : { vlan: tag.vlan };
    const address = macAddress === '' ? {} : { macAddress };
    // What the adapter holds back comes to no network: so it is told, that it is let through again.
    const network = tag?.isHeldBack === true ? '' : (networks.get(switchId) ?? '');
    return [{ name, network, model: 'Synthetic' as const, ...address, ...vlan }];
  });
  return { disks, cdroms, interfaces };
}

/**
 * Whether what is at a place of ours is still ours: somebody else may have taken our disk away, and put theirs there, or a drive for discs. Any
 * disc may be in our drive for discs, but for that of a seed, which has the machine's own alone. A drive with a disk of the host's is never ours. An empty drive for disks has nothing that tells whose it is, and
 * is taken for ours: as we leave one ourselves when we end between the making of a drive and its filling.
 */
export const isOurs = ({ kind, image, isPhysical }: Drive, ours: string | undefined): boolean =>
  isPhysical !== true &&
  isOfKind(kind, ours) &&
  (image === undefined ||
    (ours !== undefined && isSeedDisc(ours) ? isSameSeries(image.file, ours) : kind === 'dvd' || isFileOf(image.file, ours)));

const isFileOf = (file: string, ours: string | undefined): boolean => ours !== undefined && baseOf(file) === ours.toLowerCase();

/** Which kind ours is its file tells, where there is one. */
const isOfKind = (kind: DriveKind, ours: string | undefined): boolean => ours === undefined || (kind === 'disk') === /\.vhdx?$/i.test(ours);

/** In our words, where it is ours: Windows does not mind the case of a name. */
export function fileIn({ image }: Drive, ours: string | undefined): string | undefined {
  return image !== undefined && ours !== undefined && baseOf(image.file) === ours.toLowerCase() ? ours : image?.file;
}

/** The disk at the bottom, in lower case: a checkpoint puts a file of its own over it, of its name and a GUID. */
export const baseOf = (file: string): string => file.toLowerCase().replace(/_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.a(vhdx?)$/, '.$2');

/** Files in drives that are not ours, as volumes are located: whoever has one uses it. */
export function othersIn({ drives }: MachineParts, owned: Owned): readonly string[] {
  const isOwn = (drive: Drive) => owned.drives.some(({ at, file }) => at === drive.at && isOurs(drive, file));
  return drives.filter((drive) => !isOwn(drive)).flatMap(({ image }) => (image === undefined ? [] : [baseOf(image.file)]));
}

/** A file that keeps what was written since a checkpoint, and is nothing without the one beneath it. */
export const isCheckpoint = (file: string): boolean => /\.avhdx?$/i.test(file);

export const formatOf = (file: string): 'Vhdx' | 'Vhd' => (/\.vhd$/i.test(file) ? 'Vhd' : 'Vhdx');

/** What a definition asks for, its gaps filled with what the machine has already, or else with the host's best: as long as it `runs`, that is what it can get at once. */
export function wishOf(
  { uuid, disks, cdroms = [], interfaces, seed }: Pick<MachineDefinition, 'uuid' | 'disks' | 'cdroms' | 'interfaces' | 'seed'>,
  has: Devices,
  generation: 1 | 2,
  runs = false,
): Devices {
  const left = runs || generation === 2 ? 0 : idePlaces - (seed !== undefined && isOnDisc(seed.kind) ? 1 : 0);
  const buses = chosenBuses({ disks, cdroms }, has, generation, left);
  const busOf = (name: string): Bus => buses.get(name) ?? 'SCSI';
  return {
    disks: disks.map(({ name, location, format }) => ({ name, location, format, bus: busOf(name) })),
    cdroms: cdroms.map(({ name, location }) => ({ name, bus: busOf(name), ...(location === undefined ? {} : { location }) })),
    interfaces: interfaces.map(({ name, network, macAddress, vlan }) => {
      const kept = has.interfaces.find((each) => each.name === name)?.macAddress;
      const tag = vlan === undefined ? {} : { vlan };
      return { name, network, model: 'Synthetic', macAddress: macAddress ?? (kept || ownAddress(uuid, name)), ...tag };
    }),
  };
}

/** Of IDE there are two controllers. */
export const idePlaces = 4;

/** `room` is for what may be on IDE without having been asked to. Generation 1 starts from IDE alone: what is named first gets a place there, as long as there are any; drives for discs are nowhere else. */
function chosenBuses(
  { disks, cdroms }: Pick<Devices, 'disks' | 'cdroms'>,
  has: Devices,
  generation: 1 | 2,
  room: number,
): ReadonlyMap<string, Bus> {
  const kept = (name: string, of: readonly { readonly name: string; readonly bus?: string }[]) =>
    of.find((each) => each.name === name)?.bus;
  const asked = [
    ...cdroms.map(({ name, bus }) => ({ name, bus: bus ?? kept(name, has.cdroms) ?? (generation === 1 ? 'IDE' : undefined) })),
    ...disks.map(({ name, bus }) => ({ name, bus: bus ?? kept(name, has.disks) })),
  ];
  let left = room - asked.filter(({ bus }) => bus === 'IDE').length;
  return new Map(
    asked.map(({ name, bus }) => {
      if (bus === 'IDE' || bus === 'SCSI') return [name, bus];
      left -= 1;
      return [name, left >= 0 ? 'IDE' : 'SCSI'];
    }),
  );
}

/** An address that nobody else has, the same whenever it is asked for: locally administered, of one interface. */
function ownAddress(uuid: string, name: string): string {
  const bytes = createHash('sha256').update(`${uuid.toLowerCase()} ${name}`).digest().subarray(0, 6);
  bytes[0] = ((bytes[0] ?? 0) & 0xfc) | 0x02;
  return bytes.toString('hex').replace(/..(?!$)/g, '$&:');
}
