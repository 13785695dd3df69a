import type { DriverError } from '../error.js';
import type { MachineId, NetworkId, PoolId } from './ids.js';

export interface Events {
  /**
   * Hints to look again: never state. A gap means that hints may have been lost. Begins with a gap, once the host hears us:
   * whoever lists after that misses nothing. Ends, without an error, with the connection or the signal.
   */
  watch(signal: AbortSignal): AsyncIterable<HostEvent>;
}

export type HostEvent =
  | { readonly kind: 'machine'; readonly id: MachineId }
  | { readonly kind: 'pool'; readonly id: PoolId }
  | { readonly kind: 'network'; readonly id: NetworkId }
  /** The machine's agent came or went. */
  | { readonly kind: 'guest'; readonly id: MachineId }
  /** With a reason, the host lets us hear nothing for a while: that is tried again, and whoever listens looks by the clock in between. */
  | { readonly kind: 'gap'; readonly because?: DriverError };
