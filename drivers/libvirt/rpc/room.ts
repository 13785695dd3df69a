import { XdrError } from './bytes.js';

/**
 * Room for messages that are not whole yet, one for all sockets to a host: each may begin the largest message and never end it, and there may be
 * tens of them, of tens of hosts in one process.
 */
export class Room {
  readonly #bytes: number;
  #free: number;

  constructor(bytes: number) {
    this.#bytes = bytes;
    this.#free = bytes;
  }

  /** @throws XdrError when there is no room for so many more */
  take(bytes: number): void {
    if (bytes > this.#free)
      throw new XdrError(
        `messages that are not whole would take more than the ${this.#bytes} bytes that one host has for them on all of its sockets`,
      );
    this.#free -= bytes;
  }

  give(bytes: number): void {
    this.#free += bytes;
  }
}
