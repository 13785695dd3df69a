import { gaveUp, onAbort, throwIfAborted, unlessAborted, within } from '#drivers/deadline.js';
import { openSession, type SessionOptions } from './handshake.js';
import type { StreamProcedure } from './procedure.js';
import type { Session } from './session.js';
import type { StreamEnd } from './stream.js';

export interface RpcStream extends AsyncDisposable {
  /** What the host sends; ends when it has no more. To be read once. */
  readonly output: AsyncIterable<Uint8Array>;
  /** Resolves once the bytes are on their way and there is room for more. */
  write(bytes: Uint8Array, signal: AbortSignal): Promise<void>;
  /** No more will be written; resolves when the host has taken all of it. */
  finish(signal: AbortSignal): Promise<void>;
}

const openTimeoutMs = 30_000;

/** A stream and the socket that is its own, until the signal or its disposal ends both. */
export class OpenStream implements RpcStream {
  readonly #session: Session;
  readonly #end: StreamEnd;
  readonly #stopListening: () => void;

  constructor(session: Session, end: StreamEnd, signal: AbortSignal) {
    this.#session = session;
    this.#end = end;
    this.#stopListening = onAbort(signal, () => end.interrupt(gaveUp(signal)));
  }

  get output(): AsyncIterable<Uint8Array> {
    return this.#end.output;
  }

  async write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    await unlessAborted(this.#end.write(bytes), signal);
  }

  writeAll(content: AsyncIterable<Uint8Array>): Promise<void> {
    return this.#end.writeAll(content);
  }

  finish(signal: AbortSignal): Promise<void> {
    return unlessAborted(this.#end.finish(), signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopListening();
    await this.#end.abort();
    await this.#session[Symbol.asyncDispose]();
  }
}

export async function openStream<Args>(
  options: SessionOptions,
  procedure: StreamProcedure<Args>,
  args: Args,
  signal: AbortSignal,
): Promise<OpenStream> {
  const session = await openSession(options, signal);
  try {
    const end = await within(openTimeoutMs, procedure.name, session.openStream(procedure, args), signal);
    return new OpenStream(session, end, signal);
  } catch (error) {
    session.fail('opening the stream failed', error);
    throw error;
  }
}
