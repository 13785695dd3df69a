import { type ChildProcess, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { Credentials } from '#drivers/target.js';
import { createAuthority, issue, type KeyPair } from '#test/cluster/certificates.js';
import { buildPeer, skipWhereMissing } from '#test/peers/build.js';

export interface VcsimOptions {
  readonly mode: 'esx' | 'vcenter';
  /** Per resource pool, running from the start. None when left out. */
  readonly machines?: number;
  /** `LocalDS_0` and so on, on every host. One when left out. */
  readonly datastores?: number;
  /** How long every task takes. */
  readonly taskMillis?: number;
}

/** A simulated ESX host or vCenter on loopback, with a certificate and a user of its own. Gone with this process, however it ends. */
export interface Vcsim extends AsyncDisposable {
  readonly port: number;
  readonly username: string;
  readonly password: string;
  /** The authority that issued its certificate, in PEM form. */
  readonly ca: string;
  /** Of its certificate, in hexadecimal with colons. */
  readonly sha256: string;
  /** Its certificate and key, for a server that stands in its place. */
  readonly pair: KeyPair;
  /** Where its datastores' files are; removed by `stop`. */
  readonly folder: string;
  /** Freezes or thaws it: connections stay open, nothing answers. */
  freeze(frozen: boolean): void;
  stop(): Promise<void>;
}

/** As a Secret's keys and values are given to a driver. */
export function credentialsOf(secret: Readonly<Record<string, string>>): Credentials {
  return new Credentials(Object.entries(secret).map(([key, value]) => [key, Buffer.from(value)]));
}

/** Everything that XML would have to escape. */
const password = `it's <a> & "b" ]]> ü`;

export async function startVcsim(options: VcsimOptions): Promise<Vcsim> {
  const assets = await buildPeer('vsphere');
  const folder = await mkdtemp(join(tmpdir(), 'vw-vcsim-'));
  try {
    await createAuthority(folder);
    return await start(join(assets, 'vcsim'), folder, await issue(folder, 'server', '/CN=vcsim', 'serverAuth'), options);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

interface Harness {
  plan(count: 0, reason: string): void;
  setTimeout(ms: number): void;
  teardown(run: () => Promise<void>): void;
}

/** One simulator for the whole test file, stopped at its end. Where it cannot be built the file is skipped, unless CI is set. */
export async function useVcsim(t: Harness, options: VcsimOptions): Promise<Vcsim> {
  t.setTimeout(10 * 60_000);
  try {
    const vcsim = await startVcsim(options);
    t.teardown(() => vcsim.stop());
    t.setTimeout(5 * 60_000);
    return vcsim;
  } catch (error) {
    skipWhereMissing(t, error);
  }
}

async function start(command: string, folder: string, pair: KeyPair, options: VcsimOptions): Promise<Vcsim> {
  const env = { PATH: process.env['PATH'], TMPDIR: folder, VCSIM_PASSWORD: password };
  const child = spawn(command, argumentsOf(pair, options), { env, stdio: ['pipe', 'pipe', 'pipe'] });
  const complaint = text(child.stderr);
  const [line] = (await Promise.race([once(createInterface(child.stdout), 'line'), once(child, 'exit').then(() => [])])) as [string?];
  if (line === undefined) throw new Error(`vcsim does not start: ${await complaint}`);
  const [ca, cert] = await Promise.all([readFile(join(folder, 'ca.crt'), 'utf8'), readFile(pair.cert)]);
  return {
    port: Number(line),
    username: options.mode === 'esx' ? 'root' : 'administrator@vsphere.local',
    password,
    ca,
    sha256: new X509Certificate(cert).fingerprint256,
    pair,
    folder,
    freeze: (frozen) => void child.kill(frozen ? 'SIGSTOP' : 'SIGCONT'),
    stop: () => stop(child, folder),
    [Symbol.asyncDispose]: () => stop(child, folder),
  };
}

function argumentsOf(pair: KeyPair, { mode, machines = 0, datastores = 1, taskMillis = 0 }: VcsimOptions): readonly string[] {
  const user = mode === 'esx' ? 'root' : 'administrator@vsphere.local';
  const files = ['-cert', pair.cert, '-key', pair.key];
  const counts = ['-machines', `${machines}`, '-datastores', `${datastores}`, '-task-millis', `${taskMillis}`];
  return ['-mode', mode, '-user', user, ...files, ...counts];
}

/** It leaves with its input; one that is frozen cannot. */
async function stop(child: ChildProcess, folder: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
  await rm(folder, { recursive: true, force: true });
}
