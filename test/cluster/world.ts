import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Registry } from 'prom-client';
import { type AgentOptions, runAgent } from '#controllers/agent/agent.js';
import type { Pace } from '#controllers/agent/host.js';
import { runController } from '#controllers/cluster/controller.js';
import type { RequestReport } from '#controllers/kubernetes/client.js';
import { type Client, createClient, loadKubeConfig } from '#controllers/kubernetes/client.js';
import type { ObjectRef } from '#controllers/kubernetes/resource.js';
import { createMetrics, type Metrics } from '#controllers/metrics.js';
import { crdFolder } from '#crds/schema.js';
import type { Kinds } from '#crds/types.js';
import { rehearse } from '#drivers/connect.js';
import { type Connect, type Drivers, noCredentials } from '#drivers/target.js';
import { type ApiServer, type KubectlArgs, useCluster } from './api-server.js';
import { resources } from './kinds.js';
import { until } from './until.js';

export interface OperatorOptions {
  readonly connect: Connect;
  /** None for any URI when absent. */
  readonly credentialKeys?: Drivers['credentialKeys'];
  readonly hypervisors: readonly string[];
  readonly cluster?: string;
  /** Its own. */
  readonly namespace?: string;
  readonly pace?: Partial<Pace>;
  readonly lease?: AgentOptions['lease'];
  /** By which the API server is reached instead of its own. */
  readonly port?: number;
  /** Which halves run; both when absent. */
  readonly only?: 'controller' | 'agent';
  readonly identity?: string;
  /** How often tenants' Secrets are read again. */
  readonly guestSecrets?: { readonly lookMs: number };
}

export interface Running extends AsyncDisposable {
  readonly metrics: Metrics;
  /** Requests that changed something, as `apply virtualmachines`. */
  readonly writes: readonly string[];
  /** What went wrong and was tried again. */
  readonly troubles: readonly string[];
  stop(): Promise<void>;
}

/** A real API server with the CRDs in it, and the operator in this process as often as it is started. */
export class World {
  readonly cluster: ApiServer;
  readonly client: Client;

  constructor(cluster: ApiServer, client: Client) {
    this.cluster = cluster;
    this.client = client;
  }

  /** Applies manifests and fails with kubectl's words. */
  async apply(...manifests: readonly object[]): Promise<void> {
    const list = {
      apiVersion: 'v1',
      kind: 'List',
      items: manifests.map((manifest) => ({ apiVersion: 'virtwright.io/v1alpha1', ...manifest })),
    };
    await this.kubectl('apply', '--server-side', '-f', '-', { input: JSON.stringify(list) });
  }

  async kubectl(...args: KubectlArgs): Promise<string> {
    const { code, stdout, stderr } = await this.cluster.kubectl(...args);
    if (code !== 0) throw new Error(`kubectl ${args.filter((one) => typeof one === 'string').join(' ')}: ${stderr}`);
    return stdout;
  }

  async installCrds(): Promise<void> {
    await this.kubectl('apply', '--server-side', '-f', fileURLToPath(crdFolder));
    const names = Object.values(resources).map(({ plural, group }) => `${plural}.${group}`);
    await this.kubectl('wait', '--for=condition=Established', '--timeout=180s', ...names.map((name) => `crd/${name}`));
    // Established is said before they are served, and before clients are told of them.
    await until(async () => (await this.cluster.kubectl('get', names.join(), '--all-namespaces')).code === 0);
  }

  async get<K extends keyof Kinds>(kind: K, name: string, namespace = 'default'): Promise<Kinds[K] | undefined> {
    const resource = resources[kind];
    const ref: ObjectRef = resource.namespaced ? { namespace, name } : { name };
    try {
      return (await this.client.get(resource, ref, AbortSignal.timeout(30_000))) as unknown as Kinds[K];
    } catch (reason) {
      if (reason instanceof Error && 'reason' in reason && reason.reason === 'NotFound') return undefined;
      throw reason;
    }
  }

