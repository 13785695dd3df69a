import type { VolumeFormat, VolumeId } from '#drivers/driver.js';
import { act, type Plan, refuse, sayThenAct } from '../plan.js';
import type { VolumeAction } from './action.js';
import type { User } from './source.js';

/** What a machine has as a disk is what that machine has it as: taken for another format, the one would ruin it, and the other obey what a guest wrote. */
export function usedAs(format: VolumeFormat, users: readonly User[]): Plan<never>[number] | undefined {
  const other = users.find((user) => user.format !== undefined && user.format !== format);
  if (other === undefined) return undefined;
  return refuse('Differs', `spec.format: ${format} given, and machine ${other.nativeName} has it as ${other.format}; say that`);
}

/** Takes what is there as it is. Whoever wrote into a former Raw volume may have made it look like a Qcow2 image that reaches for files of the host. */
export function planTaking(id: VolumeId, format: VolumeFormat, inspected: boolean, because: string): Plan<VolumeAction> {
  const { nativeName, pool } = id;
  if (format === 'Qcow2' && !inspected)
    return [act({ kind: 'inspect', id, format }, `${nativeName} is to be taken over: its header is read first`)];
  return [sayThenAct({ kind: 'takeOver', nativeName, pool, format }, because)];
}
