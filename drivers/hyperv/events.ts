import { setTimeout as sleep } from 'node:timers/promises';
import { onAbort } from '#drivers/deadline.js';
import type { Events, HostEvent, MachineId, NetworkId } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { Listener } from '#drivers/https/listener.js';
import { type Happening, happenings } from './wmi/events.js';
import type { Wmi } from './wmi/wmi.js';

const gap: HostEvent = { kind: 'gap' };
/** In milliseconds, between two tries to be heard: at first, and at most. */
const pauses = { first: 1_000, longest: 60_000 };

/** One subscription for all who listen, from the first of them on. A host that forgets us, or does not let us listen, is asked again. */
export class HypervEvents implements Events {
  readonly #wmi: Wmi;
  readonly #ending: AbortSignal;
  readonly #listeners = new Set<Listener>();
  #isHeard = false;
  #isBegun = false;

  constructor(wmi: Wmi, ending: AbortSignal) {
    this.#wmi = wmi;
    this.#ending = ending;
    onAbort(ending, () => {
      for (const listener of this.#listeners) listener.end();
    });
  }

  async *watch(signal: AbortSignal): AsyncGenerator<HostEvent, void, undefined> {
    const listener = new Listener();
    const stop = onAbort(signal, () => listener.end());
    if (this.#ending.aborted) listener.end();
    this.#listeners.add(listener);
    this.#begin();
    // Whoever comes before the host hears us waits for the gap that says so.
    if (this.#isHeard) listener.put(gap);
    try {
      yield* listener;
    } finally {
      stop();
      this.#listeners.delete(listener);
    }
  }

  #begin(): void {
    if (this.#isBegun || this.#ending.aborted) return;
    this.#isBegun = true;
    void this.#listen();
  }

  async #listen(): Promise<void> {
    let isTold = false;
    for (let pause = pauses.first; !this.#ending.aborted; pause = Math.min(2 * pause, pauses.longest)) {
      try {
        for await (const page of happenings(this.#wmi, this.#ending)) {
          pause = pauses.first;
          if (!this.#isHeard) this.#tell(gap);
          this.#isHeard = true;
          isTold = false;
          for (const each of page) this.#tell(hint(each));
        }
      } catch (reason) {
        // What is missed meanwhile is seen by who looks at everything once more; of one trouble is told but once.
        if (!isTold && !this.#ending.aborted) this.#tell({ kind: 'gap', because: DriverError.from(reason) });
        isTold = true;
      }
      this.#isHeard = false;
      await sleep(pause, undefined, { signal: this.#ending, ref: false }).catch(() => {});
    }
  }

  #tell(event: HostEvent): void {
    for (const listener of this.#listeners) listener.put(event);
  }
}

function hint(of: Happening): HostEvent {
  if (of.kind === 'machine') return { kind: 'machine', id: of.id as MachineId };
  return of.kind === 'switch' ? { kind: 'network', id: of.id as NetworkId } : gap;
}
