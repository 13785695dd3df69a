import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** When a machine was seen to run, and its guest to be up: seconds of CLOCK_MONOTONIC. */
export interface Sighting {
  readonly uuid: string;
  readonly started: number;
  readonly ready: number;
}

/** Seen from `dist/bench/apply-to-ready/`: Python is not compiled, and stays where it is. */
export function script(name: string): string {
  return fileURLToPath(new URL(`../../../bench/apply-to-ready/${name}`, import.meta.url));
}

/** Listens on the host for machines that start, whoever starts them, and hears their guests. One per round. */
export class Watch implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #count: number;

  private constructor(child: ChildProcess, lines: AsyncIterator<string>, count: number) {
    this.#child = child;
    this.#lines = lines;
    this.#count = count;
  }

  /** Resolves when it listens; nothing may be started before. */
  static async begin(connect: string, count: number): Promise<Watch> {
    const child = spawn(script('watch.py'), ['--connect', connect, '--count', `${count}`], { stdio: ['ignore', 'pipe', 'inherit'] });
    const watch = new Watch(child, createInterface({ input: child.stdout })[Symbol.asyncIterator](), count);
    await watch.#next();
    return watch;
  }

  /** Resolves when all guests were heard. */
  async all(): Promise<readonly Sighting[]> {
    const seen: Sighting[] = [];
    while (seen.length < this.#count) seen.push(JSON.parse(await this.#next()) as Sighting);
    return seen;
  }

  async #next(): Promise<string> {
    const line = await this.#lines.next();
    if (line.done) throw new Error('watch.py ended before all guests were heard; it says why above');
    return line.value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGTERM');
    await once(this.#child, 'exit');
  }
}
