import type { Duplex } from 'node:stream';
import { DriverError } from '#drivers/error.js';

/** A way to reach a daemon. Every connection is a new one; it is private to who asked for it. */
export interface Transport {
  /** Where the daemon is, for messages. */
  readonly peer: string;
  /** Whether the daemon's host is this one, so that its files and ports are ours. */
  readonly isLocal: boolean;
  /** Takes its own bounded time. Rejects with a DriverError, which says what to do and quotes no secret. */
  connect(signal: AbortSignal): Promise<Duplex>;
  /** To what listens on the daemon's host. Unsupported, with the reason, where this way does not lead there. */
  reach(place: ListeningPlace, signal: AbortSignal): Promise<Duplex>;
}

/** As its own host has it. */
export type ListeningPlace =
  | { readonly kind: 'port'; readonly host: string; readonly port: number }
  | { readonly kind: 'socket'; readonly path: string };

/** Name or address; one of IPv6 without brackets. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** For transports that lead to the daemon and nowhere else. */
export const reachesNothing = (peer: string) => async (): Promise<never> => {
  const why = 'it is reached by a way that leads to its daemon alone';
  throw new DriverError('Unsupported', `${peer}: ${why}; reach it by SSH (qemu+ssh), or run the agent on that host`);
};

export const peerName = ({ host, port }: Endpoint): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;
