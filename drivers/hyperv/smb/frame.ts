import { nonsense } from './bytes.js';

/** Of one message, either way: what we ask for at once, and what stands around it. */
export const maxMessageBytes = 2 ** 21;

const lengthBytes = 4;
const nothing = Buffer.alloc(0);

/** A message as it goes over TCP: behind a zero and its length in three bytes, the greatest first. */
export function encodeFrame(message: Buffer): Buffer {
  const head = Buffer.alloc(lengthBytes);
  head.writeUInt32BE(message.length);
  return Buffer.concat([head, message]);
}

/** Cuts a stream of bytes into messages. Of one that is not whole at most twice what has arrived is held. */
export class FrameCutter {
  #held: Buffer = nothing;
  #length = 0;

  /** In bytes: the room that a message takes which is not whole yet. */
  get room(): number {
    return this.#held.length;
  }

  /** @throws DriverError Internal */
  *push(chunk: Buffer): Generator<Buffer> {
    for (let at = 0; at < chunk.length; ) {
      const missing = this.#missing();
      const taken = chunk.subarray(at, at + missing);
      this.#keep(taken);
      at += taken.length;
      // Of the length alone, or of a message of no bytes, as keeps connections open.
      if (this.#length >= lengthBytes && this.#missing() === 0) yield this.#take();
    }
  }

  #missing(): number {
    if (this.#length < lengthBytes) return lengthBytes - this.#length;
    return lengthBytes + announced(this.#held) - this.#length;
  }

  #keep(bytes: Buffer): void {
    const needed = this.#length + bytes.length;
    if (needed > this.#held.length) {
      const most = this.#length < lengthBytes ? lengthBytes : lengthBytes + announced(this.#held);
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(2 * this.#length, most)));
      this.#held.copy(larger, 0, 0, this.#length);
      this.#held = larger;
    }
    bytes.copy(this.#held, this.#length);
    this.#length = needed;
  }

  #take(): Buffer {
    const message = this.#held.subarray(lengthBytes, this.#length);
    this.#held = nothing;
    this.#length = 0;
    return message;
  }
}

function announced(held: Buffer): number {
  const [kind, length] = [held.readUInt8(0), held.readUIntBE(1, 3)];
  if (kind !== 0 || length > maxMessageBytes)
    throw nonsense(`a message of kind ${kind} and ${length} bytes announced, kind 0 and at most ${maxMessageBytes} accepted`);
  return length;
}
