import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type Contender, type Load, measured } from './contender.js';

/** Seen from `dist/bench/libvirt-rpc/`: Python is not compiled, and stays where it is. */
const script = fileURLToPath(new URL('../../../bench/libvirt-rpc/client.py', import.meta.url));

/** A process of client.py, which answers each question with a line, or with two. */
export class PythonClient implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  constructor(uri: string, machine: string, ...options: readonly string[]) {
    this.#child = spawn(script, ['--connect', uri, '--machine', machine, ...options], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async ask<Answer>(what: string, about: Readonly<Record<string, number | boolean>> = {}): Promise<Answer> {
    this.#child.stdin.write(`${JSON.stringify({ do: what, ...about })}\n`);
    return this.next<Answer>();
  }

  async next<Answer>(): Promise<Answer> {
    const line = await this.#lines.next();
    if (line.done) throw new Error('client.py ended; it says why above (Debian: python3-libvirt)');
    return JSON.parse(line.value) as Answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin.end();
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
  }
}

interface Cost {
  readonly wall: number;
  readonly cpu: number;
}

/** libvirt's client in Python, with so many threads. */
export function python(uri: string, machine: string, { calls, manyCalls }: Load, threads: number, shared: boolean): Contender {
  const client = new PythonClient(uri, machine);
  const connections = threads === 1 ? '' : shared ? ', one connection' : ', a connection each';
  return {
    name: `python3-libvirt, ${threads} thread${threads === 1 ? '' : 's'}${connections}`,
    async round() {
      const latency = await client.ask<{ readonly median: number; readonly cpu: number }>('latency', { calls });
      const { wall, cpu } = await client.ask<Cost>('throughput', { calls: manyCalls, threads, shared });
      const [listed, told] = [await client.ask<Cost>('list'), await client.ask<Cost>('stats')];
      return {
        [measured.latency]: latency.median * 1e6,
        [measured.latencyCpu]: latency.cpu * 1e6,
        [measured.throughput]: manyCalls / wall,
        [measured.throughputCpu]: (cpu / manyCalls) * 1e6,
        [measured.list]: listed.wall * 1e3,
        [measured.stats]: told.wall * 1e3,
      };
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}
