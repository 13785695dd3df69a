import { Queue } from './queue.js';
import type { FakeFile } from './store.js';

const backlogLimit = 1000;

/** A serial console of which only one opener reads at a time; what nobody read is kept for the next one, within bounds, unless it is written down. */
export class Serial {
  #backlog: Uint8Array[] = [];
  #reader: Queue<Uint8Array> | undefined;
  /** Where all that is printed is written down, since the start. */
  log: FakeFile | undefined;

  print(text: string | Uint8Array): void {
    const bytes = typeof text === 'string' ? Buffer.from(text) : text.slice();
    this.log?.append(bytes);
    if (this.#reader !== undefined && !this.#reader.ended) this.#reader.push(bytes);
    else if (this.log === undefined) this.#backlog = [...this.#backlog, bytes].slice(-backlogLimit);
  }

  open(): Queue<Uint8Array> {
    this.#reader?.end();
    this.#reader = new Queue();
    for (const bytes of this.#backlog.splice(0)) this.#reader.push(bytes);
    return this.#reader;
  }

  /** The machine has stopped. */
  end(): void {
    this.#reader?.end();
    this.#backlog = [];
  }
}
