import type { Duplex } from 'node:stream';
import { throwIfAborted, unlessAborted } from '#drivers/deadline.js';
import { DriverError } from '#drivers/error.js';
import { nonsense } from './bytes.js';
import { Credits } from './credits.js';
import { encodeFrame, FrameCutter } from './frame.js';
import { commands, decodeHeader, encodeHeader, type ResponseHeader, unaskedId } from './header.js';
import { encodeNothing } from './messages/session.js';
import { Silence } from './silence.js';
import { statuses } from './status.js';

/** What keeps the messages of a session from others, once there are keys. */
export interface Protection {
  /** The packet as it goes out. */
  protect(packet: Buffer): Buffer;
  /** The packet as the server wrote it. @throws DriverError Denied when it was not our server */
  open(packet: Buffer): Buffer;
}

export interface Question {
  readonly command: number;
  readonly body: Buffer;
  readonly treeId?: number;
  /** How many bytes go or come, where it is more than a few. */
  readonly payload?: number;
  /** For the answer when nobody waits for it any more. */
  readonly late?: (answer: Answer) => void;
}

export interface Answer {
  readonly header: ResponseHeader;
  /** The whole message, with its header. */
  readonly packet: Buffer;
  /** What it answers. */
  readonly asked: Buffer;
}

interface Pending {
  readonly command: number;
  readonly charge: number;
  readonly treeId: number;
  readonly asked: Buffer;
  /** By which the server knows what it has put off. */
  asyncId?: bigint;
  settle: (answer: Answer) => void;
  readonly reject: (error: DriverError) => void;
}

/** What one credit moves. */
export const creditBytes = 65_536;
/** In milliseconds: how long nothing at all may come while an answer is owed. */
const usualPatience = 90_000;
const never = new AbortController().signal;
const open: Protection = { protect: (packet) => packet, open: (packet) => packet };

/** One socket: questions go out in the order of their numbers, many at once, and answers come in any. */
export class Connection {
  /** Until the login has brought keys, whatever is said is what it seems. */
  protection = open;
  sessionId = 0n;

  readonly #socket: Duplex;
  readonly #cutter = new FrameCutter();
  readonly #credits = new Credits();
  readonly #pending = new Map<number, Pending>();
  readonly #patienceMs: number;
  readonly #silence: Silence;
  #isProbing = false;
  #nextId = 0;
  #failure: DriverError | undefined;

  constructor(socket: Duplex, patienceMs = usualPatience) {
    this.#socket = socket;
    this.#patienceMs = patienceMs;
    // Half of it passes before the server is asked whether it is there, and half after that.
    this.#silence = new Silence(patienceMs / 2, () => this.#unheard());
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', (cause) => this.end(new DriverError('Unavailable', `the connection broke: ${cause.message}`, { cause })));
    for (const gone of ['end', 'close'])
      socket.once(gone, () => this.end(new DriverError('Unavailable', 'the file server closed the connection')));
  }

  /** How many bytes one request may move: what the credits that we hold are good for. */
  get reach(): number {
    return this.#credits.held * creditBytes;
  }

  get isOver(): boolean {
    return this.#failure !== undefined;
  }

  /** Resolves with the answer, whatever its status. When the signal ends the server is told to leave it, and nobody waits. */
  async ask(question: Question, signal: AbortSignal): Promise<Answer> {
    throwIfAborted(signal);
    this.#throwIfEnded();
    const charge = Math.max(1, Math.ceil((question.payload ?? 0) / creditBytes));
    await this.#credits.take(charge, signal).catch((reason) => {
      // Credits come with answers alone, and none is owed: only another connection has as many.
      if (!signal.aborted) this.end(DriverError.from(reason));
      throw reason;
    });
    this.#throwIfEnded();
    const { id, answered } = this.#send(question, charge);
    try {
      return await unlessAborted(answered, signal);
    } catch (reason) {
      this.#abandon(id, question);
      throw reason;
    }
  }

  /** Whatever is under way rejects with the error. */
  end(why: DriverError): void {
    if (this.#failure !== undefined) return;
    this.#failure = why;
    this.#silence[Symbol.dispose]();
    this.#socket.destroy();
    for (const { reject } of this.#pending.values()) reject(why);
    this.#pending.clear();
    this.#credits.drop(why);
  }

  #throwIfEnded(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #send({ command, body, treeId = 0 }: Question, charge: number): { readonly id: number; readonly answered: Promise<Answer> } {
    const id = this.#nextId;
    this.#nextId += charge;
    const header = { command, charge, credits: this.#credits.asked(charge), messageId: id, treeId, sessionId: this.sessionId };
    const asked = Buffer.concat([encodeHeader(header), body]);
    const answered = new Promise<Answer>((settle, reject) => {
      this.#pending.set(id, { command, charge, treeId, asked, settle, reject });
    });
    this.#silence.begin();
    this.#write(asked);
    return { id, answered };
  }

  #write(packet: Buffer): void {
    this.#socket.write(encodeFrame(this.protection.protect(packet)));
  }

  /** The server may do it all the same: then its answer goes to who cleans up. */
  #abandon(messageId: number, { late }: Question): void {
    const pending = this.#pending.get(messageId);
    if (pending === undefined) return;
    pending.settle = late ?? (() => {});
    const { treeId, asyncId } = pending;
    const header = { command: commands.cancel, charge: 0, credits: 0, messageId, treeId, sessionId: this.sessionId };
    this.#write(Buffer.concat([encodeHeader({ ...header, ...(asyncId !== undefined && { asyncId }) }), encodeNothing()]));
  }

  #take(chunk: Buffer): void {
    try {
      for (const packet of this.#cutter.push(chunk)) if (this.#failure === undefined) this.#receive(packet);
    } catch (reason) {
      this.end(DriverError.from(reason));
    }
    if (this.#failure === undefined) this.#silence.heard(this.#pending.size > 0);
  }

  /** A flush of many GiB may take its time, and not every server says that it has put it off; but it can say that it is there. */
  #unheard(): void {
    if (this.#isProbing) this.end(silent(this.#patienceMs));
    else this.#probe();
  }

  #probe(): void {
    this.#isProbing = true;
    const done = () => {
      this.#isProbing = false;
    };
    this.ask({ command: commands.echo, body: encodeNothing() }, never).then(done, done);
    this.#silence.heard(true);
  }

  #receive(received: Buffer): void {
    const packet = this.protection.open(received);
    const header = decodeHeader(packet);
    if (header.messageId === unaskedId) return;
    const id = Number(header.messageId);
    const pending = this.#pending.get(id);
    if (pending?.command !== header.command)
      throw nonsense(`an answer to command ${header.command}, number ${header.messageId}, which was not asked`);
    if (header.status === statuses.pending && header.asyncId !== undefined) {
      pending.asyncId = header.asyncId;
      this.#credits.give(0, header.credits);
      return;
    }
    this.#pending.delete(id);
    this.#credits.give(pending.charge, header.credits);
    pending.settle({ header, packet, asked: pending.asked });
  }
}

const silent = (patienceMs: number): DriverError =>
  new DriverError(
    'Unavailable',
    `the file server owes an answer, and has said nothing for ${patienceMs / 1000} s: it hangs, or the way to it is cut`,
  );
