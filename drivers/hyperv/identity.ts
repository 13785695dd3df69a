import { type Kept, readKept } from './notes.js';
import { machineIdOf, notesOf, type Settings, uuidOf } from './wmi/machine-settings.js';

/** What we keep in a machine, or in a checkpoint. A copy that somebody imported, or whose notes they pasted, has the line of another machine, which says nothing of it. */
export function keptOf(settings: Settings): Kept | undefined {
  const kept = readKept(notesOf(settings));
  return kept?.id === undefined || kept.id === machineIdOf(settings) ? kept : undefined;
}

/** The uuid by which a machine is known, which stays where its firmware has lost it. */
export const identityOf = (settings: Settings): string => keptOf(settings)?.uuid ?? uuidOf(settings);
