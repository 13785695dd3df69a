import type { MachineId } from './ids.js';

/** What is known of the systems in machines: from an agent in them, or from others who had to do with them. */
export interface Guests {
  /**
   * What is known now. NotFound when the machine is gone, Conflict when it is Off. An agent that does not answer is not waited for longer
   * than a few seconds: it is told as `Silent`, and what others know is told all the same. Nothing here is proven: a guest says what it likes.
   */
  look(id: MachineId, signal: AbortSignal): Promise<GuestSight>;
}

export interface GuestSight {
  /** Absent when the machine has no channel for one now. `Silent`: it is connected, and does not answer. */
  readonly agent?: 'Connected' | 'Disconnected' | 'Silent';
  /** As the agent says it. */
  readonly hostname?: string;
  readonly os?: GuestSystem;
  /** Of the machine's interfaces and of whatever else the guest has; loopback ones are left out. */
  readonly addresses: readonly GuestAddress[];
}

/** As the agent says it: `{ id: 'debian', name: 'Debian GNU/Linux 12 (bookworm)', version: '12', kernel: '6.1.0' }`. */
export interface GuestSystem {
  readonly id?: string;
  readonly name?: string;
  readonly version?: string;
  readonly kernel?: string;
}

export interface GuestAddress {
  /** In lower case. */
  readonly macAddress: string;
  readonly ip: string;
  /** Who says so: the agent now, the host's DHCP server, or the host's table of neighbours. The last two may be older than the machine's boot. */
  readonly source: 'Agent' | 'Lease' | 'ARP';
  /** When it was given or last renewed, in epoch milliseconds by the host's clock; absent where nobody tells. */
  readonly since?: number;
}
