import { readFileSync } from 'node:fs';
import { loadAll } from 'js-yaml';
import { Registry } from 'prom-client';
import { type Client, createClient, loadKubeConfig, type RequestReport } from '#controllers/kubernetes/client.js';
import { createMetrics } from '#controllers/metrics.js';
import { Audit, type Role } from './audit.js';
import { useWorld, type World } from './world.js';

const files = ['rbac', 'own-hosts', 'rights-for-one-host'].map((name) => new URL(`../../../manifests/${name}.yaml`, import.meta.url));
export const namespace = 'virtwright-system';

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly rules?: readonly { readonly resources: readonly string[]; readonly verbs: readonly string[] }[];
}

/** `patch virtualmachines/status` and so on: all that the manifest gives to this account. */
function granted(account: string): readonly string[] {
  const manifests = files.flatMap((file) => loadAll(readFileSync(file, 'utf8'))) as readonly Manifest[];
  const rules = manifests.filter(({ metadata }) => metadata.name === account).flatMap(({ rules = [] }) => rules);
  const rights = rules.flatMap(({ resources, verbs }) => resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)));
  return [...new Set(rights)].sort();
}

/** Somebody who may do only what the manifest says, with what was done and what was refused. */
export class Account implements AsyncDisposable {
  readonly client: Client;
  readonly used = new Set<string>();
  readonly refused = new Set<string>();

  constructor(connection: Parameters<typeof createClient>[0]) {
    this.client = createClient(connection, { onRequest: (request) => this.#note(request) });
  }

  #note({ verb, resource, code }: RequestReport): void {
    const right = verb === 'apply' ? `patch ${resource}/status` : `${verb} ${resource}`;
    if (code === 403) this.refused.add(right);
    else this.used.add(right);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]();
  }
}

/** Runs until it is disposed of. */
export function running(work: (signal: AbortSignal) => Promise<void>): AsyncDisposable {
  const stop = new AbortController();
  const ended = Promise.allSettled([work(stop.signal)]);
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
    },
  };
}

/** All roles that the manifests give. */
export const roles = files
  .flatMap((file) => loadAll(readFileSync(file, 'utf8')) as readonly Role[])
  .filter(({ kind }) => /^(Cluster)?Role$/.test(kind));

// Of the right to serve a host a policy asks: see own-hosts.test.ts.
export const rare: ReadonlySet<string> = new Set(['serve hypervisors']);
export const superfluous = (name: string, { used }: Account): readonly string[] =>
  granted(name).filter((right) => !used.has(right) && !rare.has(right));

/** A real API server in which everybody may do what the manifests say and nothing else. */
export async function useRights(t: Parameters<typeof useWorld>[0]) {
  const audit = new Audit();
  t.teardown(() => audit[Symbol.asyncDispose]());
  const world = await useWorld(t, { args: audit.args });
  for (const { pathname } of files) await world.kubectl('apply', '--server-side', '-f', pathname);
  await letServe(world);
  const accountOf = async (name: string): Promise<Account> => {
    const user = `system:serviceaccount:${namespace}:${name}`;
    const account = new Account(await loadKubeConfig(await world.cluster.kubeconfigFor(user)));
    t.teardown(() => account[Symbol.asyncDispose]());
    return account;
  };
  const troubles: string[] = [];
  const common = {
    namespace,
    identity: 'test',
    metrics: createMetrics(new Registry()),
    onTrouble: (message: string, error: unknown) => void troubles.push(`${message}: ${error}`),
  };
  return { audit, world, accountOf, controller: await accountOf('virtwright-controller'), common, troubles };
}

/** Where no node says it, a right does: whose hosts these are. */
async function letServe(world: World): Promise<void> {
  const serve = { apiGroups: ['virtwright.io'], resources: ['hypervisors'], resourceNames: ['kvm4', 'one'], verbs: ['serve'] };
  const serving = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'serving' }, rules: [serve] };
  await world.kubectl('apply', '--server-side', '-f', '-', { input: JSON.stringify(serving) });
  await world.kubectl('create', 'clusterrolebinding', 'serving', '--clusterrole=serving', `--serviceaccount=${namespace}:virtwright-agent`);
}
