import { within } from '#drivers/deadline.js';
import type { DriverError } from '#drivers/error.js';
import { XdrError } from './bytes.js';
import { Channel } from './channel.js';
import { toDriverError } from './driver-error.js';
import { type Frame, maxStreamBytes, messageStatus, messageTypes } from './frame.js';
import { decodeRemoteError } from './reply.js';

export type StreamStatus = (typeof messageStatus)[keyof typeof messageStatus];

/** Sends one packet; resolves when there is room for more. */
export type SendPacket = (status: StreamStatus, bytes: Uint8Array) => Promise<void>;

/** Packets that may wait to be read; the socket is left alone when there are more. */
const readAhead = 4;
const abortTimeoutMs = 5_000;
const noBytes = new Uint8Array();

/** Our end of a libvirt stream. The session feeds it what arrives. */
export class StreamEnd {
  /** What the host sends. What arrived before the end is read before it. */
  readonly output = new Channel<Uint8Array>(readAhead);
  readonly #send: SendPacket;
  /** Of what waits for the host, and fails when the stream does. Nothing of what has settled is kept: a stream may carry a terabyte. */
  readonly #waiting = new Set<(error: DriverError) => void>();
  readonly #lastWord: Promise<void>;
  #failure: DriverError | undefined;
  #conclude: () => void = () => {};
  /** Whether we have said that it is finished or aborted: the host's last word is then its answer. */
  #askedToEnd = false;

  constructor(send: SendPacket) {
    this.#send = send;
    this.#lastWord = new Promise((resolve) => {
      this.#conclude = resolve;
    });
  }

  /** When the next packet may come, unless at once. */
  receive({ header, body }: Frame): Promise<void> | undefined {
    if (header.type !== messageTypes.stream) throw new XdrError('a hole in a stream that was asked for without holes');
    if (header.status === messageStatus.error) this.lose(toDriverError(decodeRemoteError(body)));
    else if (header.status === messageStatus.ok) this.#confirmed();
    else if (body.length === 0) this.output.end();
    else return this.#deliver(body);
    return undefined;
  }

  /** The other end is gone, for the reason given. */
  lose(error: DriverError): void {
    this.#askedToEnd = true;
    this.#fail(error);
    this.output.end(error);
    this.#conclude();
  }

  /** Nobody waits any more: everything pending rejects. The host is told by `abort`. */
  interrupt(error: DriverError): void {
    this.#fail(error);
    this.output.end(error);
    this.output.clear();
  }

  /** Resolves when the bytes have left us: no faster than the host takes them. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let start = 0; start < bytes.length; start += maxStreamBytes)
      await this.#unlessFailed(this.#send(messageStatus.continue, bytes.subarray(start, start + maxStreamBytes)));
  }

  async writeAll(content: AsyncIterable<Uint8Array>): Promise<void> {
    const iterator = content[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await this.#unlessFailed(iterator.next());
        if (next.done) return;
        await this.write(next.value);
      }
    } catch (error) {
      // Not waited for: the source may be the one that hangs.
      iterator.return?.().catch(() => {});
      throw error;
    }
  }

  /** Resolves when the host has confirmed that it has, or has sent, everything. */
  async finish(): Promise<void> {
    if (!this.#askedToEnd) {
      this.#askedToEnd = true;
      await this.#unlessFailed(this.#send(messageStatus.ok, noBytes));
    }
    await this.#unlessFailed(this.#lastWord);
  }

  /** Ends a stream that is not finished. Waits a while for the host to let go of what it has open for it. */
  async abort(): Promise<void> {
    this.output.end();
    this.output.clear();
    if (this.#askedToEnd) return;
    this.#askedToEnd = true;
    const sent = this.#send(messageStatus.error, noBytes);
    const letGo = sent.then(() => this.#lastWord);
    await within(abortTimeoutMs, 'aborting a stream', letGo, new AbortController().signal).catch(() => {});
  }

  #deliver(body: Uint8Array): Promise<void> | undefined {
    const room = this.output.put(body);
    return this.output.full ? room : undefined;
  }

  #confirmed(): void {
    if (!this.#askedToEnd) throw new XdrError('a stream is confirmed to be at its end, which was not asked');
    this.output.end();
    this.#conclude();
  }

  #fail(error: DriverError): void {
    this.#failure ??= error;
    for (const reject of this.#waiting) reject(this.#failure);
    this.#waiting.clear();
  }

  /** No race against one promise that lives as long as the stream: that would hold every packet until the end. */
  #unlessFailed<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const settled = () => this.#waiting.delete(reject);
      promise.then(resolve, reject).then(settled);
      if (this.#failure === undefined) this.#waiting.add(reject);
      else reject(this.#failure);
    });
  }
}
