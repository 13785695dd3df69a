import type { Duplex } from 'node:stream';
import { anyOf, unlessAborted } from '#drivers/deadline.js';
import type { DriverError } from '#drivers/error.js';
import type { ListeningPlace } from '../transport/transport.js';
import { isSiblingGone } from './driver-error.js';
import { Events } from './events.js';
import { maxMessageBytes } from './frame.js';
import { openSession, type SessionOptions } from './handshake.js';
import { defaultKeepalive, type KeepaliveOptions } from './keepalive.js';
import { Lane as CallLane } from './lane.js';
import { type OpenStream, openStream, type RpcStream } from './open-stream.js';
import type { Procedure, StreamProcedure } from './procedure.js';
import type { RpcEvent } from './procedures.js';
import { Room } from './room.js';
import type { Session } from './session.js';

export type { RpcStream } from './open-stream.js';

/**
 * `control` for what the host answers at once; `slow` for what may hang on one machine; `guest` for what waits for a system in a machine,
 * which owes us no answer. None ever holds up another.
 */
export type Lane = 'control' | 'slow' | 'guest';

export interface CallOptions {
  readonly lane: Lane;
  /** How long the host may take to answer, in milliseconds, from when the call is sent. Default: 30 s on `control`, 120 s on `slow`, 10 s on `guest`. */
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
  /** A call on a socket of its own, that the host may take hours to answer. `signal` ends the waiting, not the host's work. */
  callAlone<Args, Result>(procedure: Procedure<Args, Result>, args: Args, signal: AbortSignal): Promise<Result>;
  /** Sends all of `content`; resolves once the host has confirmed it. An error of `content` itself is passed on as it is. */
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
  /** Begins with a `gap`: what is listed after it was read misses nothing from then on. Ends with the connection or the signal. */
  events(signal: AbortSignal): AsyncIterable<RpcEvent>;
  /** Whether the daemon's host is this one, so that its files and ports are ours. */
  readonly isLocal: boolean;
  /** To what listens on the daemon's host. Unsupported, with the reason, where this way does not lead there. */
  reach(place: ListeningPlace, signal: AbortSignal): Promise<Duplex>;
  /** Settles when the daemon is no longer reached through this connection. Never rejects. */
  readonly closed: Promise<void>;
}

export interface ConnectOptions {
  /** Only looking: the host refuses everything else. Default: false. */
  readonly readOnly?: boolean;
  /** Default: as libvirt itself, 5 times 5 s. */
  readonly keepalive?: KeepaliveOptions;
  /** How much may be there of messages that are not whole, on all sockets together. Default: two of the largest. */
  readonly roomBytes?: number;
  /** How many sockets of a lane may wait for answers that are past their time, before the host counts as not answering. Default: 16. */
  readonly maxSetAside?: number;
}

/** Two of the largest messages, and what is before them of their length. */
const usualRoomBytes = 2 * (maxMessageBytes + 4);

/** The daemon, which of its drivers to open, and what lets us in. */
export type Daemon = Pick<SessionOptions, 'transport' | 'name' | 'login'>;

/** Reaches the daemon. The sockets for calls and streams are opened when they are first needed. */
export async function connectDaemon(daemon: Daemon, options: ConnectOptions, signal: AbortSignal): Promise<Connection> {
  const session = { ...daemon, readOnly: options.readOnly ?? false, room: new Room(options.roomBytes ?? usualRoomBytes) };
  const pulse = await openSession({ ...session, keepalive: options.keepalive ?? defaultKeepalive }, signal);
  return new SocketConnection(session, options.maxSetAside ?? 16, pulse);
}

/**
 * The first socket carries nothing but events and signs of life: while it is there, the connection is. Calls have sockets of their own
 * by lane, and every stream has one.
 */
class SocketConnection implements Connection {
  readonly closed: Promise<void>;
  readonly #options: SessionOptions;
  readonly #pulse: Session;
  readonly #events: Events;
  readonly #lanes: Readonly<Record<Lane, CallLane>>;
  readonly #ending = new AbortController();

  constructor(options: SessionOptions, maxSetAside: number, pulse: Session) {
    const open = () => this.#openForCalls();
    this.#options = options;
    this.#pulse = pulse;
    this.#events = new Events(pulse);
    this.#lanes = {
      control: new CallLane({ name: 'control', timeoutMs: 30_000, maxSetAside, open }),
      slow: new CallLane({ name: 'slow', timeoutMs: 120_000, maxSetAside, open }),
      guest: new CallLane({ name: 'guest', timeoutMs: 10_000, maxSetAside, open }),
    };
    this.closed = pulse.closed.then((why) => this.#end(why));
  }

  /** What the first socket was to hear of a daemon that is gone it hears no more. */
  async #openForCalls(): Promise<Session> {
    const session = await openSession(this.#options, this.#ending.signal);
    session.closed.then((why) => {
      if (isSiblingGone(why.cause)) this.#pulse.end(why);
    });
    return session;
  }

  call<Args, Result>(procedure: Procedure<Args, Result>, args: Args, options: CallOptions, signal: AbortSignal): Promise<Result> {
    return this.#lanes[options.lane].call(procedure, args, options, signal);
  }

  async callAlone<Args, Result>(procedure: Procedure<Args, Result>, args: Args, signal: AbortSignal): Promise<Result> {
    using ending = anyOf([signal, this.#ending.signal]);
    await using session = await openSession(this.#options, ending.signal);
    return await unlessAborted(session.call(procedure, args), ending.signal);
  }

  async upload<Args>(
    procedure: StreamProcedure<Args, 'upload'>,
    args: Args,
    content: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void> {
    await using stream = await this.openStream(procedure, args, signal);
    await stream.writeAll(content);
    await stream.finish(signal);
  }

  async *download<Args>(
    procedure: StreamProcedure<Args, 'download'>,
    args: Args,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    await using stream = await this.openStream(procedure, args, signal);
    yield* stream.output;
    await stream.finish(signal);
  }

  openStream<Args>(procedure: StreamProcedure<Args>, args: Args, signal: AbortSignal): Promise<OpenStream> {
    return openStream(this.#options, procedure, args, AbortSignal.any([signal, this.#ending.signal]));
  }

  get isLocal(): boolean {
    return this.#options.transport.isLocal;
  }

  reach(place: ListeningPlace, signal: AbortSignal): Promise<Duplex> {
    return this.#options.transport.reach(place, signal);
  }

  events(signal: AbortSignal): AsyncIterable<RpcEvent> {
    return this.#events.watch(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pulse[Symbol.asyncDispose]();
    await this.closed;
  }

  #end(why: DriverError): void {
    this.#ending.abort(why);
    for (const lane of Object.values(this.#lanes)) lane.end(why);
  }
}
