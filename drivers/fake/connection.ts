import { setMaxListeners } from 'node:events';
import { DriverError } from '#drivers/error.js';
import type { Clock } from './clock.js';
import type { Verb } from './faults.js';
import type { FakeHost } from './host.js';
import type { FakeMachine } from './machine.js';

export const lost = (): DriverError => new DriverError('Unavailable', 'the fake host is not reached through this connection any more');

export const gaveUp = ({ reason }: AbortSignal): DriverError =>
  new DriverError('TimedOut', 'given up before the fake host answered; it may still be at it', { cause: reason });

/** One call, as it is recorded: what was asked, of what. */
export interface Question {
  readonly verb: Verb;
  /** A name for the record: a machine's, a pool's, how many. */
  readonly of?: string;
  readonly machine?: FakeMachine | undefined;
}

/** One driver's way to the host. Every verb goes through `ask`: there calls are recorded, and faults strike. */
export class Connection {
  readonly #host: FakeHost<Clock>;
  readonly #end = new AbortController();
  readonly closed: Promise<void>;

  constructor(host: FakeHost<Clock>) {
    this.#host = host;
    // One for every call under way, watcher and console: however many there are.
    setMaxListeners(0, this.#end.signal);
    this.closed = new Promise((resolve) => this.#end.signal.addEventListener('abort', () => resolve(), { once: true }));
  }

  get ended(): AbortSignal {
    return this.#end.signal;
  }

  close(): void {
    this.#end.abort();
  }

  async ask<T>({ verb, of, machine }: Question, signal: AbortSignal, act: () => T | Promise<T>): Promise<T> {
    this.mustBeOpen(signal);
    this.#host.calls.push(of === undefined ? verb : `${verb} ${of}`);
    const fate = this.#host.faults.count();
    if (fate === 'DiesBefore') this.#host.disconnect();
    return await this.until(signal, async () => {
      this.#host.faults.strike(verb, 'Before');
      await this.#wait(verb, machine);
      const answer = await act();
      if (fate === 'DiesAfter') this.#host.disconnect();
      this.#host.faults.strike(verb, 'After');
      return answer;
    });
  }

  mustBeOpen(signal: AbortSignal): void {
    if (signal.aborted) throw gaveUp(signal);
    if (this.ended.aborted) throw lost();
  }

  /** Whatever comes first: the work, the end of the signal, the end of the connection. The work goes on without us. */
  async until<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    this.mustBeOpen(signal);
    const over = new AbortController();
    try {
      return await Promise.race([work(), this.#broken(signal, over.signal)]);
    } catch (reason) {
      throw DriverError.from(reason);
    } finally {
      over.abort();
    }
  }

  #broken(signal: AbortSignal, over: AbortSignal): Promise<never> {
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(gaveUp(signal)), { signal: over });
      this.ended.addEventListener('abort', () => reject(lost()), { signal: over });
    });
  }

  async #wait(verb: Verb, machine: FakeMachine | undefined): Promise<void> {
    if (machine?.guest.hung === true) await new Promise(() => {});
    const delay = this.#host.faults.delayOf(verb);
    if (delay > 0) await new Promise<void>((resolve) => this.#host.clock.after(delay, resolve));
  }
}
