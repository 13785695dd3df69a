import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endChild, hasEnded, startChild } from '#test/cluster/process.js';

const program = fileURLToPath(new URL('../../controllers/main.js', import.meta.url));

/** A part of the operator as users run it. Ends with the test. */
export class OperatorProcess implements AsyncDisposable {
  readonly #argv: readonly string[];
  readonly #log: string;
  #child: ChildProcess;
  #restarts: Promise<void> = Promise.resolve();
  #over = false;

  constructor(
    command: 'controller' | 'agent' | 'operator',
    hypervisors: readonly string[],
    kubeconfig: string,
    folder: string,
    more: readonly string[] = ['--identity', command],
  ) {
    const marks = ['--cluster-name', 'test'];
    const hosts = command === 'controller' ? [] : [...hypervisors.flatMap((name) => ['--hypervisor', name]), ...marks];
    this.#argv = [program, command, ...hosts, '--kubeconfig', kubeconfig, '--namespace', 'virtwright-system', ...more];
    this.#log = join(folder, `${command}.log`);
    this.#child = startChild(process.execPath, this.#argv, this.#log);
  }

  /** Gives it no time for anything. */
  async kill9(): Promise<void> {
    if (hasEnded(this.#child)) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }

  /** It stands still, and knows nothing of that: its connections stay open. */
  freeze(frozen: boolean): void {
    this.#child.kill(frozen ? 'SIGSTOP' : 'SIGCONT');
  }

  /** Another one in its place. Whoever asks at the same time waits: two would go on, and nobody would end the first. */
  restart(): Promise<void> {
    this.#restarts = this.#restarts.then(async () => {
      await this.kill9();
      if (!this.#over) this.#child = startChild(process.execPath, this.#argv, this.#log);
    });
    return this.#restarts;
  }

  /** Asks it to leave, and waits until it has. */
  stop(): Promise<void> {
    return endChild(this.#child, 'SIGTERM');
  }

  log(): Promise<string> {
    return readFile(this.#log, 'utf8');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true;
    await this.#restarts;
    await this.kill9();
  }
}
