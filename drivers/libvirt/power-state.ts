import type { PowerReason, PowerState } from '#drivers/driver.js';
import { domainStates, pausedReasons, runningReasons, shutOffReasons } from './rpc/flags.js';

/** libvirt's states and reasons (VIR_DOMAIN_*) in our words. */
export function powerOf(state: number, reason: number): PowerState {
  switch (state) {
    case domainStates.running:
    case domainStates.blocked:
      return { state: 'On', reason: reason === runningReasons.booted ? 'Booted' : 'Unknown' };
    // The guest sleeps, and wakes by itself; resuming would not wake it.
    case domainStates.pmSuspended:
      return { state: 'On', reason: 'Unknown' };
    case domainStates.paused:
      return { state: 'Paused', reason: paused.get(reason) ?? 'Unknown' };
    // Its process is kept for a look at it: nothing runs, and only cutting its power ends it.
    case domainStates.crashed:
      return { state: 'Paused', reason: 'Crashed' };
    case domainStates.shutdown:
      return { state: 'Stopping', reason: 'Unknown' };
    case domainStates.shutOff:
      return { state: 'Off', reason: shutOff.get(reason) ?? 'Unknown' };
    default:
      return { state: 'Off', reason: 'Unknown' };
  }
}

const paused: ReadonlyMap<number, PowerReason> = new Map([
  [pausedReasons.user, 'User'],
  [pausedReasons.startingUp, 'StartingUp'],
  [pausedReasons.ioError, 'IOError'],
  [pausedReasons.crashed, 'Crashed'],
  [pausedReasons.migration, 'Busy'],
  [pausedReasons.save, 'Busy'],
  [pausedReasons.dump, 'Busy'],
  [pausedReasons.fromSnapshot, 'Busy'],
  [pausedReasons.shuttingDown, 'Busy'],
  [pausedReasons.snapshot, 'Busy'],
  [pausedReasons.postcopy, 'Busy'],
  [pausedReasons.postcopyFailed, 'Busy'],
]);

const shutOff: ReadonlyMap<number, PowerReason> = new Map([
  [shutOffReasons.shutdown, 'Guest'],
  [shutOffReasons.destroyed, 'Cut'],
  [shutOffReasons.crashed, 'Crashed'],
  // The daemon came back, could not take the machine over, and killed it.
  [shutOffReasons.daemon, 'Crashed'],
  [shutOffReasons.failed, 'Failed'],
  [shutOffReasons.saved, 'Saved'],
]);
