import { readFileSync } from 'node:fs';
import { loadAll } from 'js-yaml';
import { Registry } from 'prom-client';
import t from 'tap';
import { runAgent } from '#controllers/agent/agent.js';
import { runController } from '#controllers/cluster/controller.js';
import { type Client, createClient, loadKubeConfig, type RequestReport } from '#controllers/kubernetes/client.js';
import { createMetrics } from '#controllers/metrics.js';
import { systemClock } from '#drivers/fake/clock.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { noCredentials } from '#drivers/target.js';
import { condition, useWorld } from './world.js';

const rbac = new URL('../../../manifests/rbac.yaml', import.meta.url);
const namespace = 'virtwright-system';

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly rules?: readonly { readonly resources: readonly string[]; readonly verbs: readonly string[] }[];
}

/** `patch virtualmachines/status` and so on: all that the manifest gives to this account. */
function granted(account: string): readonly string[] {
  const manifests = loadAll(readFileSync(rbac, 'utf8')) as readonly Manifest[];
  const rules = manifests.filter(({ metadata }) => metadata.name === account).flatMap(({ rules = [] }) => rules);
  const rights = rules.flatMap(({ resources, verbs }) => resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)));
  return [...new Set(rights)].sort();
}

/** Somebody who may do only what the manifest says, with what was done and what was refused. */
class Account implements AsyncDisposable {
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
function running(work: (signal: AbortSignal) => Promise<void>): AsyncDisposable {
  const stop = new AbortController();
  const ended = Promise.allSettled([work(stop.signal)]);
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
    },
  };
}

const world = await useWorld(t);
await world.kubectl('apply', '--server-side', '-f', rbac.pathname);

async function accountOf(name: string): Promise<Account> {
  return new Account(await loadKubeConfig(await world.cluster.kubeconfigFor(`system:serviceaccount:${namespace}:${name}`)));
}

await t.test('controller and agent need all that manifests/rbac.yaml gives them, and no more', async (t) => {
  const [controller, agent] = [await accountOf('virtwright-controller'), await accountOf('virtwright-agent')];
  t.teardown(() => Promise.all([controller, agent].map((account) => account[Symbol.asyncDispose]())));
  const host = new FakeHost({ clock: systemClock });
  const troubles: string[] = [];
  const common = {
    namespace,
    identity: 'test',
    credentialKeys: () => noCredentials,
    metrics: createMetrics(new Registry()),
    onTrouble: (message: string, error: unknown) => void troubles.push(`${message}: ${error}`),
  };
  const hosts = { hypervisors: ['one'], cluster: 'test', connect: async () => fakeDriver(host) };
  await using _controller = running((until) => runController({ ...common, client: controller.client }, until));
  const runOnce = () => running((until) => runAgent({ ...common, ...hosts, client: agent.client }, until));
  const first = runOnce();

  await world.apply(
    { kind: 'Hypervisor', metadata: { name: 'one' }, spec: { uri: 'test:///default', defaultPoolRef: { name: 'fast' } } },
    { kind: 'StoragePool', metadata: { name: 'fast' }, spec: { directory: { path: '/pools/fast' } } },
    { kind: 'StorageVolume', metadata: { name: 'root', namespace: 'default' }, spec: { size: '1Gi', reclaimPolicy: 'Delete' } },
    {
      kind: 'VirtualMachine',
      metadata: { name: 'web', namespace: 'default' },
      spec: { memory: { size: '64Mi' }, disks: [{ name: 'root', volumeRef: { name: 'root' } }] },
    },
  );
  await world.until('VirtualMachine', 'web', (seen) => condition(seen, 'Ready')?.status === 'True');
  await world.apply({
    kind: 'VirtualMachineAction',
    metadata: { name: 'pause', namespace: 'default' },
    spec: { machineRef: { name: 'web' }, verb: 'Pause', ttlSecondsAfterFinished: 1 },
  });
  await world.untilGone('VirtualMachineAction', 'pause');
  await first[Symbol.asyncDispose]();
  await using _agent = runOnce();
  await world.delete('VirtualMachine', 'web');
  await world.untilGone('VirtualMachine', 'web');
  await world.until('StorageVolume', 'root', (seen) => seen.status?.claim === undefined);
  await world.delete('StorageVolume', 'root');
  await world.untilGone('StorageVolume', 'root');
  await world.delete('StoragePool', 'fast');
  await world.untilGone('StoragePool', 'fast');

  t.same([...controller.refused, ...agent.refused], [], `nothing was refused; troubles: ${troubles.join('; ')}`);
  // The controller speaks for a host only when its agent is silent; an event is patched when it happens again after a while.
  const rare = new Set(['patch hypervisors/status', 'patch events']);
  const superfluous = (name: string, { used }: Account) => granted(name).filter((right) => !used.has(right) && !rare.has(right));
  t.same(superfluous('virtwright-controller', controller), []);
  t.same(superfluous('virtwright-agent', agent), []);
});