  /** The object once it is as told; fails after two minutes with what it was instead. */
  async until<K extends keyof Kinds>(
    kind: K,
    name: string,
    isSo: (object: Kinds[K]) => boolean,
    { namespace = 'default', timeoutMs = 120_000 } = {},
  ): Promise<Kinds[K]> {
    let seen: Kinds[K] | undefined;
    for (const end = Date.now() + timeoutMs; Date.now() < end; await sleep(40)) {
      seen = await this.get(kind, name, namespace).catch(() => undefined);
      if (seen !== undefined && isSo(seen)) return seen;
    }
    throw new Error(`${kind} ${name} never was as expected; it is ${JSON.stringify(seen?.status ?? seen)}`);
  }

  async untilGone(kind: keyof Kinds, name: string, namespace = 'default'): Promise<void> {
    for (const end = Date.now() + 120_000; Date.now() < end; await sleep(40))
      if ((await this.get(kind, name, namespace)) === undefined) return;
    throw new Error(`${kind} ${name} never went away; it is ${JSON.stringify(await this.get(kind, name, namespace))}`);
  }

  async delete(kind: keyof Kinds, name: string, namespace = 'default'): Promise<void> {
    const resource = resources[kind];
    await this.client.delete(resource, resource.namespaced ? { namespace, name } : { name }, {}, AbortSignal.timeout(60_000));
  }

  /** One after the other: each is deleted once the one before is gone. */
  async remove(kind: keyof Kinds, ...names: readonly string[]): Promise<void> {
    for (const name of names) {
      await this.delete(kind, name);
      await this.untilGone(kind, name);
    }
  }

  async start({ connect, credentialKeys = () => noCredentials, hypervisors: names, ...options }: OperatorOptions): Promise<Running> {
    const { cluster = 'test', namespace = 'default', pace, lease, port, only, identity = 'test', guestSecrets } = options;
    const stop = new AbortController();
    const writes: string[] = [];
    const troubles: string[] = [];
    const onRequest = ({ verb, resource, code }: RequestReport) => {
      if (['create', 'patch', 'apply', 'delete'].includes(verb) && !['events', 'leases', 'namespaces'].includes(resource))
        writes.push(`${verb} ${resource} ${code}`);
    };
    const connection = await loadKubeConfig(this.cluster.kubeconfigPath);
    const server = port === undefined ? connection.server : new URL(`https://127.0.0.1:${port}`);
    const client = createClient({ ...connection, server }, { onRequest });
    const metrics = createMetrics(new Registry());
    const onTrouble = (message: string, error: unknown) =>
      void troubles.push(`${message}: ${error instanceof Error ? (error.stack ?? error.message) : error}`);
    const common = { client, namespace, identity, credentialKeys, metrics, onTrouble };
    const ended = Promise.allSettled([
      ...(only === 'agent' ? [] : [runController({ ...common, ...(guestSecrets && { guestSecrets }) }, stop.signal)]),
      ...(only === 'controller'
        ? []
        : [
            runAgent(
              { ...common, hypervisors: names, cluster, connect, rehearse, ...(pace && { pace }), ...(lease && { lease }) },
              stop.signal,
            ),
          ]),
    ]);
    const end = async () => {
      stop.abort();
      await ended;
      await client[Symbol.asyncDispose]();
    };
    return { metrics, writes, troubles, stop: end, [Symbol.asyncDispose]: end };
  }
}

export async function useWorld(...given: Parameters<typeof useCluster>): Promise<World> {
  const [t] = given;
  const cluster = await useCluster(...given);
  const client = createClient(await loadKubeConfig(cluster.kubeconfigPath));
  t.teardown(async () => client[Symbol.asyncDispose]());
  const world = new World(cluster, client);
  await world.installCrds();
  return world;
}

export const condition = (object: { readonly status?: { readonly conditions?: readonly { readonly type: string }[] } }, type: string) =>
  object.status?.conditions?.find((one) => one.type === type) as
    | { readonly status: string; readonly reason: string; readonly message: string }
    | undefined;
