import { once } from 'node:events';
import { hostname } from 'node:os';
import { Registry } from 'prom-client';
import { Complaint, Failure } from '#cli/complaint.js';
import { cannotListen, isListenError } from '#cli/listening.js';
import { ownVersion } from '#cli/version.js';
import type { Drivers } from '#drivers/target.js';
import { Sight } from './admission/sight.js';
import { runWebhook } from './admission/webhook.js';
import { type AgentOptions, runAgent, type SessionsAt } from './agent/agent.js';
import type { ClusterWatches } from './binder.js';
import { runController } from './cluster/controller.js';
import { Health } from './health.js';
import { claimIdentity } from './identity.js';
import { ApiError, type Client, type Connection, createClient, loadKubeConfig } from './kubernetes/client.js';
import { type Served, serve } from './kubernetes/serve.js';
import { createLog, type Log } from './log.js';
import { createMetrics, type Metrics } from './metrics.js';
import { namespaces, operatorNamespace } from './namespaces.js';
import { describeProgram } from './program-metrics.js';

export interface Flags {
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  readonly namespace?: string | undefined;
  readonly hypervisor?: readonly string[] | undefined;
  readonly 'cluster-name'?: string | undefined;
  readonly identity?: string | undefined;
  readonly listen?: string | undefined;
  readonly sessions?: string | undefined;
  readonly 'sessions-address'?: string | undefined;
  readonly webhook?: string | undefined;
  readonly 'webhook-certificate-given'?: boolean | undefined;
  readonly data?: string | undefined;
  readonly port?: string | undefined;
  readonly bare?: boolean | undefined;
  readonly 'sealing-key'?: string | undefined;
  readonly 'renew-sealing-key'?: boolean | undefined;
  readonly 'drop-secrets'?: boolean | undefined;
}

interface Program {
  readonly client: Client;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly namespace: string;
  readonly identity: string;
  readonly onTrouble: (message: string, error: unknown) => void;
  readonly onWatching: (synced: Promise<unknown>) => void;
}

export async function controllerCommand(flags: Flags, { credentialKeys }: Drivers, signal: AbortSignal): Promise<void> {
  const at = flags.webhook === undefined ? undefined : address(flags.webhook, '--webhook');
  const work = async (program: Program): Promise<void> => {
    if (at === undefined) return runController({ ...program, credentialKeys }, signal);
    const sight = new Sight(program, signal);
    const webhook = runWebhook({ ...program, ...at, isGiven: flags['webhook-certificate-given'] === true, sight }, signal);
    const onWatched: OnWatched = (watched, leading) => sight.follow(watched, leading);
    await Promise.all([runController({ ...program, credentialKeys, onWatched }, signal), webhook]);
  };
  await withProgram(flags, work, signal);
}

export async function agentCommand(flags: Flags, drivers: Drivers, signal: AbortSignal): Promise<void> {
  const hosts = hostsOf(flags);
  await withProgram(flags, (program) => runAgent({ ...program, ...hosts, ...drivers }, signal), signal);
}

export const operatorCommand = (flags: Flags, drivers: Drivers, signal: AbortSignal): Promise<void> =>
  runOperator(flags, drivers, () => {}, signal);

/** `onWatched` is told of everything that there is, for as long as the controller leads. */
export async function runOperator(flags: Flags, drivers: Drivers, onWatched: OnWatched, signal: AbortSignal): Promise<void> {
  const hosts = hostsOf(flags);
  const work = async (program: Program): Promise<void> => {
    const both = { ...program, ...hosts, ...drivers, onWatched };
    await Promise.all([runController(both, signal), runAgent(both, signal)]);
  };
  await withProgram(flags, work, signal);
}

type OnWatched = (watched: ClusterWatches, leading: AbortSignal) => void;

/** Whom an agent works for, and where people reach it. */
function hostsOf(flags: Flags): Pick<AgentOptions, 'hypervisors' | 'cluster' | 'sessions'> {
  const hypervisors = [...new Set(flags.hypervisor ?? [])];
  if (hypervisors.length === 0) throw new Complaint('no hypervisor given: name those to work for with --hypervisor NAME, once for each');
  const sessions = sessionsAt(flags);
  return { hypervisors, cluster: flags['cluster-name'] ?? 'default', ...(sessions === undefined ? {} : { sessions }) };
}

