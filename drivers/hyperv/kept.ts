import { isDeepStrictEqual } from 'node:util';
import type { MachineDefinition, Mark } from '#drivers/driver.js';
import { sameMark } from '#drivers/owner.js';
import { sameOwned } from './bring.js';
import { keptOf } from './identity.js';
import type { NativeMachine } from './native.js';
import { type Kept, nothingOwned, withKept } from './notes.js';
import { notesOf, type SettingsChange } from './wmi/machine-settings.js';

/** Those of a machine that has nothing yet. */
export const firstNotes = ({ uuid }: MachineDefinition, mark: Mark): readonly string[] =>
  withKept([], { uuid: uuid.toLowerCase(), mark, next: {}, owned: nothingOwned });

/** The notes, where they do not say this yet. */
export function keptChange({ settings }: NativeMachine, wanted: Kept): SettingsChange {
  const notes = notesOf(settings);
  const kept = keptOf(settings);
  const isKept =
    kept !== undefined &&
    kept.uuid === wanted.uuid &&
    kept.id === wanted.id &&
    sameMark(kept.mark, wanted.mark) &&
    isDeepStrictEqual(kept.next, wanted.next) &&
    sameOwned(kept.owned, wanted.owned) &&
    isDeepStrictEqual(kept.seed, wanted.seed);
  return isKept ? {} : { notes: withKept(notes, wanted) };
}
