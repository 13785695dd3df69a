import type { MachineId } from './ids.js';
import type { OwnerMark } from './mark.js';

/**
 * Verbs on a machine that exists; NotFound when it does not. Those that can lose data re-check the owner: NotOurs unless the
 * machine carries `owner`'s mark. Already so is success, and changes nothing. Conflict when its state has no room for the verb.
 */
export interface Power {
  /**
   * With `paused`, the guest executes nothing until `resume`; Unsupported where the host cannot do that (no `power.startPaused`), and nothing is
   * started. A machine that is not Off is left as it is: a paused one stays paused.
   */
  start(id: MachineId, options: { readonly paused: boolean }, signal: AbortSignal): Promise<void>;
  /** Press the power button; the guest may ignore it, and a paused one does not hear. Off already is success. */
  press(id: MachineId, owner: OwnerMark, signal: AbortSignal): Promise<void>;
  /**
   * Cut the power, whatever the state: Off, reason `Cut`. Off already keeps its reason, but for `Saved`: what was saved is dropped, and the next
   * start is a boot. A machine without a definition is then gone.
   */
  cut(id: MachineId, owner: OwnerMark, signal: AbortSignal): Promise<void>;
  /** As the reset button: the guest starts anew, the machine stays on with the hardware it has, a paused one paused. Conflict when it is Off; Unsupported where the host cannot (no `power.reset`). */
  reset(id: MachineId, owner: OwnerMark, signal: AbortSignal): Promise<void>;
  /** Paused already keeps its reason. Conflict when it is Off; Unsupported where the host cannot (no `power.pause`). */
  pause(id: MachineId, signal: AbortSignal): Promise<void>;
  /**
   * What runs is written to the host's disk, and the machine is Off, reason `Saved`: its next start goes on from there, with the hardware that it
   * had. What was saved goes with it when it is undefined. `Saved` already is success. Conflict when it is not On; Unsupported where the host
   * cannot (no `power.save`).
   */
  save(id: MachineId, owner: OwnerMark, signal: AbortSignal): Promise<void>;
  /** Conflict when it is Off or its guest crashed; Busy when the host itself paused it (`Busy`). */
  resume(id: MachineId, signal: AbortSignal): Promise<void>;
}

export interface PowerState {
  readonly state: 'Off' | 'On' | 'Paused' | 'Stopping';
  readonly reason: PowerReason;
}

/**
 * Why a machine is in its state. Off: `Guest` (powered itself off), `Cut`, `Orderly` (one of these two, the host does not tell which), `Crashed` (guest or hypervisor process), `Failed` (could not start),
 * `Saved`, `Unknown` (never ran, or the host forgot). Paused: `User`, `StartingUp` (started paused, or not yet let run; libvirt
 * forgets this and says `User`, so who must know whether a first start was finished writes it into the record), `IOError`, `Crashed`,
 * `Busy` (the host pauses it for work of its own: leave it). On: `Booted` or `Unknown`. Stopping: `Guest`, `Cut` or `Unknown`; many hosts
 * show a machine as On until it is Off, so nobody may wait for Stopping.
 */
export type PowerReason =
  | 'Booted'
  | 'Guest'
  | 'Cut'
  | 'Orderly'
  | 'Crashed'
  | 'Failed'
  | 'Saved'
  | 'User'
  | 'StartingUp'
  | 'IOError'
  | 'Busy'
  | 'Unknown';
