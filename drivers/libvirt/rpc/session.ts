import type { Duplex } from 'node:stream';
import { DriverError } from '#drivers/error.js';
import { XdrError } from './bytes.js';
import { isSiblingGone, toDriverError } from './driver-error.js';
import {
  encodeFrame,
  encodeHead,
  type Frame,
  FrameCutter,
  type Header,
  messageStatus,
  messageTypes,
  programs,
  programVersion,
} from './frame.js';
import { Keepalive, type KeepaliveOptions } from './keepalive.js';
import type { Procedure, StreamProcedure } from './procedure.js';
import { decodeRemoteError, decodeResult, encodeArguments } from './reply.js';
import type { Room } from './room.js';
import { StreamEnd } from './stream.js';

const keepaliveProcedures = { ping: 1, pong: 2 } as const;
const noBytes = new Uint8Array();

interface Pending {
  readonly procedure: number;
  readonly settle: (frame: Frame) => void;
  readonly reject: (error: DriverError) => void;
}

/**
 * One socket to a daemon: questions go out, answers are matched to them by serial. A question knows no time limit here: its promise
 * settles when the daemon answers or the socket dies, so whoever waits no longer still knows when the daemon is done with it.
 */
export class Session implements AsyncDisposable {
  /** Resolves with the reason when the socket is gone. */
  readonly closed: Promise<DriverError>;
  /** Messages that no one asked for, as they come. */
  onMessage: (frame: Frame) => void = () => {};

  readonly #socket: Duplex;
  readonly #peer: string;
  readonly #cutter: FrameCutter;
  readonly #pending = new Map<number, Pending>();
  readonly #writers = new Set<{ resolve: () => void; reject: (error: DriverError) => void }>();
  readonly #settleClosed: (why: DriverError) => void;
  #keepalive: Keepalive | undefined;
  #stream: { readonly serial: number; readonly end: StreamEnd } | undefined;
  #serial = 0;
  #failure: DriverError | undefined;

  constructor(socket: Duplex, peer: string, room?: Room) {
    this.#socket = socket;
    this.#peer = peer;
    this.#cutter = new FrameCutter(room);
    let settle = (_: DriverError) => {};
    this.closed = new Promise((resolve) => {
      settle = resolve;
    });
    this.#settleClosed = settle;
    socket.on('drain', () => this.#drained());
    this.#listen();
  }

  /** How many questions are not answered yet. */
  get outstanding(): number {
    return this.#pending.size;
  }

  async call<Args, Result>(procedure: Procedure<Args, Result>, args: Args): Promise<Result> {
    const body = encodeArguments(procedure.name, procedure.args, args);
    const { frame } = await this.#ask(procedure.number, body);
    return decodeResult(procedure.name, procedure.result, frame.body);
  }

  /** Resolves when the daemon is ready for the stream. A session has one stream, and nothing else from then on. */
  async openStream<Args>(procedure: StreamProcedure<Args>, args: Args): Promise<StreamEnd> {
    const body = encodeArguments(procedure.name, procedure.args, args);
    const serial = this.#nextSerial();
    const header = { ...headerOf(procedure.number, serial), type: messageTypes.stream };
    const end = new StreamEnd((status, bytes) => this.#write({ ...header, status }, bytes));
    // The daemon may send the first bytes right behind its answer.
    this.#stream = { serial, end };
    await this.#ask(procedure.number, body, serial);
    return end;
  }

  startKeepalive(options: KeepaliveOptions): void {
    const { ping } = keepaliveProcedures;
    this.#keepalive = new Keepalive(
      options,
      () => this.#sendKeepalive(ping),
      () => this.fail('the daemon gives no sign of life'),
    );
    if (this.#failure !== undefined) this.#keepalive.stop();
  }

  /** Drops the socket as unusable. */
  fail(why: string, cause?: unknown): void {
    this.end(new DriverError('Unavailable', `${this.#peer}: ${why}`, { cause }));
  }

  /** Drops the socket; whatever is pending rejects with the error. */
  end(error: DriverError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#keepalive?.stop();
    this.#socket.destroy();
    this.#cutter.drop();
    for (const waiting of [...this.#pending.values(), ...this.#writers]) waiting.reject(error);
    this.#pending.clear();
    this.#writers.clear();
    this.#stream?.end.lose(error);
    this.#settleClosed(error);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.fail('the connection was closed by us');
  }

  #ask(procedure: number, body: Buffer, serial = this.#nextSerial()): Promise<{ readonly frame: Frame }> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      // What cannot be sent is never answered: nothing waits for it.
      const question = encodeQuestion(headerOf(procedure, serial), body);
      this.#pending.set(serial, { procedure, settle: (frame) => this.#settle(frame, resolve, reject), reject });
      this.#socket.write(question);
    });
  }

  #settle(frame: Frame, resolve: (answer: { readonly frame: Frame }) => void, reject: (error: Error) => void): void {
    const error = frame.header.status === messageStatus.ok ? undefined : errorIn(frame);
    if (error === undefined) resolve({ frame });
    else reject(error);
    // By another socket it is asked again.
    if (error !== undefined && isSiblingGone(error.cause)) this.end(error);
  }

