import { isDeepStrictEqual } from 'node:util';
import type { Live, MachineId, OwnerMark, Part } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { assertOwner } from '#drivers/owner.js';
import { bringDevices } from './bring.js';
import { checkNetworks, plugCards, switchesByName, tagCards } from './cards.js';
import { devicesOf } from './devices.js';
import { drivesAsTheyAre, type WantedDrive, wantedDrives } from './drives.js';
import { keptOf } from './identity.js';
import type { Inventory } from './inventory.js';
import { configuredOf, glanceOf, type NativeMachine, ownedOf, shapeOf } from './native.js';
import { type Kept, type Next, withKept } from './notes.js';
import { seedDrive } from './seed-disc.js';
import { changeText, notesOf } from './wmi/machine-settings.js';

/**
 * What Hyper-V changes in a machine that runs. It has but one definition: what is to come stands in our notes, and is taken off them once the
 * machine has it.
 */
export class HypervLive implements Live {
  readonly #inventory: Inventory;

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
  }

  async apply(id: MachineId, owner: OwnerMark, part: Part, signal: AbortSignal): Promise<void> {
    await this.#inventory.changing(id, signal, async (native) => {
      const { nativeName, power } = glanceOf(native);
      const kept = keptOf(native.settings);
      assertOwner(nativeName, kept?.mark, owner);
      if (power.state === 'Off') throw new DriverError('Conflict', `machine "${nativeName}" is Off; it gets what is new when it starts`);
      if (kept === undefined) return;
      if (part.kind === 'disk') await this.#changeDrive(native, part.name, kept, signal);
      else if (part.kind === 'interface') await this.#plug(native, part.name, signal);
      else checkSame(native, part.kind);
      await this.#settle(id, signal);
    });
  }

  /** Whatever an earlier try left half done of this drive is gone on with; the others stay as they are. */
  async #changeDrive(native: NativeMachine, name: string, kept: Kept, signal: AbortSignal): Promise<void> {
    const { disks, cdroms = [] } = configuredOf(native);
    const wishes = wantedDrives({ disks, cdroms });
    const wish = wishes.find((each) => each.name === name);
    const has = drivesAsTheyAre(native);
    checkDrive(
      native,
      name,
      wish,
      has.find((each) => each.name === name),
    );
    const others = has.filter((each) => each.name !== name);
    const placeIn = (one: WantedDrive) => [...wishes, { name: seedDrive }].findIndex((each) => each.name === one.name);
    const wanted = (wish === undefined ? others : [...others, wish]).toSorted((a, b) => placeIn(a) - placeIn(b));
    const { interfaces } = devicesOf(native.parts, ownedOf(native), native.networks);
    await bringDevices(native, wanted, interfaces, kept, this.#inventory, signal);
  }

  async #plug(native: NativeMachine, name: string, signal: AbortSignal): Promise<void> {
    const wish = configuredOf(native).interfaces.find((each) => each.name === name);
    const has = shapeOf(native).interfaces.find((each) => each.name === name);
    if (has === undefined && wish === undefined) return;
    if (has === undefined || wish === undefined || has.macAddress !== wish.macAddress)
      throw onlyOff(native, `interface "${name}": a card, and its address,`);
    const switches = await switchesByName(this.#inventory, signal);
    checkNetworks(native, [wish], switches);
    await plugCards(native, [wish], switches, this.#inventory, signal);
    await tagCards(await this.#inventory.native(glanceOf(native).id, signal), [wish], this.#inventory, signal);
  }

  /** What is as it was asked for is not noted any more. */
  async #settle(id: MachineId, signal: AbortSignal): Promise<void> {
    const native = await this.#inventory.native(id, signal);
    const kept = keptOf(native.settings);
    const next = kept && missing(kept.next, native);
    if (kept === undefined || isDeepStrictEqual(kept.next, next)) return;
    const text = changeText(native.settings, { notes: withKept(notesOf(native.settings), { ...kept, next: next ?? {} }) });
    if (text !== undefined) await this.#inventory.service.change(native.system.reference, text, signal);
  }
}

function missing(next: Next, native: NativeMachine): Next {
  const now: Next = devicesOf(native.parts, ownedOf(native), native.networks);
  const isThere = (field: string, value: unknown) =>
    Object.entries(now).some(([name, has]) => name === field && isDeepStrictEqual(has, value));
  return Object.fromEntries(Object.entries(next).filter(([field, value]) => !isThere(field, value)));
}

/** A disk comes and goes on SCSI, and no other takes its place; a drive for discs stays, and has another disc in it, or none. @throws DriverError Unsupported */
function checkDrive(native: NativeMachine, name: string, wish: WantedDrive | undefined, has: WantedDrive | undefined): void {
  const field = `disk "${name}"`;
  const [one = has, other] = [wish, has];
  if (one === undefined) return;
  if (other !== undefined && (one.kind !== other.kind || one.bus !== other.bus)) throw onlyOff(native, `${field}: its bus`);
  if (one.kind === 'dvd') {
    if (wish === undefined || has === undefined) throw onlyOff(native, `${field}: a drive for discs`);
  } else if (one.bus !== 'SCSI') {
    if (wish?.file !== has?.file) throw onlyOff(native, `${field}: a disk on IDE`);
  } else if (wish !== undefined && has?.file !== undefined && has.file !== wish.file) throw onlyOff(native, `${field}: its volume`);
  else if (wish !== undefined && !native.parts.controllers.some(({ bus }) => bus === 'SCSI'))
    throw onlyOff(native, `${field}: the first disk on SCSI, with its controller,`);
}

function checkSame(native: NativeMachine, kind: Exclude<Part['kind'], 'disk' | 'interface'>): void {
  const [wish, now] = [configuredOf(native), shapeOf(native)];
  if (kind === 'cpu' && wish.cpuCount !== now.cpuCount) throw onlyOff(native, 'cpu.count');
  if (kind === 'memory' && wish.memoryBytes !== now.memoryBytes) throw onlyOff(native, 'memory.size');
}

const onlyOff = (native: NativeMachine, what: string): DriverError =>
  new DriverError('Unsupported', `machine "${glanceOf(native).nativeName}": ${what} changes on this host only while it is Off`);
