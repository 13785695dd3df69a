import type { Readable } from 'node:stream';
import { ImageError } from './error.js';
import { inBytes } from './text.js';
import { transportError } from './transport.js';

export interface BodyLimits {
  readonly maxBytes: number;
  /** How long to wait for each further `progressBytes`, in milliseconds. Only waiting counts: a slow taker costs the server nothing. */
  readonly idleMs: number;
}

/** At the default patience of a minute about a kibibyte per second: less is no download. */
const progressBytes = 64 * 1024;

/** A response's body that can be looked into before it is taken, once. */
export class Body implements AsyncDisposable {
  readonly #response: Readable;
  readonly #name: string;
  readonly #limits: BodyLimits;
  readonly #signal: AbortSignal;
  readonly #chunks: AsyncIterator<Uint8Array>;
  #held: Uint8Array[] = [];
  #received = 0;
  #untilProgress = progressBytes;
  #patienceMs: number;
  #taken = false;

  constructor(response: Readable, name: string, limits: BodyLimits, signal: AbortSignal) {
    this.#response = response;
    this.#name = name;
    this.#limits = limits;
    this.#signal = signal;
    this.#chunks = response[Symbol.asyncIterator]();
    this.#patienceMs = limits.idleMs;
  }

  /** The first `length` bytes; fewer only when the body is shorter. They stay part of the content. */
  async head(length: number): Promise<Uint8Array> {
    let size = this.#held.reduce((sum, chunk) => sum + chunk.length, 0);
    while (size < length) {
      const chunk = await this.#next();
      if (chunk === undefined) break;
      this.#held.push(chunk);
      size += chunk.length;
    }
    return Buffer.concat(this.#held).subarray(0, length);
  }

  /** All of it, from the first byte on. Ending the iteration early ends the connection. */
  async *content(): AsyncGenerator<Uint8Array> {
    if (this.#taken) throw new TypeError('an image can be read only once');
    this.#taken = true;
    try {
      for (const chunk of this.#held.splice(0)) yield chunk;
      for (let chunk = await this.#next(); chunk !== undefined; chunk = await this.#next()) yield chunk;
    } finally {
      await this[Symbol.asyncDispose]();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#response.destroy();
  }

  async #next(): Promise<Uint8Array | undefined> {
    const chunk = await this.#awaited();
    if (chunk === undefined) return undefined;
    this.#received += chunk.length;
    this.#untilProgress -= chunk.length;
    if (this.#untilProgress <= 0) [this.#untilProgress, this.#patienceMs] = [progressBytes, this.#limits.idleMs];
    if (this.#received > this.#limits.maxBytes) throw tooLarge(this.#name, this.#limits.maxBytes);
    return chunk;
  }

  async #awaited(): Promise<Uint8Array | undefined> {
    const began = performance.now();
    const timer = setTimeout(() => this.#response.destroy(this.#tooSlow()), this.#patienceMs);
    try {
      const { done, value } = await this.#chunks.next();
      return done === true ? undefined : value;
    } catch (reason) {
      throw this.#broken(reason);
    } finally {
      clearTimeout(timer);
      this.#patienceMs -= performance.now() - began;
    }
  }

  #tooSlow(): ImageError {
    const seconds = this.#limits.idleMs / 1000;
    return new ImageError('TimedOut', `${this.#name}: less than ${inBytes(progressBytes)} came in ${seconds} s; it is tried again`);
  }

  #broken(reason: unknown): ImageError {
    const error = transportError(reason, this.#name, this.#signal);
    if (error.code !== 'Unavailable') return error;
    return new ImageError('Incomplete', `${this.#name}: the connection broke after ${inBytes(this.#received)}; it is tried again`);
  }
}

export function tooLarge(name: string, maxBytes: number, found?: number): ImageError {
  const size = found === undefined ? 'goes on after that' : `has ${inBytes(found)}`;
  return new ImageError('TooLarge', `${name}: at most ${inBytes(maxBytes)} are accepted, the file ${size}; ask for a larger volume`);
}
