import { act, type Plan, refuse, wait } from '../plan.js';
import type { DesiredVolume, ObservedVolume, VolumeAction } from './action.js';

/** Whoever puts a file back is not told of by the host, and need not wait long. */
export const lookAgainMs = 30_000;

export const lookedForAgain = wait('Looking', 'the host looks at its store again, from time to time', lookAgainMs + 1);

/** What is there and cannot be read is neither lost, nor to be taken for anything. Undefined when there is no such. */
export function planUnread(
  { poolName, host }: DesiredVolume,
  { unreadVolume, lookedAt = 0 }: ObservedVolume,
  now: number,
): Plan<VolumeAction> | undefined {
  if (unreadVolume === undefined) return undefined;
  const { id, unread } = unreadVolume;
  if (now - lookedAt > lookAgainMs) return [act({ kind: 'look', id }, 'the host did not tell what it is')];
  return [refuse('Unreadable', `volume ${id.nativeName} is in pool "${poolName}", and ${host} cannot read it: ${unread}`), lookedForAgain];
}
