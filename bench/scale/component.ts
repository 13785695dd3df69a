import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { endChild, hasEnded, startChild } from '#test/cluster/process.js';
import { add, type Counts, passesOf, readsOf, waitingIn, writesOf } from './counters.js';
import { nothing, total, type Usage, usageOf } from './usage.js';

export interface ComponentOptions {
  /** Of the compiled program, and what it is told. */
  readonly argv: readonly string[];
  /** Where it serves its metrics, on loopback. */
  readonly port: number;
  readonly logFile: string;
}

/** One of our processes, through its restarts. What the dead ones used and wrote is counted on. */
export class Component {
  readonly #options: ComponentOptions;
  #child: ChildProcess | undefined;
  #past: Usage = nothing;
  #pastWrites: Counts = {};
  #pastReads: Counts = {};

  constructor(options: ComponentOptions) {
    this.#options = options;
  }

  start(): void {
    const { argv, port, logFile } = this.#options;
    this.#child = startChild(process.execPath, [...argv, '--listen', `${port}`], logFile);
  }

  async kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.#child === undefined || hasEnded(this.#child)) return;
    const metrics = await this.#metrics();
    const used = await usageOf(this.#child.pid ?? 0);
    this.#past = { ...total([this.#past, used]), rssMiB: 0, peakMiB: Math.max(this.#past.peakMiB, used.peakMiB) };
    this.#pastWrites = add([this.#pastWrites, writesOf(metrics)]);
    this.#pastReads = add([this.#pastReads, readsOf(metrics)]);
    await endChild(this.#child, signal);
  }

  async usage(): Promise<Usage> {
    const now = await usageOf(this.#child?.pid ?? 0);
    return { ...now, cpuSeconds: this.#past.cpuSeconds + now.cpuSeconds, peakMiB: Math.max(this.#past.peakMiB, now.peakMiB) };
  }

  async writes(): Promise<Counts> {
    return add([this.#pastWrites, writesOf(await this.#metrics())]);
  }

  async reads(): Promise<Counts> {
    return add([this.#pastReads, readsOf(await this.#metrics())]);
  }

  /** Everything it watches has come in. */
  async isReady(): Promise<boolean> {
    return this.#ask('/readyz').then(
      ({ ok }) => ok,
      () => false,
    );
  }

  /** Of this process: passes done, and keys that wait. */
  async work(): Promise<{ readonly passes: number; readonly waiting: number }> {
    const metrics = await this.#metrics();
    return { passes: passesOf(metrics), waiting: waitingIn(metrics) };
  }

  async #metrics(): Promise<string> {
    for (let left = 20; ; left--) {
      const answer = await this.#ask('/metrics').catch(() => undefined);
      if (answer?.ok) return answer.text();
      if (left === 0 || this.#child === undefined || hasEnded(this.#child))
        throw new Error(`no metrics from the process that logs to ${this.#options.logFile}`);
      await sleep(500);
    }
  }

  #ask(path: string): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.#options.port}${path}`, { signal: AbortSignal.timeout(60_000) });
  }
}
