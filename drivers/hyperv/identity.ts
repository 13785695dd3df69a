import { type Kept, readAllKept } from './notes.js';
import { machineIdOf, notesOf, type Settings, uuidOf } from './wmi/machine-settings.js';

/** What we keep in a machine, or in a checkpoint. A copy that somebody imported, or whose notes they pasted, has the line of another machine, which says nothing of it. */
export function keptOf(settings: Settings): Kept | undefined {
  const all = readAllKept(notesOf(settings));
  return all.find(({ id }) => id === machineIdOf(settings)) ?? all.find(({ id }) => id === undefined);
}

/** Whether it is the machine of that uuid (in lower case), by its firmware or by what we keep. */
export const isOfUuid = (settings: Settings, uuid: string): boolean => uuidOf(settings) === uuid || keptOf(settings)?.uuid === uuid;

/** The uuid by which a machine is known, which stays where its firmware has lost it. */
export const identityOf = (settings: Settings): string => keptOf(settings)?.uuid ?? uuidOf(settings);
