import type { Machine, MachineDefinition, MachineId, Mark, OwnerMark, Part } from '#drivers/driver.js';
import type { SeedVolume } from '../seed/volume.js';
import type { MachineRecord } from './record.js';
import { encodeRecord } from './record-text.js';

/** What may be done to a machine. A `mark` is written before the act that it is about. */
export type MachineAction =
  | { readonly kind: 'define'; readonly definition: MachineDefinition; readonly mark: Mark; readonly id?: MachineId }
  /** `record` has the asking noted under `key`; it is written before what the guest has a say in, and after what the host refused. */
  | {
      readonly kind: 'apply';
      readonly id: MachineId;
      readonly owner: OwnerMark;
      readonly part: Part;
      readonly key: string;
      readonly record: MachineRecord;
      readonly mark?: Mark;
    }
  | { readonly kind: 'takeOver'; readonly id: MachineId; readonly mark: Mark; readonly from: OwnerMark }
  /** Of nobody of ours. */
  | { readonly kind: 'adopt'; readonly id: MachineId; readonly mark: Mark }
  | { readonly kind: 'release'; readonly id: MachineId; readonly owner: OwnerMark }
  | { readonly kind: 'note'; readonly id: MachineId; readonly mark: Mark }
  | {
      readonly kind: 'start';
      readonly id: MachineId;
      readonly mark?: Mark;
      readonly record: MachineRecord;
      readonly owner: OwnerMark;
      readonly paused: boolean;
    }
  | { readonly kind: 'press'; readonly id: MachineId; readonly mark: Mark; readonly owner: OwnerMark; readonly resume: boolean }
  | { readonly kind: 'pause'; readonly id: MachineId; readonly mark?: Mark }
  /** With `elseCut`, no guest ran yet: a machine that its host cannot get going, as after a start that was cut short, is cut instead. */
  | { readonly kind: 'resume'; readonly id: MachineId; readonly mark?: Mark; readonly elseCut?: OwnerMark }
  | { readonly kind: 'reset'; readonly id: MachineId; readonly owner: OwnerMark; readonly mark: Mark; readonly record: MachineRecord }
  | { readonly kind: 'save'; readonly id: MachineId; readonly owner: OwnerMark; readonly record: MachineRecord }
  | { readonly kind: 'cut'; readonly id: MachineId; readonly mark?: Mark; readonly owner: OwnerMark }
  /** Sees that the seed is there, and that those which nobody has any more are not. */
  | { readonly kind: 'seed'; readonly poolUuid: string; readonly seed: SeedVolume }
  /** The machine is gone: its seeds go, too. */
  | { readonly kind: 'unseed'; readonly poolUuid: string; readonly family: string }
  /** Its host is to be emptied: what its firmware wrote down stays. */
  | { readonly kind: 'leave'; readonly id: MachineId; readonly owner: OwnerMark }
  /** It is to be made anew, on the same host. The mark goes with it: status remembers what of `record` its back-off needs. */
  | { readonly kind: 'recreate'; readonly id: MachineId; readonly owner: OwnerMark; readonly record: MachineRecord }
  | { readonly kind: 'undefine'; readonly id: MachineId; readonly owner: OwnerMark; readonly keepState: boolean };

/** A machine that is ours to act on, and what is known of it. */
export interface Subject {
  readonly machine: Machine;
  readonly record: MachineRecord;
  readonly owner: OwnerMark;
  readonly now: number;
  /** The host can start it without letting its guest run. */
  readonly startsPaused: boolean;
  /** Of what the record says was asked of the running machine, the keys of what this agent knows to have been heard. */
  readonly heard: ReadonlySet<string>;
}

export const marked = ({ owner }: { readonly owner: OwnerMark }, record: MachineRecord): Mark => ({ owner, record: encodeRecord(record) });
