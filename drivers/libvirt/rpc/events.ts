import { onAbort, unlessAborted } from '#drivers/deadline.js';
import { DriverError } from '#drivers/error.js';
import { XdrError } from './bytes.js';
import { Channel } from './channel.js';
import type { Frame } from './frame.js';
import {
  connectDomainEventCallbackRegisterAny,
  connectionClosed,
  connectNetworkEventRegisterAny,
  connectRegisterCloseCallback,
  connectStoragePoolEventRegisterAny,
  domainEvents,
  networkEvents,
  poolEvents,
  type RpcEvent,
} from './procedures.js';
import type { Session } from './session.js';
import { type Codec, decodeFromBytes } from './xdr.js';

const gap: RpcEvent = { kind: 'gap' };

/** Hints that may wait to be read; a reader that falls behind further is told that it missed some. */
const maxWaiting = 1_024;

/** In bytes: no event says more. One that does is no hint of anything but that something happened, and is not kept. */
const maxEventBytes = 65_536;

interface Kind {
  readonly kind: string;
  readonly event: string;
  readonly number: number;
  readonly body: Codec<object>;
}

const kinds: readonly Kind[] = [
  ...Object.entries(domainEvents).map(([event, { number, body }]) => ({ kind: 'domain', event, number, body })),
  ...Object.entries(poolEvents).map(([event, { number, body }]) => ({ kind: 'pool', event, number, body })),
  ...Object.entries(networkEvents).map(([event, { number, body }]) => ({ kind: 'network', event, number, body })),
];
const kindsByNumber = new Map(kinds.map((kind) => [kind.number, kind]));

/** The events of one session, for any number of readers; asked for when the first one comes. The session has no other calls. */
export class Events {
  readonly #session: Session;
  readonly #readers = new Set<Channel<RpcEvent>>();
  #registered: Promise<void> | undefined;

  constructor(session: Session) {
    this.#session = session;
    session.onMessage = (frame) => this.#receive(frame);
    void session.closed.then(() => this.#end());
  }

  /** Begins with a gap: from then on nothing is missed. Ends with the signal or the session. */
  async *watch(signal: AbortSignal): AsyncGenerator<RpcEvent, void, undefined> {
    const reader = new Channel<RpcEvent>(maxWaiting);
    const stopListening = onAbort(signal, () => reader.end());
    this.#readers.add(reader);
    try {
      this.#registered ??= register(this.#session);
      await unlessAborted(this.#registered, signal);
      yield { kind: 'gap' };
      yield* reader;
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      stopListening();
      this.#readers.delete(reader);
    }
  }

  #receive({ header, body }: Frame): void {
    if (header.procedure === connectionClosed.number) this.#session.fail('the daemon has lost its hypervisor');
    const kind = kindsByNumber.get(header.procedure);
    if (kind === undefined) return;
    const event = body.length > maxEventBytes ? gap : decodeEvent(kind, body);
    for (const reader of this.#readers) tell(reader, event);
  }

  #end(): void {
    for (const reader of this.#readers) reader.end();
  }
}

async function register(session: Session): Promise<void> {
  for (const { event } of Object.values(domainEvents)) await ifSupported(session.call(connectDomainEventCallbackRegisterAny, { event }));
  for (const { event } of Object.values(poolEvents)) await ifSupported(session.call(connectStoragePoolEventRegisterAny, { event }));
  for (const { event } of Object.values(networkEvents)) await ifSupported(session.call(connectNetworkEventRegisterAny, { event }));
  await ifSupported(session.call(connectRegisterCloseCallback, undefined));
}

/** A host that has no such events is looked at now and then all the same. */
async function ifSupported(registration: Promise<unknown>): Promise<void> {
  try {
    await registration;
  } catch (error) {
    if (!(error instanceof DriverError && error.code === 'Unsupported')) throw error;
  }
}

function decodeEvent({ kind, event, body }: Kind, bytes: Uint8Array): RpcEvent {
  try {
    const decoded: object = decodeFromBytes(body, bytes);
    return { kind, event, ...decoded } as RpcEvent;
  } catch (error) {
    if (!(error instanceof XdrError)) throw error;
    return gap;
  }
}

function tell(reader: Channel<RpcEvent>, event: RpcEvent): void {
  const overrun = reader.full;
  if (overrun) reader.clear();
  void reader.put(overrun ? gap : event);
}
