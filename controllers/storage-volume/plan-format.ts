import type { VolumeFormat } from '#drivers/driver.js';
import { type Plan, refuse } from '../plan.js';
import type { User } from './source.js';

/** What a machine has as a disk is what that machine has it as: taken for another format, the one would ruin it, and the other obey what a guest wrote. */
export function usedAs(format: VolumeFormat, users: readonly User[]): Plan<never>[number] | undefined {
  const other = users.find((user) => user.format !== undefined && user.format !== format);
  if (other === undefined) return undefined;
  return refuse('Differs', `spec.format: ${format} given, and machine ${other.nativeName} has it as ${other.format}; say that`);
}
