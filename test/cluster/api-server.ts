import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { skipWhereMissing } from '#test/peers/build.js';
import { findAssets } from './assets.js';
import { createAuthority, createSigningKey, issue, type KeyPair } from './certificates.js';
import { endChild, freePorts, startChild, waitUntil } from './process.js';

/** Which server the suites run on: ours, in a file that says so and then loads the suite. */
const isStandalone = process.env['VIRTWRIGHT_API_SERVER'] === 'standalone';

export interface ApiServerOptions {
  /** What the environment says, when absent. */
  readonly kind?: 'kube-apiserver' | 'standalone';
  /** etcd answers when a write is on disk, not before; ours always does. */
  readonly durable?: boolean;
  /** More arguments of kube-apiserver. */
  readonly args?: readonly string[];
}

export interface KubectlInput {
  readonly input: string;
}

export type KubectlArgs = readonly string[] | readonly [...string[], KubectlInput];

export interface KubectlResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

/** A real kube-apiserver with its own etcd, on loopback, RBAC on. No controller-manager: namespaces and owned objects are not collected. */
export interface ApiServer extends AsyncDisposable {
  /** Of an administrator. */
  readonly kubeconfigPath: string;
  readonly url: string;
  readonly folder: string;
  /** Where kubectl is. */
  readonly assets: string;
  /** Of the processes that it is made of now. */
  readonly pids: readonly number[];
  /** Owned objects go with their owner, as where a controller-manager runs. */
  readonly collects: boolean;
  /** Where etcd listens, without TLS; a standalone has none. */
  readonly etcdUrl?: string;
  /** `kubectl('apply', '-f', '-', { input: manifest })`: never rejects for what kubectl says. */
  kubectl(...args: KubectlArgs): Promise<KubectlResult>;
  /** The kubeconfig of somebody to whom only RBAC gives anything. */
  kubeconfigFor(user: string, groups?: readonly string[]): Promise<string>;
  /** Down and up in order: same address, same data. Also brings it up after `kill9`. */
  restart(): Promise<void>;
  /** The API server is gone at once and stays so until `restart`. etcd stays. */
  kill9(): Promise<void>;
  /** Freezes or thaws the API server: connections stay open, nothing answers. */
  freeze(frozen: boolean): void;
  /** All data is lost; up again at the same address with the same authority. */
  wipe(): Promise<void>;
  /** Forgets the history before this revision, as time does. */
  compact(resourceVersion: string): Promise<void>;
  stop(): Promise<void>;
}

