import type { Capability, Machine, MachineDefinition, OwnerMark } from '#drivers/driver.js';
import type { Adopting } from '../adoption.js';
import type { GuestKnown } from '../host/guests-view.js';
import type { AllowedClass } from './classes.js';
import type { DriftWish } from './drifted.js';
import type { Revoked } from './interfaces.js';
import type { RequestedAction, RunStrategy } from './plan-action.js';
import type { StopPolicy } from './plan-power.js';
import type { WantedSeed } from './plan-seed.js';
import type { MachineRecord } from './record.js';

export interface DesiredMachine extends WantedSeed {
  /** `away`: on another host, once nothing of it is on this. */
  readonly want: 'present' | 'absent' | 'away';
  readonly host: string;
  readonly owner: OwnerMark;
  readonly definition: MachineDefinition;
  /** The definition's uuid stands in the manifest, for good. */
  readonly givesUuid?: true;
  /** Volumes that it needs and cannot have, each with what is wrong: until they are there the definition is not the whole one. */
  readonly missing?: readonly string[];
  /** The same of networks. */
  readonly missingNetworks?: readonly string[];
  /** The manifest names no interface. */
  readonly networkByDefault?: true;
  /** Networks that it may not be attached to any more; attached it stays. */
  readonly revoked?: readonly Revoked[];
  /** What it names of the host, and may not have: then it is neither changed nor started, and what runs goes on. */
  readonly ungranted?: readonly string[];
  /** Why it may not have the CPU shares that it asks for; as many as it has already it keeps. */
  readonly ungrantedShares?: string;
  /** Why the password of its graphics is not there yet. */
  readonly missingPassword?: string;
  /** Interfaces whose MAC address another machine had first. */
  readonly duplicates?: readonly string[];
  readonly runStrategy: RunStrategy;
  readonly stop: StopPolicy;
  /** What firmware and TPM wrote down outlives the machine, as its first disk does. */
  readonly keepState: boolean;
  /** What becomes of what others change; absent, it is put back. */
  readonly drift?: DriftWish;
  /** Classes of changes that come about by themselves; absent, as usual. */
  readonly allow?: readonly AllowedClass[];
  /** The oldest VirtualMachineAction that is not finished. */
  readonly action?: RequestedAction;
  /** The former owner's uid, or `All`, when somebody said that this object takes over what an earlier one left. */
  readonly takeOver?: string;
  /** Somebody said that the machine which is there is to be this one. */
  readonly adopt?: Adopting;
  /** What it was adopted with that no manifest can say, unless `forgets`. */
  readonly adoptedWith?: string;
  /** Adopted, it may be made anew without what no manifest can say: somebody said so. */
  readonly forgets?: true;
  /** Its screen has the password that it was adopted with: one that is made anew would have none. */
  readonly keepsPassword?: true;
  /** Once the object is deleted, the machine is nobody's, and stays. */
  readonly release?: true;
  /** Of a machine that is released, disks whose volumes would be deleted. */
  readonly doomed?: readonly string[];
  readonly capabilities: readonly Capability[];
}

export interface ObservedMachine {
  /** Ours. */
  readonly machine?: Machine;
  /** Has our uuid, our native name or our object's name, and is not ours. */
  readonly stranger?: Machine;
  /** What was last known of its guest. */
  readonly guest?: GuestKnown;
  /** The seed was seen to be there since it was last taken up; or all of this machine's are known to be gone. */
  readonly seedKept?: boolean;
  /** As `Subject.heard`; absent when there is no machine. */
  readonly heard?: ReadonlySet<string>;
  readonly record: MachineRecord;
}
