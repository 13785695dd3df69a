import type { MachineId } from './ids.js';
import type { Mark, OwnerMark } from './mark.js';

/**
 * How a machine that others made becomes ours, and ours theirs again: a word about it changes, and nothing else. Its guest notices
 * nothing, running or not. What it would be taken as is told by `Machine.found`.
 */
export interface Adoption {
  /**
   * Marks a machine that carries no mark, and keeps the names that `found` gives to its devices. NotOurs when it carries another owner's mark; a
   * machine that carries this owner's is marked anew; NotFound when it is gone. Whoever dies midway leaves a machine without a mark.
   */
  adopt(id: MachineId, mark: Mark, signal: AbortSignal): Promise<void>;
  /** Takes mark and names away. NotOurs when it is another owner's; one without a mark, and one that is gone, is success. */
  release(id: MachineId, owner: OwnerMark, signal: AbortSignal): Promise<void>;
}
