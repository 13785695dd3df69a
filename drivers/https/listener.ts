import type { HostEvent } from '#drivers/driver.js';

/** What waits to be read, each thing once: however slow the reader, no more than there are things. */
export class Listener implements AsyncIterable<HostEvent> {
  readonly #waiting = new Map<string, HostEvent>();
  #isEnded = false;
  #wake = () => {};

  put(event: HostEvent): void {
    this.#waiting.set(event.kind === 'gap' ? 'gap' : `${event.kind} ${event.id}`, event);
    this.#wake();
  }

  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<HostEvent, void, undefined> {
    while (!this.#isEnded) {
      for (const [key, event] of this.#waiting) {
        this.#waiting.delete(key);
        yield event;
        if (this.#isEnded) return;
      }
      if (this.#waiting.size > 0 || this.#isEnded) continue;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
