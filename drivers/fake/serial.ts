import { Queue } from './queue.js';

const backlogLimit = 1000;

/** A serial console of which only one opener reads at a time; what nobody read is kept for the next one, within bounds. */
export class Serial {
  #backlog: Uint8Array[] = [];
  #reader: Queue<Uint8Array> | undefined;

  print(text: string | Uint8Array): void {
    const bytes = typeof text === 'string' ? Buffer.from(text) : text.slice();
    if (this.#reader !== undefined && !this.#reader.ended) this.#reader.push(bytes);
    else this.#backlog = [...this.#backlog, bytes].slice(-backlogLimit);
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
