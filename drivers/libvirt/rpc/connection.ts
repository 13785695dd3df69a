import type { Procedure, StreamProcedure } from './procedure.js';
import type { RpcEvent } from './procedures.js';

/** `control` for what the host answers at once; `slow` for what may hang on one machine: it never holds up the other lane. */
export type Lane = 'control' | 'slow';

export interface CallOptions {
  readonly lane: Lane;
  /** How long the host may take to answer, in milliseconds, from when the call is sent. Default: 30 s on `control`, 120 s on `slow`. */
  readonly timeoutMs?: number;
  /**
   * What the call is about, e.g. a machine's uuid: calls of one key on a lane are sent one after the other. While one that was given
   * up on is still unanswered, further ones are refused with Busy: a hung machine takes one place, not all.
   */
  readonly key?: string;
}

/**
 * A daemon, reached. Rejects with DriverError only; the host's own error is its cause (see `libvirtCodeOf`). An aborted signal ends the
 * waiting; what was sent stays with the host.
 */
export interface Connection extends AsyncDisposable {
  call<Args, Result>(procedure: Procedure<Args, Result>, args: Args, options: CallOptions, signal: AbortSignal): Promise<Result>;
  /** Sends all of `content`; resolves once the host has confirmed it. */
  upload<Args>(
    procedure: StreamProcedure<Args, 'upload'>,
    args: Args,
    content: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void>;
  /** Reads no faster than the iterator is asked; leaving it early aborts the transfer. */
  download<Args>(procedure: StreamProcedure<Args, 'download'>, args: Args, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Bytes both ways, on a connection of its own. `signal` ends the whole stream, not just its opening. */
  openStream<Args>(procedure: StreamProcedure<Args>, args: Args, signal: AbortSignal): Promise<RpcStream>;
  /** Every event from the moment the first `next()` has been asked for; ends with the connection or the signal. */
  events(signal: AbortSignal): AsyncIterable<RpcEvent>;
  /** Settles when the daemon is no longer reached through this connection. Never rejects. */
  readonly closed: Promise<void>;
}

export interface RpcStream extends AsyncDisposable {
  /** What the host sends; ends when it has no more. To be read once. */
  readonly output: AsyncIterable<Uint8Array>;
  /** Resolves once the bytes are on their way and there is room for more. */
  write(bytes: Uint8Array, signal: AbortSignal): Promise<void>;
  /** No more will be written; resolves when the host has taken all of it. */
  finish(signal: AbortSignal): Promise<void>;
}

export interface ConnectOptions {
  /** Only looking: the host refuses everything else. */
  readonly readOnly?: boolean;
}

export declare function connectLibvirt(uri: string, options: ConnectOptions, signal: AbortSignal): Promise<Connection>;
