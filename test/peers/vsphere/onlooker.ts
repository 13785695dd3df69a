import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { AssetsMissing } from '#test/peers/build.js';
import type { Vcsim } from './vcsim.js';

/** A machine as VMware's own client library reads it. */
export interface Native {
  readonly id: string;
  readonly name: string;
  readonly instanceUuid: string;
  readonly uuid: string;
  readonly power: 'poweredOn' | 'poweredOff' | 'suspended';
  readonly cpus: number;
  /** In MiB. */
  readonly memory: number;
  readonly guestId: string;
  readonly firmware: string;
  readonly annotation: string;
  readonly managedBy: { readonly extensionKey: string; readonly type: string } | null;
  /** What of `extraConfig` is ours. */
  readonly extra: Readonly<Record<string, string>>;
  readonly disks: readonly { readonly file: string; readonly kilobytes: number; readonly controller: string }[];
  /** The files behind its serial ports. */
  readonly serial: readonly string[];
  readonly cards: readonly { readonly type: string; readonly network: string; readonly mac: string }[];
}

interface Edit {
  readonly cpus?: number;
  readonly memory?: number;
  readonly annotation?: string;
  readonly extra?: Readonly<Record<string, string>>;
}

const python = '/usr/bin/python3';
// Seen from `dist/test/peers/vsphere/`.
const script = fileURLToPath(new URL('../../../../test/peers/vsphere/onlooker.py', import.meta.url));

/** Another hand at a simulated host, with a client library and a session that are not ours: `onlooker.py`. */
export class Onlooker implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  #before: Promise<unknown> = Promise.resolve();

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    this.#lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  }

  /** Rejects with AssetsMissing where the library is not installed. */
  static async open({ port, username, password }: Vcsim): Promise<Onlooker> {
    const child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'pipe'] });
    const complaint = text(child.stderr);
    child.stdin.on('error', () => {});
    const onlooker = new Onlooker(child);
    try {
      await onlooker.#ask({ host: '127.0.0.1', port, username, password });
      return onlooker;
    } catch {
      const said = await complaint;
      throw /No module named/.test(said) ? new AssetsMissing(`python3-pyvmomi is not installed: ${said.trim()}`) : new Error(said);
    }
  }

  machines(): Promise<readonly Native[]> {
    return this.#verb('machines');
  }

  async machine(name: string): Promise<Native | undefined> {
    return (await this.machines()).find((one) => one.name === name);
  }

  /** Keys of the sessions that the host keeps, but for this one. */
  sessions(): Promise<readonly string[]> {
    return this.#verb('sessions');
  }

  /** All that is stored on a datastore. */
  files(datastore: string): Promise<readonly string[]> {
    return this.#verb('files', { datastore });
  }

  power(name: string, verb: 'on' | 'off' | 'suspend'): Promise<void> {
    return this.#verb('power', { name, verb: verb });
  }

  rename(name: string, to: string): Promise<void> {
    return this.#verb('rename', { name, to });
  }

  reconfigure(name: string, edit: Edit): Promise<void> {
    return this.#verb('reconfigure', { name, ...edit });
  }

  unplug(name: string, kind: 'disks' | 'cards'): Promise<void> {
    return this.#verb('unplug', { name, kind });
  }

  unregister(name: string): Promise<void> {
    return this.#verb('unregister', { name });
  }

  /** With its disks, as vSphere does it; it is cut first. */
  destroy(name: string): Promise<void> {
    return this.#verb('destroy', { name });
  }

  /** A stranger's machine; gives its instanceUuid. */
  create(name: string, datastore: string, uuid?: string): Promise<string> {
    return this.#verb('create', { name, datastore, uuid });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.stdin.end();
    await gone;
  }

  #verb<T>(name: string, args: object = {}): Promise<T> {
    return this.#ask({ do: name, ...args });
  }

  /** One after the other: answers come in the order of the questions. */
  #ask<T>(request: object): Promise<T> {
    const answer = this.#before.then(async () => {
      this.#child.stdin.write(`${JSON.stringify(request)}\n`);
      const { value, done } = await this.#lines.next();
      if (done === true) throw new Error('the onlooker has left');
      const { ok, error } = JSON.parse(value) as { readonly ok: T; readonly error?: string };
      if (error !== undefined) throw new Error(`${JSON.stringify(request)}: ${error}`);
      return ok;
    });
    this.#before = answer.catch(() => {});
    return answer;
  }
}
