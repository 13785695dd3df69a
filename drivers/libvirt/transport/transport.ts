import type { Duplex } from 'node:stream';

/** A way to reach a daemon. Every connection is a new one; it is private to who asked for it. */
export interface Transport {
  /** Where the daemon is, for messages. */
  readonly peer: string;
  connect(signal: AbortSignal): Promise<Duplex>;
}