export async function startApiServer(options: ApiServerOptions = {}): Promise<ApiServer> {
  const assets = await findAssets();
  const folder = await mkdtemp(join(tmpdir(), 'virtwright-apiserver-'));
  const server =
    options.kind === 'standalone' || (isStandalone && options.kind === undefined)
      ? new StandaloneServer(assets, folder, await freePorts(1))
      : new LocalApiServer(assets, folder, await freePorts(3), options);
  try {
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

interface Harness {
  plan(count: 0, reason: string): void;
  setTimeout(ms: number): void;
  teardown(run: () => Promise<void>): void;
}

/**
 * One API server for the whole test file, stopped at its end: `const cluster = await useCluster(t)` at the top.
 * Where it can neither be found nor built the file is skipped, unless CI is set.
 */
export async function useCluster(t: Harness, options: ApiServerOptions = {}): Promise<ApiServer> {
  t.setTimeout(30 * 60_000);
  try {
    const server = await startApiServer(options);
    t.teardown(() => server.stop());
    // Of a minute's work, beside others on a busy machine.
    t.setTimeout(15 * 60_000);
    return server;
  } catch (error) {
    skipWhereMissing(t, error);
  }
}

/** The kubectl in that folder. */
export async function runKubectl(assets: string, env: NodeJS.ProcessEnv, args: KubectlArgs): Promise<KubectlResult> {
  const given: readonly (string | KubectlInput)[] = args;
  const words = given.filter((arg) => typeof arg === 'string');
  const input = given.map((arg) => (typeof arg === 'string' ? '' : arg.input)).join('');
  const child = spawn(join(assets, 'kubectl'), words, { env: { PATH: process.env['PATH'], ...env }, stdio: 'pipe' });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { stdout, stderr, code };
}

/** What all of them have: clients with certificates of the authority in the folder. */
abstract class Served {
  readonly folder: string;
  readonly kubeconfigPath: string;
  readonly url: string;
  readonly assets: string;

  constructor(assets: string, folder: string, port: number) {
    this.assets = assets;
    this.folder = folder;
    this.kubeconfigPath = join(folder, 'admin.kubeconfig');
    this.url = `https://127.0.0.1:${port}`;
  }

  kubectl(...args: KubectlArgs): Promise<KubectlResult> {
    return runKubectl(this.assets, { HOME: this.folder, KUBECONFIG: this.kubeconfigPath, EDITOR: process.env['EDITOR'] }, args);
  }

  kubeconfigFor(user: string, groups: readonly string[] = []): Promise<string> {
    return this.writeKubeconfig(user.replaceAll(/[^\w.-]/g, '-'), `${groups.map((group) => `/O=${group}`).join('')}/CN=${user}`);
  }

  async writeKubeconfig(name: string, subject: string): Promise<string> {
    const path = this.file(`${name}.kubeconfig`);
    const pair = await issue(this.folder, name, subject, 'clientAuth');
    await writeFile(path, JSON.stringify(await kubeconfig(this.url, this.file('ca.crt'), pair)), { mode: 0o600 });
    return path;
  }

  file(name: string): string {
    return join(this.folder, name);
  }
}

/** Ours, as a process of its own. Whoever has a certificate may do everything. */
class StandaloneServer extends Served implements ApiServer {
  readonly collects = true;
  readonly #port: number;
  #child: ChildProcess | undefined;

  constructor(assets: string, folder: string, [port = 0]: readonly number[]) {
    super(assets, folder, port);
    this.#port = port;
  }

  get pids(): readonly number[] {
    return pidsOf(this.#child);
  }

  async start(): Promise<void> {
    // Seen from `dist/test/cluster/`.
    const main = fileURLToPath(new URL('../../controllers/main.js', import.meta.url));
    const args = [main, 'standalone', '--bare', '--data', this.folder, '--port', `${this.#port}`];
    const child = startChild(process.execPath, args, this.file('standalone.log'));
    this.#child = child;
    await waitUntil('standalone', () => readFile(this.file('standalone.log'), 'utf8').then((log) => log.includes(' is up')), child).catch(
      async (error: Error) => {
        throw new Error(`${error.message}\n${await readFile(this.file('standalone.log'), 'utf8')}`, { cause: error });
      },
    );
    await this.writeKubeconfig('admin', '/O=system:masters/CN=admin');
  }

  async restart(): Promise<void> {
    if (this.#child) await endChild(this.#child, 'SIGTERM');
    await this.#again();
  }

  async kill9(): Promise<void> {
    if (this.#child) await endChild(this.#child, 'SIGKILL');
  }

  freeze(frozen: boolean): void {
    this.#child?.kill(frozen ? 'SIGSTOP' : 'SIGCONT');
  }

  async wipe(): Promise<void> {
    await this.kill9();
    await Promise.all(['objects.mdb', 'objects.mdb-lock'].map((name) => rm(this.file(name), { recursive: true, force: true })));
    await this.#again();
  }

  /** A new process remembers nothing of before. */
  compact(): Promise<void> {
    return this.restart();
  }

  async stop(): Promise<void> {
    if (this.#child) await endChild(this.#child, 'SIGTERM');
    await rm(this.folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #again(): Promise<void> {
    await writeFile(this.file('standalone.log'), '');
    await this.start();
  }
}

class LocalApiServer extends Served implements ApiServer {
  readonly collects = false;
  readonly etcdUrl: string;
  readonly #port: number;
  readonly #peerUrl: string;
  readonly #options: ApiServerOptions;
  #etcd: ChildProcess | undefined;
  #apiServer: ChildProcess | undefined;

  constructor(assets: string, folder: string, [port = 0, etcdPort = 0, peerPort = 0]: readonly number[], options: ApiServerOptions) {
    super(assets, folder, port);
    this.#port = port;
    this.etcdUrl = `http://127.0.0.1:${etcdPort}`;
    this.#peerUrl = `http://127.0.0.1:${peerPort}`;
    this.#options = options;
  }

  get pids(): readonly number[] {
    return pidsOf(this.#etcd, this.#apiServer);
  }

  async start(): Promise<void> {
    await createAuthority(this.folder);
    await Promise.all([
      createSigningKey(this.folder, 'service-account'),
      issue(this.folder, 'server', '/CN=kube-apiserver', 'serverAuth'),
      this.writeKubeconfig('admin', '/O=system:masters/CN=admin'),
    ]);
    await this.#startEtcd();
    await this.#startApiServer();
  }

  async restart(): Promise<void> {
    if (this.#apiServer) await endChild(this.#apiServer, 'SIGTERM');
    await this.#startApiServer();
  }

  async kill9(): Promise<void> {
    if (this.#apiServer) await endChild(this.#apiServer, 'SIGKILL');
  }

  freeze(frozen: boolean): void {
    this.#apiServer?.kill(frozen ? 'SIGSTOP' : 'SIGCONT');
  }

  async wipe(): Promise<void> {
    await this.#killAll();
    await rm(this.file('etcd'), { recursive: true, force: true });
    await this.#startEtcd();
    await this.#startApiServer();
  }

  async compact(resourceVersion: string): Promise<void> {
    const body = JSON.stringify({ revision: resourceVersion, physical: true });
    const response = await fetch(`${this.etcdUrl}/v3/kv/compaction`, { method: 'POST', body });
    if (!response.ok) throw new Error(`etcd did not compact to ${resourceVersion}: ${await response.text()}`);
  }

  async stop(): Promise<void> {
    await this.#killAll();
    await rm(this.folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #startEtcd(): Promise<void> {
    await mkdir(this.file('etcd'), { recursive: true, mode: 0o700 });
    const child = startChild(join(this.assets, 'etcd'), this.#etcdArgs(), this.file('etcd.log'));
    this.#etcd = child;
    await waitUntil('etcd', () => answers(fetch(`${this.etcdUrl}/health`)), child);
  }

  #etcdArgs(): readonly string[] {
    return [
      `--data-dir=${this.file('etcd')}`,
      `--listen-client-urls=${this.etcdUrl}`,
      `--advertise-client-urls=${this.etcdUrl}`,
      `--listen-peer-urls=${this.#peerUrl}`,
      `--initial-advertise-peer-urls=${this.#peerUrl}`,
      `--initial-cluster=default=${this.#peerUrl}`,
      '--watch-progress-notify-interval=5s',
      ...(this.#options.durable === true ? [] : ['--unsafe-no-fsync']),
      '--log-level=error',
    ];
  }

  async #startApiServer(): Promise<void> {
    const child = startChild(join(this.assets, 'kube-apiserver'), this.#apiServerArgs(), this.file('kube-apiserver.log'));
    this.#apiServer = child;
    const ca = await readFile(this.file('ca.crt'));
    await waitUntil('kube-apiserver', () => isReady(this.url, ca), child).catch(async (error: Error) => {
      const log = await readFile(this.file('kube-apiserver.log'), 'utf8');
      throw new Error(`${error.message}\n${log.split('\n').slice(-10).join('\n')}`, { cause: error });
    });
  }

  #apiServerArgs(): readonly string[] {
    return [
      `--etcd-servers=${this.etcdUrl}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      `--secure-port=${this.#port}`,
      `--tls-cert-file=${this.file('server.crt')}`,
      `--tls-private-key-file=${this.file('server.key')}`,
      `--client-ca-file=${this.file('ca.crt')}`,
      `--service-account-issuer=${this.url}`,
      `--service-account-key-file=${this.file('service-account.pub')}`,
      `--service-account-signing-key-file=${this.file('service-account.key')}`,
      '--service-cluster-ip-range=10.0.0.0/24',
      '--authorization-mode=RBAC',
      '--disable-admission-plugins=ServiceAccount',
      '--endpoint-reconciler-type=none',
      '--shutdown-delay-duration=0s',
      ...(this.#options.args ?? []),
    ];
  }

  async #killAll(): Promise<void> {
    const children = [this.#apiServer, this.#etcd].filter((child) => child !== undefined);
    await Promise.all(children.map((child) => endChild(child, 'SIGKILL')));
  }
}

const pidsOf = (...children: readonly (ChildProcess | undefined)[]): readonly number[] =>
  children.flatMap((child) => (child?.pid === undefined ? [] : [child.pid]));

async function kubeconfig(server: string, caFile: string, pair: KeyPair): Promise<object> {
  const base64 = async (path: string): Promise<string> => (await readFile(path)).toString('base64');
  const user = { 'client-certificate-data': await base64(pair.cert), 'client-key-data': await base64(pair.key) };
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority-data': await base64(caFile) } }],
    users: [{ name: 'test', user }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace: 'default' } }],
  };
}

async function answers(response: Promise<Response>): Promise<boolean> {
  return response.then(
    ({ ok }) => ok,
    () => false,
  );
}

function isReady(url: string, ca: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    const asking = request(`${url}/readyz`, { ca, agent: false, timeout: 5_000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asking.on('timeout', () => asking.destroy(new Error('no answer')));
    asking.on('error', () => resolve(false));
    asking.end();
  });
}
