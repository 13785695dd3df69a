import { setTimeout as sleep } from 'node:timers/promises';
import { unlessAborted } from '#drivers/deadline.js';
import type { MachineId } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { hasCode } from './gone.js';

/** In milliseconds: how long a guest that is well takes at most to take note; how long one that did not is left alone. */
const heardMs = 2_000;
const againMs = 60_000;

/** What became of the last one, in one run of a machine. */
interface Press {
  readonly run: string;
  readonly fate: 'Asked' | 'Heard' | 'Unheard';
  readonly at: number;
}

/**
 * The power buttons of Xen's machines. Its driver (libvirt 9.0) answers once the guest has taken note, or after a minute, as a failure; all that time
 * whoever asks for that machine waits as well, and so does whoever asks for the list of all. A guest that took note of one press answers
 * to no other. So nobody is pressed twice in vain.
 */
export class Presses {
  readonly #last = new Map<MachineId, Press>();

  /** Resolves when the guest has heard, or after a while. */
  async press(id: MachineId, run: string, order: (signal: AbortSignal) => Promise<unknown>, signal: AbortSignal): Promise<void> {
    if (this.#isInVain(id, run)) return;
    const note = (fate: Press['fate']) => void this.#last.set(id, { run, fate, at: Date.now() });
    note('Asked');
    const pressing = order(AbortSignal.timeout(2 * againMs)).then(
      () => note('Heard'),
      (reason) => {
        note('Unheard');
        if (!isUnheard(reason)) throw reason;
      },
    );
    await unlessAborted(Promise.race([pressing, sleep(heardMs)]), signal);
  }

  #isInVain(id: MachineId, run: string): boolean {
    const last = this.#last.get(id);
    if (last?.run !== run) return false;
    return last.fate !== 'Unheard' || Date.now() - last.at < againMs;
  }
}

const isUnheard = (reason: unknown): boolean =>
  hasCode(reason, 'TimedOut') || (reason instanceof DriverError && /Failed to shutdown domain/.test(reason.message));
