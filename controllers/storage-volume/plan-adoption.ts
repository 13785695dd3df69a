import { formatBytes } from '#crds/quantity.js';
import type { Pool } from '#drivers/driver.js';
import type { Adopting } from '../adoption.js';
import { act, type Plan, refuse, sayThenAct } from '../plan.js';
import type { DesiredVolume, ObservedVolume, VolumeAction } from './action.js';
import { lookAgainMs, lookedForAgain } from './plan-look.js';

/**
 * What is in the pool becomes this volume, as it is. Its format is what the manifest says, never what the content looks like, which a guest may
 * have written; and what reaches for other files is not taken.
 */
export function planAdoption(
  { format, sizeBytes, poolName, host }: DesiredVolume,
  { name, ungranted }: Adopting,
  { volume, marker, inspected, lookedAt = 0 }: ObservedVolume,
  pool: Pool,
  now: number,
): Plan<VolumeAction> {
  if (ungranted !== undefined) return [refuse('NotGranted', `volume ${ungranted}`)];
  const id = { pool: pool.id, nativeName: name };
  if (volume === undefined) {
    if (now - lookedAt > lookAgainMs) return [act({ kind: 'look', id }, 'it is to be adopted, and was not there')];
    return [refuse('NotFound', `pool "${poolName}" on ${host} has no volume ${name} to adopt`), lookedForAgain];
  }
  if (marker !== undefined) return [refuse('Incomplete', `volume ${name} was never filled to the end; it is not adopted`)];
  if (format === undefined) return [refuse('Unfit', `spec.format: left out; say what ${name} is, accepted are ${pool.formats.join(', ')}`)];
  if (!pool.formats.includes(format)) return [refuse('Unfit', `spec.format: ${format} given, accepted are ${pool.formats.join(', ')}`)];
  if (volume.sizeBytes < sizeBytes)
    return [
      refuse(
        'Unfit',
        `spec.size: ${formatBytes(sizeBytes)} given, ${name} has ${formatBytes(volume.sizeBytes)}; let it grow once it is adopted`,
      ),
    ];
  if (format === 'Qcow2' && inspected !== true)
    return [act({ kind: 'inspect', id, format }, `${name} is to be adopted: its header is read first`)];
  return [sayThenAct({ kind: 'takeOver', nativeName: name, pool: pool.id, format }, `adopted: ${name}, as annotated`)];
}
