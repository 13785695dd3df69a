import type { MachineDefinition } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { idePlaces } from './devices.js';
import { checkDiscPlace, discBus } from './seed-disc.js';
import { places } from './wmi/drives.js';
import type { VersionLimits } from './wmi/limits.js';

type Asked = Pick<MachineDefinition, 'disks' | 'cdroms' | 'interfaces' | 'seed'>;

/** A machine has no more of synthetic cards. */
const maxCards = 8;

/** @throws DriverError Invalid, naming the field, what was given, and what would be accepted */
export function checkDevices({ disks, cdroms = [], interfaces }: Asked, { formats, buses }: VersionLimits): void {
  checkNames('disks', [...disks, ...cdroms], places.SCSI);
  checkNames('interfaces', interfaces, maxCards);
  for (const { name, location, format, bus } of disks) {
    if (!formats.some((each) => each === format)) refuse(`disk "${name}": format`, format, formats.join(', '));
    checkFile(`disk "${name}": location`, location, `.${format.toLowerCase()}`);
    checkBus(`disk "${name}": bus`, bus, buses);
  }
  for (const { name, location, bus } of cdroms) {
    if (location !== undefined) checkFile(`disk "${name}": location`, location, '.iso');
    checkBus(`disk "${name}": bus`, bus, buses);
  }
  for (const { name, model, macAddress, vlan } of interfaces) {
    if (vlan !== undefined) checkVlan(`interface "${name}": vlan`, vlan);
    if (model !== undefined && model !== 'Synthetic') refuse(`interface "${name}": model`, model, 'Synthetic');
    if (macAddress !== undefined && !/^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/.test(macAddress))
      refuse(`interface "${name}": macAddress`, JSON.stringify(macAddress), 'an address of one interface, in lower case');
  }
}

/** What only one of the generations has: IDE and VHD the first, and discs elsewhere than on IDE the second. @throws DriverError Unsupported */
export function checkGeneration({ disks, cdroms = [], seed }: Asked, generation: 1 | 2): void {
  const refuseWith = (field: string, given: string, accepted: string) => {
    throw new DriverError(
      'Unsupported',
      `${field}: ${given} was given; the machine is of generation ${generation} (firmware.type ${generation === 1 ? 'BIOS' : 'UEFI'}), which accepts ${accepted}`,
    );
  };
  for (const { name, bus } of [...disks, ...cdroms]) if (generation === 2 && bus === 'IDE') refuseWith(`disk "${name}": bus`, bus, 'SCSI');
  for (const { name, format } of disks) if (generation === 2 && format === 'Vhd') refuseWith(`disk "${name}": format`, format, 'Vhdx');
  for (const { name, bus } of cdroms) if (generation === 1 && bus === 'SCSI') refuseWith(`disk "${name}": bus`, bus, 'IDE');
  const onIde = [...cdroms, ...disks.filter(({ bus }) => bus === 'IDE')];
  if (generation === 1 && onIde.length > idePlaces) refuseWith('disks', `${onIde.length} on IDE`, `${idePlaces} there at most`);
  if (seed === undefined) return;
  const takers = generation === 1 ? onIde : [...cdroms, ...disks];
  checkDiscPlace(
    seed,
    discBus(generation),
    takers.map(({ name }) => `disk "${name}"`),
    generation === 1 ? idePlaces : places.SCSI,
  );
}

function checkVlan(field: string, vlan: number): void {
  if (!Number.isSafeInteger(vlan) || vlan < 1 || vlan > 4094) refuse(field, String(vlan), '1 to 4094');
}

function checkFile(field: string, location: string, ending: string): void {
  const isPath = /^([a-z]:\\|\\\\[^\\]+\\)[^\\].*$/i.test(location) && !/[<>"|?*/\p{Cc}\p{Surrogate}]|\\\.{0,2}\\/u.test(location.slice(2));
  if (!isPath || !location.toLowerCase().endsWith(ending))
    refuse(field, JSON.stringify(location), `a path of the host that ends in ${ending}`);
}

function checkBus(field: string, bus: string | undefined, accepted: readonly string[]): void {
  if (bus !== undefined && !accepted.includes(bus)) refuse(field, bus, accepted.join(', '));
}

function checkNames(field: string, named: readonly { readonly name: string }[], most: number): void {
  const twice = named.find((one, at) => named.findIndex((other) => other.name === one.name) !== at);
  if (twice !== undefined) refuse(field, `"${twice.name}" twice`, 'every name once');
  if (named.length > most) refuse(field, String(named.length), `at most ${most}`);
}

function refuse(field: string, given: string, accepted: string): never {
  throw new DriverError('Invalid', `${field}: ${given} was given; accepted: ${accepted}`);
}
