import { DriverError } from '#drivers/error.js';
import type { Grant } from './smb/client.js';

export interface Range {
  readonly offset: number;
  readonly length: number;
}

/** A file that is written, and has not its name yet. */
export interface WrittenFile {
  readonly sizeBytes: number;
  /** Fewer bytes only where the file ends. */
  read(offset: number, length: number): Promise<Buffer>;
}

/** What is in files, which WMI does not carry. Paths are the host's own, `d:\\disks\\a.iso`, or UNC. Every error is a DriverError. */
export interface Contents {
  /** Why there is none of that in this place, and what helps; undefined where there is. Without `path` the host's own files are meant. */
  refusal(path?: string): string | undefined;
  /** That we are let in where the file of that path is, or is to be; rejects as `write` would. Nothing is left there by it. */
  reach(path: string, signal: AbortSignal): Promise<void>;
  /**
   * Whole or not at all under that name, whatever was there: written beside it (`<name>.part`), flushed, renamed. `check` rejects what is not to
   * have the name. Whoever dies meanwhile leaves the part, which the next write replaces. Busy where somebody has the file open.
   */
  write(path: string, content: AsyncIterable<Uint8Array>, signal: AbortSignal, check?: (file: WrittenFile) => Promise<void>): Promise<void>;
  /** The same, of a file that nobody but these may open, from its first byte on; Unsupported where the file system does not keep it so. */
  writeFor(path: string, grants: readonly Grant[], content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void>;
  /** A range beyond the end gives what there is. NotFound, and Busy where somebody writes to it. */
  read(path: string, range: Range, signal: AbortSignal): AsyncGenerator<Uint8Array>;
  /** Zeros follow what is there; longer already is success. NotFound, Busy, Exhausted. */
  extend(path: string, sizeBytes: number, signal: AbortSignal): Promise<void>;
}

export const partOf = (path: string): string => `${path}.part`;

/** A place of which no file is read or written, and why. */
export class NoContents implements Contents {
  readonly #why: string;

  constructor(why: string) {
    this.#why = why;
  }

  refusal(): string {
    return this.#why;
  }

  async reach(): Promise<void> {
    this.#refuse();
  }

  async write(): Promise<void> {
    this.#refuse();
  }

  async writeFor(): Promise<void> {
    this.#refuse();
  }

  // biome-ignore lint/correctness/useYield: there is nothing to give
  async *read(): AsyncGenerator<Uint8Array> {
    this.#refuse();
  }

  async extend(): Promise<void> {
    this.#refuse();
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #refuse(): never {
    throw new DriverError('Unsupported', this.#why);
  }
}

/** Each path where its file is: on the host, or on the server that a pool names. */
export class ContentsByPlace implements Contents {
  readonly #host: Contents;
  readonly #shared: (unc: string) => Contents;

  constructor(host: Contents, shared: (unc: string) => Contents) {
    this.#host = host;
    this.#shared = shared;
  }

  refusal(path?: string): string | undefined {
    return this.#of(path).refusal(path);
  }

  async reach(path: string, signal: AbortSignal): Promise<void> {
    await this.#of(path).reach(path, signal);
  }

  async write(path: string, content: AsyncIterable<Uint8Array>, signal: AbortSignal, check?: (file: WrittenFile) => Promise<void>) {
    await this.#of(path).write(path, content, signal, check);
  }

  async writeFor(path: string, grants: readonly Grant[], content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    await this.#of(path).writeFor(path, grants, content, signal);
  }

  async *read(path: string, range: Range, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    yield* this.#of(path).read(path, range, signal);
  }

  async extend(path: string, sizeBytes: number, signal: AbortSignal): Promise<void> {
    await this.#of(path).extend(path, sizeBytes, signal);
  }

  #of(path = ''): Contents {
    return path.startsWith('\\\\') ? this.#shared(path) : this.#host;
  }
}
