import { Reader, XdrError } from './bytes.js';
import { type Decoded, encodeToBytes, int, struct, uint } from './xdr.js';

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
const headerBytes = 24;

const headerCodec = struct({ program: uint, version: uint, procedure: int, type: uint, serial: uint, status: uint });
export type Header = Decoded<typeof headerCodec>;

export interface Frame {
  readonly header: Header;
  readonly body: Buffer;
}

/** Length field and header; the body follows as is. */
export function encodeHead(header: Header, bodyLength: number): Buffer {
  const length = lengthBytes + headerBytes + bodyLength;
  if (length - lengthBytes > maxMessageBytes) throw new XdrError(`a message of ${length} bytes given, at most ${maxMessageBytes} accepted`);
  return Buffer.concat([encodeToBytes(uint, length), encodeToBytes(headerCodec, header)]);
}

export function encodeFrame(header: Header, body: Uint8Array): Buffer {
  return Buffer.concat([encodeHead(header, body.length), body]);
}

/** Cuts a stream of bytes into frames. Holds what has arrived of one frame, never more room than that. */
export class FrameCutter {
  #chunks: Buffer[] = [];
  #held = 0;
  #wanted = lengthBytes;

  *push(chunk: Buffer): Generator<Frame> {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    while (this.#held >= this.#wanted) {
      const bytes = this.#join();
      this.#wanted = announcedLength(bytes);
      if (bytes.length < this.#wanted) continue;
      const frame = decodeFrame(bytes.subarray(lengthBytes, this.#wanted));
      this.#keep(bytes.subarray(this.#wanted));
      yield frame;
    }
  }

  #join(): Buffer {
    const [only, ...others] = this.#chunks;
    const joined = only !== undefined && others.length === 0 ? only : Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined;
  }

  #keep(rest: Buffer): void {
    this.#chunks = [rest];
    this.#held = rest.length;
    this.#wanted = lengthBytes;
  }
}

/** Of the whole frame, the length field included, as it is on the wire. */
function announcedLength(bytes: Buffer): number {
  const length = bytes.readUInt32BE();
  if (length < lengthBytes + headerBytes || length - lengthBytes > maxMessageBytes)
    throw new XdrError(`a message of ${length} bytes announced, ${lengthBytes + headerBytes} to ${lengthBytes + maxMessageBytes} accepted`);
  return length;
}

function decodeFrame(bytes: Buffer): Frame {
  const reader = new Reader(bytes);
  const header = headerCodec.decode(reader);
  return { header, body: reader.take(reader.remaining) };
}
