import type { Draft, MachineDefinition, MachineShape, Mark } from '#drivers/driver.js';
import { assertOwner } from '#drivers/owner.js';
import { firmwareOf } from './definition.js';
import { wishOf } from './devices.js';
import { hardwareDifference } from './hardware.js';
import { keptOf } from './identity.js';
import type { Inventory } from './inventory.js';
import { firstNotes, keptChange } from './kept.js';
import { hypervShape, memoryAsked, memoryShape, sizesNext } from './memory.js';
import { configuredOf, glanceOf, isPlainOff, type NativeMachine, ownedOf } from './native.js';
import { withoutTheirs } from './notes.js';
import { type PairChange, pairChanges } from './seed-pairs.js';
import { missingDisc, nextSeed, seedHeld, seedNote } from './seeds.js';
import { guidText, notesOf, uuidOf } from './wmi/machine-settings.js';

/** A machine takes many calls, of parts that only the host can name: so a draft says what they come to. What people noted, and what the guest is told, may be secret, and is not shown. */
function draftOf(
  { uuid }: MachineDefinition,
  ElementName: string,
  notes: readonly string[],
  hardware: MachineShape,
  pairs: readonly PairChange[] = [],
  disc?: string,
): Pick<Draft, 'format' | 'text'> {
  const settings = { ElementName, BIOSGUID: guidText(uuid), Notes: withoutTheirs(notes) };
  const items = Object.fromEntries(pairs.map(({ kind, items }) => [kind, items.map(([name]) => name)]));
  const told = {
    ...(pairs.length > 0 && { Msvm_KvpExchangeDataItem: items }),
    ...(disc !== undefined && { CIM_DataFile: { Name: disc } }),
  };
  return { format: 'JSON', text: `${JSON.stringify({ Msvm_VirtualSystemSettingData: settings, ...told, hardware }, undefined, 2)}\n` };
}

export function draftOfNew(definition: MachineDefinition, mark: Mark, generation: 1 | 2): Draft {
  const { nativeName, cpuCount, memoryBytes: bytes, secureBoot, seed } = definition;
  const sizes = sizesNext({ startBytes: bytes, leastBytes: bytes, mostBytes: bytes }, memoryAsked(definition));
  const { disks, cdroms, interfaces } = wishOf(definition, { disks: [], cdroms: [], interfaces: [] }, generation);
  const hardware: MachineShape = {
    ...{ cpuCount, ...memoryShape(sizes), firmware: firmwareOf(generation), disks, interfaces },
    ...hypervShape(sizes, definition.hyperv?.comPorts ?? []),
    ...(secureBoot === true ? { secureBoot } : {}),
    ...(cdroms.length === 0 ? {} : { cdroms }),
    ...(seed === undefined ? {} : { seed: seedNote(seed) }),
    ...{ serial: false, rng: false },
  };
  return { ...draftOf(definition, nativeName, firstNotes(definition, mark), hardware), exists: false, unchanged: false };
}

/** Of a machine that is on, what differs is noted for its next start. @throws DriverError NotOurs, and what `define` refuses */
export async function draftOfChange(
  native: NativeMachine,
  definition: MachineDefinition,
  mark: Mark,
  inventory: Inventory,
  signal: AbortSignal,
): Promise<Draft> {
  const { id, nativeName } = glanceOf(native);
  const kept = keptOf(native.settings);
  assertOwner(nativeName, kept?.mark, mark.owner);
  const difference = hardwareDifference(native, definition, inventory);
  const uuid = definition.uuid.toLowerCase();
  const isNow = isPlainOff(native);
  const { seed } = definition;
  const told = isNow ? { seed: seedHeld(kept, seed) } : {};
  const changed = { ...difference, ...nextSeed(kept, isNow ? told.seed : seed) };
  const { notes } = keptChange(native, { ...kept, ...told, uuid, id, mark, next: isNow ? {} : changed, owned: ownedOf(native) });
  const hardware = configuredOf(native, changed);
  const isTold = isNow && seed?.content !== undefined;
  const pairs = isTold ? await pairChanges(native, seed, inventory, signal) : [];
  const disc = isTold ? await missingDisc(native, seed, inventory, signal) : undefined;
  const isSame = notes === undefined && uuidOf(native.settings) === uuid && pairs.length === 0 && disc === undefined;
  const unchanged = isSame && (!isNow || Object.keys(changed).length === 0);
  return { ...draftOf(definition, nativeName, notes ?? notesOf(native.settings), hardware, pairs, disc), exists: true, unchanged };
}
