import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Caller } from '#test/cluster/caller.js';

const program = fileURLToPath(new URL('./serve.js', import.meta.url));

/** A server's process, from its start to its kill. */
export class Life implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #ended: Promise<unknown>;

  constructor(folder: string) {
    this.#folder = folder;
    this.#child = spawn(process.execPath, [program, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#ended = once(this.#child, 'exit');
  }

  /** Resolves when it answers. Rejects when it ends before. */
  async ready(): Promise<Caller> {
    if (this.#child.stdout === null) throw new Error('the server has no output');
    for await (const url of createInterface(this.#child.stdout)) return Caller.for(url, this.#folder);
    throw new Error('the server ended before it was ready');
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}
