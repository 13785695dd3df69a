import type { Io } from './command.js';

/** What is waited for, on standard error: said when it changes, and once. */
export class Progress {
  readonly #io: Io;
  readonly #said = new Map<string, string>();

  constructor(io: Io) {
    this.#io = io;
  }

  say(about: string, why: string): void {
    if (this.#said.get(about) === why) return;
    this.#said.set(about, why);
    this.#io.stderr.write(`${about}: ${why}\n`);
  }

  /** What was said last. */
  last(about: string): string | undefined {
    return this.#said.get(about);
  }
}
