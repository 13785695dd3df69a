import { formatBytes } from '#crds/quantity.js';
import type { Pool } from '#drivers/driver.js';
import type { Adopting } from '../adoption.js';
import { isOfOurMaking } from '../incomplete.js';
import { act, type Plan, refuse } from '../plan.js';
import type { DesiredVolume, ObservedVolume, VolumeAction } from './action.js';
import { isItsOwn } from './plan-fill.js';
import { planTaking, usedAs } from './plan-format.js';
import { lookAgainMs, lookedForAgain, planUnread } from './plan-look.js';

/**
 * What is in the pool becomes this volume, as it is. Its format is what the manifest says, never what the content looks like, which a guest may
 * have written; and what reaches for other files is not taken.
 */
export function planAdoption(
  desired: DesiredVolume,
  { name, ungranted }: Adopting,
  observed: ObservedVolume,
  pool: Pool,
  now: number,
): Plan<VolumeAction> {
  const { format, sizeBytes, poolName, host, takeOver } = desired;
  const { volume, marker, inspected, users, lookedAt = 0 } = observed;
  if (ungranted !== undefined) return [refuse('NotGranted', `volume ${ungranted}`)];
  if (isOfOurMaking(name)) return [refuse('NotOurs', `volume ${name} was made by Virtwright for an object of its own; it is not adopted`)];
  const unread = planUnread(desired, observed, now);
  if (unread !== undefined) return unread;
  const id = { pool: pool.id, nativeName: name };
  if (volume === undefined) {
    if (now - lookedAt > lookAgainMs) return [act({ kind: 'look', id }, 'it is to be adopted, and was not there')];
    return [refuse('NotFound', `pool "${poolName}" on ${host} has no volume ${name} to adopt`), lookedForAgain];
  }
  if (marker !== undefined) return [refuse('Incomplete', `volume ${name} was never filled to the end; it is not adopted`)];
  if (format === undefined) return [refuse('Unfit', `spec.format: left out; say what ${name} is, accepted are ${pool.formats.join(', ')}`)];
  // What cannot be made there may be there all the same, as an image of a disc beside virtual disks.
  const isThere = format === 'Raw' && volume.format === 'Raw';
  if (!isThere && !pool.formats.includes(format))
    return [refuse('Unfit', `spec.format: ${format} given, accepted are ${pool.formats.join(', ')}`)];
  const other = usedAs(format, users);
  if (other !== undefined) return [other];
  if (volume.sizeBytes < sizeBytes)
    return [
      refuse(
        'Unfit',
        `spec.size: ${formatBytes(sizeBytes)} given, ${name} has ${formatBytes(volume.sizeBytes)}; let it grow once it is adopted`,
      ),
    ];
  // Where nothing but the host remembers: a machine of ours has it since an earlier run.
  const isKnown = takeOver === 'Own' && users.some(({ ownerUid }) => ownerUid !== undefined);
  const because = isKnown ? isItsOwn : `adopted: ${name}, as annotated`;
  return planTaking(id, format, inspected === true, because);
}
