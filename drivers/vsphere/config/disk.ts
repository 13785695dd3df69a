import type { MachineDisk } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { asciiJson, parseJson } from '#drivers/owner.js';
import { child, element, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { typed, typeOf } from '../soap/names.js';
import { bestBus, type Controller, controllersOf, maxControllers, newController, numberIn, units } from './controller.js';
import { type Extra, keys } from './mark.js';

/** One change of a machine's devices. Without a file operation: files are neither made nor deleted. */
export interface DeviceChange {
  readonly operation: 'add' | 'edit' | 'remove';
  readonly device: XmlElement;
}

/** Name to place. */
export type Places = Readonly<Record<string, string>>;

export function readPlaces(text: string | undefined): Places {
  const found = parseJson(text);
  if (typeof found !== 'object' || found === null) return {};
  return Object.fromEntries(Object.entries(found).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

/** `scsi0:1`, as a .vmx file has it. */
function placeOf(device: XmlElement, controller: Controller | undefined): string | undefined {
  const unit = numberIn(device, 'unitNumber');
  return controller === undefined || unit === undefined || typeOf(device) !== 'VirtualDisk'
    ? undefined
    : `scsi${controller.busNumber}:${unit}`;
}

type ControllerOf = (device: XmlElement | undefined) => Controller | undefined;

/** By keys, looked through once: if every disk looked through them, some hundred that a hostile host says there are would take minutes. */
function controllerFinder(controllers: readonly Controller[]): ControllerOf {
  const byKey = new Map(controllers.toReversed().map((controller) => [controller.key, controller]));
  return (device) => {
    const key = numberIn(device, 'controllerKey');
    return key === undefined ? undefined : byKey.get(key);
  };
}

/** The disks that carry a name, in the order of their names' list. */
export function readDisks(devices: readonly XmlElement[], extra: Extra): readonly MachineDisk[] {
  const controllerOf = controllerFinder(controllersOf(devices));
  const byPlace = new Map(devices.toReversed().map((device) => [placeOf(device, controllerOf(device)), device]));
  return Object.entries(readPlaces(extra[keys.disks])).flatMap(([name, place]) => {
    const device = byPlace.get(place);
    const location = device && locationOf(device);
    const bus = controllerOf(device)?.bus;
    if (location === undefined) return [];
    return [{ name, location, format: 'Vmdk', ...(bus === undefined ? {} : { bus: bus }) }];
  });
}

/** A device that could carry a name, and which. */
export interface FoundDevice {
  readonly device: XmlElement;
  readonly name: string;
  readonly place: string;
  readonly location?: string;
}

/** Disks on controllers that we know, called as their places: `scsi0-1`. */
export function foundDisks(devices: readonly XmlElement[]): readonly FoundDevice[] {
  const controllerOf = controllerFinder(controllersOf(devices));
  return devices.flatMap((device) => {
    const controller = controllerOf(device);
    const [place, location] = [placeOf(device, controller), locationOf(device)];
    if (place === undefined || controller?.bus === undefined || location === undefined) return [];
    return [{ device, name: place.replace(':', '-'), place, location }];
  });
}

/** With snapshots, a machine writes to a file of its own; the disk is the one at the bottom. */
export function locationOf(device: XmlElement): string | undefined {
  let backing = child(device, 'backing');
  for (let parent = child(backing, 'parent'); parent !== undefined; parent = child(parent, 'parent')) backing = parent;
  return textOf(child(backing, 'fileName'));
}

export interface DiskChanges {
  readonly changes: readonly DeviceChange[];
  /** As `extra` has it, when nothing differs. */
  readonly places: string | undefined;
}

/** Makes the named disks just these. What is not named is somebody else's, and stays. Adding and removing touch no file. */
export function diskChanges(devices: readonly XmlElement[], extra: Extra, wanted: readonly MachineDisk[], guestId: string): DiskChanges {
  const bench = new Bench(devices, readPlaces(extra[keys.disks]), guestId);
  for (const name of bench.names) if (!wanted.some((disk) => disk.name === name)) bench.remove(name);
  const is = readDisks(devices, extra);
  for (const disk of wanted) {
    const there = is.find(({ name }) => name === disk.name);
    const isSame = there?.location === disk.location && (disk.bus === undefined || disk.bus === there.bus);
    if (isSame) continue;
    bench.remove(disk.name);
    bench.add(disk, there?.bus);
  }
  return { changes: bench.changes, places: bench.changes.length === 0 ? extra[keys.disks] : asciiJson(bench.places) };
}

/** The machine's devices as they will be. */
class Bench {
  readonly changes: DeviceChange[] = [];
  readonly #guestId: string;
  readonly #disks: Map<string, XmlElement>;
  readonly #controllers: Controller[];
  readonly #taken: Set<string>;
  readonly #places: Map<string, string>;

  constructor(devices: readonly XmlElement[], places: Places, guestId: string) {
    this.#guestId = guestId;
    this.#controllers = [...controllersOf(devices)];
    const controllerOf = controllerFinder(this.#controllers);
    const placed = devices.flatMap((device) => {
      const place = placeOf(device, controllerOf(device));
      return place === undefined ? [] : [[place, device] as const];
    });
    this.#taken = new Set(placed.map(([place]) => place));
    this.#places = new Map(Object.entries(places));
    const byPlace = new Map(placed);
    this.#disks = new Map(
      Object.entries(places).flatMap(([name, place]) => {
        const device = byPlace.get(place);
        return device === undefined ? [] : [[name, device] as const];
      }),
    );
  }

  get names(): readonly string[] {
    return [...this.#places.keys()];
  }

  get places(): Places {
    return Object.fromEntries(this.#places);
  }

  remove(name: string): void {
    const device = this.#disks.get(name);
    if (device !== undefined) this.changes.push({ operation: 'remove', device });
    this.#taken.delete(this.#places.get(name) ?? '');
    this.#places.delete(name);
    this.#disks.delete(name);
  }

  add({ name, location, bus }: MachineDisk, before: MachineDisk['bus']): void {
    const { controller, unit } = this.#freePlace((bus ?? before) as Controller['bus']);
    const place = `scsi${controller.busNumber}:${unit}`;
    this.#taken.add(place);
    this.#places.set(name, place);
    this.changes.push({ operation: 'add', device: newDisk(location, controller.key, unit, -1_000 - this.changes.length) });
  }

  #freePlace(bus: Controller['bus']): { readonly controller: Controller; readonly unit: number } {
    const wanted = bus ?? this.#controllers.find((each) => each.bus !== undefined)?.bus ?? bestBus(this.#guestId);
    for (const controller of this.#controllers.filter((each) => each.bus === wanted)) {
      const unit = units.find((each) => !this.#taken.has(`scsi${controller.busNumber}:${each}`));
      if (unit !== undefined) return { controller, unit };
    }
    return { controller: this.#newController(wanted), unit: 0 };
  }

  #newController(bus: NonNullable<Controller['bus']>): Controller {
    const busNumber = [0, 1, 2, 3].find((each) => !this.#controllers.some((controller) => controller.busNumber === each));
    if (busNumber === undefined)
      throw new DriverError(
        'Invalid',
        `disks: a ${bus} controller more is needed, and the machine has ${maxControllers} controllers already`,
      );
    const made = newController(busNumber, bus);
    this.#controllers.push(made);
    this.changes.push({ operation: 'add', device: made.device });
    return made;
  }
}

/** The host knows the size of what it is given. */
function newDisk(location: string, controllerKey: number, unit: number, key: number): XmlElement {
  const backing = element('backing', {}, element('fileName', {}, location), element('diskMode', {}, 'persistent'));
  const device = element(
    'device',
    {},
    element('key', {}, `${key}`),
    typed(backing, 'VirtualDiskFlatVer2BackingInfo'),
    element('controllerKey', {}, `${controllerKey}`),
    element('unitNumber', {}, `${unit}`),
    element('capacityInKB', {}, '0'),
  );
  return typed(device, 'VirtualDisk');
}
