import { XdrError } from './bytes.js';
import type { Room } from './room.js';

/** Programs that share one socket, and the one version there is of each. */
export const programs = { remote: 0x2000_8086, keepalive: 0x6b65_6570 } as const;
export const programVersion = 1;

export const messageTypes = { call: 0, reply: 1, message: 2, stream: 3, streamHole: 6 } as const;
/** `error` is followed by a RemoteError, except from us, where it aborts a stream. */
export const messageStatus = { ok: 0, error: 1, continue: 2 } as const;

/** The largest message, header included, its length field not (virnetprotocol.x). */
export const maxMessageBytes = 33_554_432;
/** What every daemon takes as the payload of one stream message; newer ones take more. */
export const maxStreamBytes = 262_120;

const lengthBytes = 4;
/** Of the length field and the header. */
const headBytes = 28;

export interface Header {
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  readonly type: number;
  readonly serial: number;
  readonly status: number;
}

export interface Frame {
  readonly header: Header;
  readonly body: Buffer;
}

/** Length field and header; the body follows as is. */
export function encodeHead(header: Header, bodyLength: number): Buffer {
  return withHead(header, bodyLength, headBytes);
}

export function encodeFrame(header: Header, body: Uint8Array): Buffer {
  const frame = withHead(header, body.length, headBytes + body.length);
  frame.set(body, headBytes);
  return frame;
}

/** `bytes` long, and begun with the head. */
function withHead({ program, version, procedure, type, serial, status }: Header, bodyLength: number, bytes: number): Buffer {
  const length = headBytes + bodyLength;
  if (length - lengthBytes > maxMessageBytes) throw new XdrError(`a message of ${length} bytes given, at most ${maxMessageBytes} accepted`);
  const buffer = Buffer.allocUnsafe(bytes);
  buffer.writeUInt32BE(length, 0);
  buffer.writeUInt32BE(program, 4);
  buffer.writeUInt32BE(version, 8);
  buffer.writeInt32BE(procedure, 12);
  buffer.writeUInt32BE(type, 16);
  buffer.writeUInt32BE(serial, 20);
  buffer.writeUInt32BE(status, 24);
  return buffer;
}

const nothing = Buffer.alloc(0);

/**
 * Cuts a stream of bytes into frames. What has arrived of one that is not whole is kept in a buffer of at most twice that size, and never more than
 * the whole: pieces, however small they come, are never kept as they are.
 */
export class FrameCutter {
  readonly #budget: Room | undefined;
  #part: Buffer = nothing;
  #held = 0;

  /** `budget`: of what is not whole. */
  constructor(budget?: Room) {
    this.#budget = budget;
  }

  /** In bytes: the room taken by what has arrived of a frame that is not whole yet. */
  get room(): number {
    return this.#part.length;
  }

  *push(chunk: Buffer): Generator<Frame> {
    for (let start = 0; ; ) {
      if (this.#held > 0) {
        start += this.#complete(chunk, start);
        if (this.#held < lengthBytes || this.#held < announcedLength(this.#part, 0)) return;
        yield this.#taken();
      } else {
        const end = endOfFrame(chunk, start);
        if (end === undefined) return this.#keep(chunk, start, chunk.length);
        yield decodeFrame(chunk, start, end);
        start = end;
      }
    }
  }

  /** Moves what the kept part lacks, and no more; says how much that was. */
  #complete(chunk: Buffer, start: number): number {
    const before = this.#held;
    if (before < lengthBytes) this.#keep(chunk, start, Math.min(chunk.length, start + lengthBytes - before));
    const moved = this.#held - before;
    if (this.#held < lengthBytes) return moved;
    const missing = announcedLength(this.#part, 0) - this.#held;
    this.#keep(chunk, start + moved, Math.min(chunk.length, start + moved + missing));
    return this.#held - before;
  }

  #keep(chunk: Buffer, start: number, end: number): void {
    const needed = this.#held + end - start;
    if (needed > this.#part.length) this.#grow(Math.max(needed, Math.min(2 * this.#held, this.#most)));
    chunk.copy(this.#part, this.#held, start, end);
    this.#held = needed;
  }

  get #most(): number {
    return this.#held < lengthBytes ? lengthBytes : announcedLength(this.#part, 0);
  }

  #grow(room: number): void {
    this.#budget?.take(room - this.#part.length);
    const larger = Buffer.allocUnsafeSlow(room);
    this.#part.copy(larger, 0, 0, this.#held);
    this.#part = larger;
  }

  #taken(): Frame {
    const frame = decodeFrame(this.#part, 0, this.#held);
    this.drop();
    return frame;
  }

  /** Forgets what has arrived of a frame that is not whole. */
  drop(): void {
    this.#budget?.give(this.#part.length);
    this.#part = nothing;
    this.#held = 0;
  }
}

/** Where the frame that begins at `start` ends, if it is there in full. */
function endOfFrame(bytes: Buffer, start: number): number | undefined {
  if (bytes.length - start < lengthBytes) return undefined;
  const end = start + announcedLength(bytes, start);
  return end > bytes.length ? undefined : end;
}

/** Of the whole frame, the length field included, as it is on the wire. */
function announcedLength(bytes: Buffer, start: number): number {
  const length = bytes.readUInt32BE(start);
  if (length < headBytes || length - lengthBytes > maxMessageBytes)
    throw new XdrError(`a message of ${length} bytes announced, ${headBytes} to ${lengthBytes + maxMessageBytes} accepted`);
  return length;
}

function decodeFrame(bytes: Buffer, start: number, end: number): Frame {
  const header: Header = {
    program: bytes.readUInt32BE(start + 4),
    version: bytes.readUInt32BE(start + 8),
    procedure: bytes.readInt32BE(start + 12),
    type: bytes.readUInt32BE(start + 16),
    serial: bytes.readUInt32BE(start + 20),
    status: bytes.readUInt32BE(start + 24),
  };
  return { header, body: bytes.subarray(start + headBytes, end) };
}
