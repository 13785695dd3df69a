import type { DriverError } from '../error.js';
import type { MachineId } from './ids.js';
import type { Mark, OwnerMark } from './mark.js';
import type { PowerState } from './power.js';
import type { Hardware, MachineDefinition, MachineShape } from './shape.js';

export interface Machines {
  /** All machines, ours or not, running without a definition or not, state only: one call however many there are. */
  list(signal: AbortSignal): Promise<readonly Glance[]>;
  /** Full reads in a batch; an id that is gone is left out. One machine that cannot be read does not hide the others: it is told apart. */
  read(ids: readonly MachineId[], signal: AbortSignal): Promise<Readings>;
  /**
   * Makes the machine's definition say this: creates it, or edits the native one where it differs and nowhere else.
   * The mark that `read` gives is then this one. Live hardware is not touched; a machine running without a definition gets one.
   * When nothing differs, nothing is written. A machine is found by its uuid and keeps the native name it has.
   * NotOurs when the uuid or the native name belongs to another owner, or to a machine without a mark; Conflict when the name
   * belongs to another machine of the same owner; Invalid or Unsupported when the host's capabilities do not accept it.
   */
  define(definition: MachineDefinition, mark: Mark, signal: AbortSignal): Promise<MachineId>;
  /**
   * Replaces the mark, in the definition and in the running machine, and nothing else. `from` is whose mark it carries now, undefined
   * for none: this is how a machine is taken over or adopted. NotOurs when it carries neither that nor already `mark`'s owner's; NotFound when it is gone.
   */
  mark(id: MachineId, mark: Mark, from: OwnerMark | undefined, signal: AbortSignal): Promise<void>;
  /**
   * Forgets a machine that is off; its disks stay. With `keepState` so does what its firmware and its TPM wrote down, where the host keeps that
   * apart. NotOurs when it is not `owner`'s (unmarked ones are not); Conflict when it is not off; gone already is success.
   */
  undefine(id: MachineId, owner: OwnerMark, options: { readonly keepState: boolean }, signal: AbortSignal): Promise<void>;
}

export interface Glance {
  readonly id: MachineId;
  readonly uuid: string;
  readonly nativeName: string;
  readonly power: PowerState;
}

export interface Machine extends Glance {
  /** Absent when the machine carries no mark of ours. */
  readonly mark?: Mark;
  /** What it has at its next start, the host's choices (such as a bus) filled in. Absent when the host holds no definition (undefined while running). */
  readonly configured?: MachineShape;
  /** What it has now, while not Off. */
  readonly live?: MachineShape;
  readonly hardware: Hardware;
  /** We began to bring its guest a seed, or to take one away, and did not come to the end: the shapes show none. Nobody else did that. */
  readonly halfSeed?: true;
  /** What the host is at with it while it is between two states, for people. */
  readonly underWay?: string;
  /** Of a machine without a mark, where the host has machines adopted. */
  readonly found?: Found;
}

/** What a machine that others made would be taken as. */
export interface Found {
  /** At its next start, each device that we have words for named by its place: a disk `vda`, an interface `nic0`. */
  readonly shape: MachineShape;
  /** What else it has, for people: it stays as it is, and nothing of it is managed. */
  readonly kept: readonly string[];
  /** Why it is not to be adopted: no definition says all that it cannot do without. Absent: nothing is in the way. */
  readonly hindrance?: string;
}

export interface Readings {
  readonly machines: readonly Machine[];
  readonly unread: readonly Unread[];
}

/** A machine that is there, and cannot be read. */
export interface Unread {
  readonly glance: Glance;
  readonly reason: DriverError;
}