function sessionsAt({ sessions, 'sessions-address': announced }: Flags): SessionsAt | undefined {
  if (sessions === undefined && announced === undefined) return undefined;
  const listened = address(sessions ?? '0', '--sessions');
  if (announced !== undefined && !/^.+:\d{1,5}$/.test(announced))
    throw new Complaint(`--sessions-address: "${announced}" given, accepted is what clients connect to, as kvm3.example.org:7444`);
  if (announced === undefined && /^(0\.0\.0\.0|\[?::\]?|)$/.test(listened.host))
    throw new Complaint(
      `--sessions: "${sessions}" given, which is every address of this machine; say with --sessions-address which one clients are to use`,
    );
  return { ...listened, announced };
}

/** Everything a command needs, and its end: what stops on a signal has stopped in good order. */
async function withProgram(flags: Flags, work: (program: Program) => Promise<void>, signal: AbortSignal): Promise<void> {
  const log = createLog(process.stderr);
  const health = new Health();
  const metrics = followed(createMetrics(new Registry()), health);
  describeProgram(metrics.registry, await ownVersion());
  const connection = await loadKubeConfig(flags.kubeconfig, flags.context).catch((reason: Error) => {
    throw new Failure(reason.message);
  });
  await using client = createClient(shown(connection, metrics), { onRequest: metrics.onRequest });
  await using _served = flags.listen === undefined ? undefined : await listen(flags.listen, metrics, health);
  const namespace = flags.namespace ?? operatorNamespace;
  const onTrouble = (message: string, error: unknown) => log.warn(message, error);
  await ensureNamespace(client, namespace, log, signal);
  await refuseOldServer(client, signal);
  log.info('started', { server: connection.server.origin });
  try {
    const onWatching = (synced: Promise<unknown>) => health.watching(synced);
    const name = flags.identity ?? hostname();
    await using identity = await claimIdentity(name, [connection.server.origin, namespace, ...[...(flags.hypervisor ?? [])].sort()]);
    await work({ client, metrics, log, namespace, identity: identity.name, onTrouble, onWatching });
  } catch (reason) {
    if (signal.aborted) return void log.info('stopped');
    throw isListenError(reason instanceof Error ? reason.cause : undefined)
      ? new Complaint((reason as Error).message, { cause: reason })
      : reason;
  }
  log.info('stopped');
}

/** The credentials that the API server is shown are told of. */
const shown = (connection: Connection, metrics: Metrics): Connection => ({
  ...connection,
  async credentials() {
    const credentials = await connection.credentials();
    const { headers, tls } = credentials;
    if (tls.cert !== undefined) metrics.showing('client', tls.cert);
    else metrics.showingToken(headers['Authorization'] ?? '');
    return credentials;
  },
});

/** Health hears what the metrics hear. */
const followed = (metrics: Metrics, health: Health): Metrics => ({
  ...metrics,
  onRequest: (request) => {
    health.requested(request);
    metrics.onRequest(request);
  },
  queue: (name) => health.following(name, metrics.queue(name)),
});

function listen(text: string, { registry }: Metrics, health: Health): Promise<Served> {
  const at = address(text, '--listen');
  const notReady = () => health.notReady();
  const notHealthy = () => health.notHealthy();
  return serve({ ...at, metrics: registry, notReady, notHealthy }).catch((cause: Error) => {
    throw new Complaint(cannotListen('--listen', `${at.host}:${at.port}`, cause), { cause });
  });
}

/** Made if it may be made; whoever installs with fewer rights has made it already. Waits for an API server that is not up yet. */
async function ensureNamespace(client: Client, name: string, log: Log, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await client.create(namespaces, { metadata: { name } }, signal);
      return;
    } catch (reason) {
      if (!(reason instanceof ApiError)) throw reason;
      if (reason.reason !== 'Unavailable' && reason.reason !== 'TooManyRequests') return;
      log.warn('waiting for the API server', reason);
      await Promise.race([new Promise((resolve) => setTimeout(resolve, 2_000)), once(signal, 'abort')]);
      signal.throwIfAborted();
    }
  }
}

/** Older ones do not know selectable fields of custom resources: an agent would be shown every host's machines. */
async function refuseOldServer(client: Client, signal: AbortSignal): Promise<void> {
  const version = await client.version(signal);
  const [, major = '0', minor = '0'] = /^v(\d+)\.(\d+)/.exec(version) ?? [];
  if (Number(major) > 1 || Number(minor) >= 32) return;
  throw new Complaint(`the API server is Kubernetes ${version}; accepted is 1.32 or newer`);
}

function address(text: string, flag: string): { readonly host: string; readonly port: number } {
  const [, host, port] = /^(?:(.*):)?(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined || Number(port) > 65_535)
    throw new Complaint(`${flag}: "${text}" given, accepted is an address as 127.0.0.1:9090, or a port for loopback alone`);
  return { host: host?.replace(/^\[(.*)\]$/, '$1') ?? '127.0.0.1', port: Number(port) };
}
