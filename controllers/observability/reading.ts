import { setTimeout as sleep } from 'node:timers/promises';
import type { MachineStats, Stats } from '#drivers/driver.js';

/** What one look at the machines of a host has brought. */
export interface Reading {
  /** Of all that answered; none where the host did not. */
  readonly machines: readonly MachineStats[];
  readonly succeeded: boolean;
  readonly seconds: number;
}

/** Prometheus waits 10 s by default, for all hosts of an agent and for what else is told. */
const usualPatienceMs = 4_000;
/** What has not come by then is given up, so that the next look is a new one. */
const longestMs = 30_000;

const nothing = (seconds: number): Reading => ({ machines: [], succeeded: false, seconds });

/** Looks at how machines are at work. Those who ask while a look is under way share it, and nobody waits for a host that hangs. */
export class Looks {
  readonly #onTrouble: (error: unknown) => void;
  readonly #patienceMs: number;
  #underway: { readonly stats: Stats; readonly reading: Promise<Reading> } | undefined;

  /** Nobody waits longer than `patienceMs`. */
  constructor(onTrouble: (error: unknown) => void, patienceMs = usualPatienceMs) {
    this.#onTrouble = onTrouble;
    this.#patienceMs = patienceMs;
  }

  /** Never rejects. `stats` is absent while the host is not reached. */
  async look(stats: Stats | undefined, signal: AbortSignal): Promise<Reading> {
    if (stats === undefined) return nothing(0);
    if (this.#underway?.stats !== stats) this.#begin(stats, signal);
    const over = new AbortController();
    const late = sleep(this.#patienceMs, nothing(this.#patienceMs / 1_000), { signal: over.signal });
    try {
      return await Promise.race([this.#underway?.reading ?? nothing(0), late]);
    } finally {
      over.abort();
      late.catch(() => {});
    }
  }

  #begin(stats: Stats, signal: AbortSignal): void {
    const mine = { stats, reading: this.#read(stats, AbortSignal.any([signal, AbortSignal.timeout(longestMs)])) };
    this.#underway = mine;
    mine.reading.finally(() => {
      if (this.#underway === mine) this.#underway = undefined;
    });
  }

  async #read(stats: Stats, signal: AbortSignal): Promise<Reading> {
    const began = performance.now();
    const seconds = () => (performance.now() - began) / 1_000;
    try {
      const machines = await stats.read(signal);
      return { machines, succeeded: true, seconds: seconds() };
    } catch (reason) {
      if (!signal.aborted) this.#onTrouble(reason);
      return nothing(seconds());
    }
  }
}
