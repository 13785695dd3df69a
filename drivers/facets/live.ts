import type { MachineId } from './ids.js';
import type { OwnerMark } from './mark.js';

/**
 * Changes in a machine that is not Off: those for which a capability has a `change`. `Live` needs no guest; with `Hotplug` hardware comes and
 * goes, and the guest may be slow to let go of it, or never do.
 */
export interface Live {
  /**
   * Brings one part of a running machine to what its definition says, and nothing else: plugs in, takes out, changes what is there. Already so
   * is success. What the guest has a say in is only asked of it: look whether it has let go. NotOurs unless the machine carries `owner`'s
   * mark; Conflict when it is Off; NotFound when it is gone, or what is to be plugged in is not there; Unsupported or Invalid when this part
   * changes only with the machine off; Exhausted when it has no free slot.
   */
  apply(id: MachineId, owner: OwnerMark, part: Part, signal: AbortSignal): Promise<void>;
}

/** What changes on its own in a running machine. Disks, among them CD-ROM drives, and interfaces by their names. */
export type Part =
  | { readonly kind: 'cpu' }
  | { readonly kind: 'cpuShares' }
  | { readonly kind: 'memory' }
  | { readonly kind: 'containerLimits' }
  | { readonly kind: 'graphics' }
  | { readonly kind: 'disk'; readonly name: string }
  | { readonly kind: 'interface'; readonly name: string };