  #nextSerial(): number {
    do this.#serial = (this.#serial + 1) >>> 0;
    while (this.#pending.has(this.#serial));
    return this.#serial;
  }

  /** Resolves when there is room for more. */
  #write(header: Header, body: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      this.#socket.cork();
      this.#socket.write(encodeHead(header, body.length));
      const room = this.#socket.write(body);
      this.#socket.uncork();
      if (room) resolve();
      else this.#writers.add({ resolve, reject });
    });
  }

  #drained(): void {
    for (const writer of this.#writers) writer.resolve();
    this.#writers.clear();
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on('data', (chunk: Buffer) => {
      if (this.#failure !== undefined) return;
      this.#keepalive?.heard();
      this.#take(this.#cutter.push(chunk));
    });
    for (const end of ['end', 'close']) socket.once(end, () => this.fail('the daemon closed the connection'));
    socket.on('error', (error) => this.#break(error));
  }

  /** One after the other, at once: an answer that waits for another turn of the loop is late for nothing. */
  #take(frames: Generator<Frame>): void {
    try {
      for (let next = frames.next(); !next.done; next = frames.next()) {
        const room = this.#receive(next.value);
        if (room !== undefined) return void this.#takeWhenRoom(room, frames);
      }
    } catch (error) {
      this.#break(error);
    }
  }

  /** The socket is left alone until there is. */
  async #takeWhenRoom(room: Promise<void>, frames: Generator<Frame>): Promise<void> {
    this.#socket.pause();
    try {
      await room;
      for (const frame of frames) await this.#receive(frame);
    } catch (error) {
      this.#break(error);
    }
    this.#socket.resume();
  }

  #break(error: unknown): void {
    const what = error instanceof XdrError ? 'what the daemon sent makes no sense' : 'the connection broke';
    this.fail(`${what}: ${error instanceof Error ? error.message : String(error)}`, error);
  }

  /** When the next frame may come, unless at once. */
  #receive(frame: Frame): Promise<void> | undefined {
    const { program, version, type } = frame.header;
    if (version !== programVersion) throw new XdrError(`program version ${version} received, ${programVersion} expected`);
    if (program === programs.keepalive) this.#receiveKeepalive(frame);
    else if (program !== programs.remote) throw new XdrError(`program ${program} received, ${programs.remote} expected`);
    else if (type === messageTypes.reply) this.#receiveReply(frame);
    else if (type === messageTypes.message) this.onMessage(frame);
    else if (type === messageTypes.stream || type === messageTypes.streamHole) return this.#receiveStream(frame);
    else throw new XdrError(`message type ${type} received, 1, 2, 3 or 6 expected`);
    return undefined;
  }

  #receiveReply(frame: Frame): void {
    const { serial, procedure } = frame.header;
    const pending = this.#pending.get(serial);
    if (pending?.procedure !== procedure) throw new XdrError(`an answer to procedure ${procedure}, serial ${serial}, which was not asked`);
    this.#pending.delete(serial);
    pending.settle(frame);
  }

  #receiveStream(frame: Frame): Promise<void> | undefined {
    if (frame.header.serial !== this.#stream?.serial) throw new XdrError(`a packet of stream ${frame.header.serial}, which was not opened`);
    return this.#stream.end.receive(frame);
  }

  #receiveKeepalive({ header }: Frame): void {
    if (header.procedure === keepaliveProcedures.ping) this.#sendKeepalive(keepaliveProcedures.pong);
  }

  #sendKeepalive(procedure: number): void {
    const header = { ...headerOf(procedure, 0), program: programs.keepalive, type: messageTypes.message };
    this.#socket.write(encodeFrame(header, noBytes));
  }
}

function encodeQuestion(header: Header, body: Buffer): Buffer {
  try {
    return encodeFrame(header, body);
  } catch (error) {
    throw error instanceof XdrError ? new DriverError('Invalid', error.message, { cause: error }) : error;
  }
}

function headerOf(procedure: number, serial: number): Header {
  return { program: programs.remote, version: programVersion, procedure, type: messageTypes.call, serial, status: messageStatus.ok };
}

function errorIn(frame: Frame): DriverError {
  try {
    return toDriverError(decodeRemoteError(frame.body));
  } catch (error) {
    return new DriverError('Internal', `the daemon reports an error that makes no sense: ${String(error)}`, { cause: error });
  }
}
