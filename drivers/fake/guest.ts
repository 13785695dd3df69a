import type { GuestSight } from '#drivers/driver.js';
import type { DriverError } from '#drivers/error.js';

/** How far off something is: so many milliseconds of the host's clock, or so many looks (list or read) at the machine. At once when neither is given. */
export interface Delay {
  readonly afterMs?: number;
  readonly afterLooks?: number;
}

/** How the guest in a machine behaves. A guest nobody has spoken of boots, prints a banner, and hears the power button. */
export interface Guest {
  /** Does not hear the power button. */
  readonly deaf?: boolean;
  /** How long it takes from the press until it is off; shown as Stopping meanwhile when `shows` says so. */
  readonly powersOff?: Delay & { readonly shows?: 'On' | 'Stopping' };
  /** What it does by itself, each time it was started. */
  readonly afterStart?: Delay & { readonly does: 'PowerOff' | 'Crash' };
  /** The machine cannot be started: the start rejects with this, and leaves it Off, reason Failed. */
  readonly refusesToStart?: DriverError;
  /** Verbs on the machine never answer; they end with their signal. It is still listed and read. */
  readonly hung?: boolean;
  /** It is listed, and cannot be read: for this reason. */
  readonly unreadable?: DriverError;
  /** What is known of it while it runs; what its agent says only where the machine has the channel. */
  readonly sight?: Partial<GuestSight>;
  /** Asks by DHCP for an address on each interface. */
  readonly asksForAddresses?: boolean;
  /** How long it takes to let go of a device, a CPU or memory that it is asked for; `Never` is for ever. */
  readonly letsGo?: Delay | 'Never';
  /** What it prints on its serial console when it boots. */
  readonly banner?: string;
  /** Prints that again after each line that is typed there. */
  readonly answers?: boolean;
}

export const plainGuest: Guest = {};
