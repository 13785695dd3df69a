import { readFileSync } from 'node:fs';
import { loadAll } from 'js-yaml';
import { Registry } from 'prom-client';
import t from 'tap';
import { openLine } from '#cli/session/client.js';
import { openSession } from '#cli/session/session.js';
import { runAgent } from '#controllers/agent/agent.js';
import { runController } from '#controllers/cluster/controller.js';
import { type Client, createClient, loadKubeConfig, type RequestReport } from '#controllers/kubernetes/client.js';
import { createMetrics } from '#controllers/metrics.js';
import { secrets } from '#controllers/secrets.js';
import { sessions } from '#crds/types.js';
import { Behind } from '#drivers/fake/behind.js';
import { systemClock } from '#drivers/fake/clock.js';
import { connectFake, fakeCredentialKeys, fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { noCredentials } from '#drivers/target.js';
import { Audit, neverMissed, type Role, takeAway } from './audit.js';
import { until } from './until.js';
import { condition, useWorld } from './world.js';

const files = ['rbac', 'own-hosts', 'rights-for-one-host'].map((name) => new URL(`../../../manifests/${name}.yaml`, import.meta.url));
const namespace = 'virtwright-system';

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

const audit = new Audit();
t.teardown(() => audit[Symbol.asyncDispose]());
const world = await useWorld(t, { args: audit.args });
for (const { pathname } of files) await world.kubectl('apply', '--server-side', '-f', pathname);
// Where no node says it, a right does: whose hosts these are.
const serve = { apiGroups: ['virtwright.io'], resources: ['hypervisors'], resourceNames: ['kvm4', 'one'], verbs: ['serve'] };
const serving = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'serving' }, rules: [serve] };
await world.kubectl('apply', '--server-side', '-f', '-', { input: JSON.stringify(serving) });
await world.kubectl('create', 'clusterrolebinding', 'serving', '--clusterrole=serving', `--serviceaccount=${namespace}:virtwright-agent`);

async function accountOf(name: string): Promise<Account> {
  return new Account(await loadKubeConfig(await world.cluster.kubeconfigFor(`system:serviceaccount:${namespace}:${name}`)));
}

/** Opens the console and leaves: the agent sees that the session goes. */
async function useOnce(machine: string): Promise<void> {
  const signal = AbortSignal.timeout(60_000);
  const session = await openSession(world.client, { namespace: 'default', machine, purpose: 'Console' }, signal);
  const line = await openLine(session.way, new URLSearchParams(), signal);
  line.destroy();
  await openSession(world.client, { namespace: 'default', volume: 'nobody', purpose: 'Upload' }, signal).catch(() => {});
  await until(async () => (await world.client.list(sessions, { namespace: 'default' }, signal)).items.length === 0);
}

/** A session of nobody, whose time is up. */
async function outlive(name: string): Promise<void> {
  const metadata = { name, namespace: 'default' };
  await world.apply({ kind: 'Session', metadata, spec: { purpose: 'Console', machineRef: { name }, certificateSHA256: '0'.repeat(64) } });
  await world.until('Session', name, (seen) => condition(seen, 'Ready')?.reason === 'NotFound');
  const patch = JSON.stringify({ status: { expiresAt: '2020-01-01T00:00:00Z' } });
  await world.kubectl('patch', 'session', name, '--subresource=status', '--type=merge', '-p', patch);
  await world.untilGone('Session', name);
}

/** Its agent starts it again each time, for the same reason: the second time, the event of the first counts up. */
async function offAndOn(name: string, host: FakeHost<typeof systemClock>): Promise<void> {
  const { metadata, status } = await world.until('VirtualMachine', name, (seen) => condition(seen, 'Ready')?.status === 'True');
  let boot = Number(status?.run?.bootId);
  for (let times = 0; times < 2; times++) {
    new Behind(host).destroy(metadata.uid);
    const next = `${++boot}`;
    await world.until('VirtualMachine', name, (seen) => condition(seen, 'Ready')?.status === 'True' && seen.status?.run?.bootId === next);
  }
}

/** The host is to be emptied, and is not, and once more: the controller says twice that the machine cannot leave. */
async function cannotLeave(machine: string, host: string): Promise<void> {
  for (const maintenance of ['Evacuate', 'None', 'Evacuate', 'None']) {
    await world.kubectl('patch', 'hypervisor', host, '--type=merge', '-p', JSON.stringify({ spec: { maintenance } }));
    const isToGo = maintenance === 'Evacuate';
    await world.until('VirtualMachine', machine, ({ status }) => (status?.evacuation?.reason !== undefined) === isToGo);
  }
}

const controller = await accountOf('virtwright-controller');
t.teardown(() => controller[Symbol.asyncDispose]());
const troubles: string[] = [];
const common = {
  namespace,
  identity: 'test',
  metrics: createMetrics(new Registry()),
  onTrouble: (message: string, error: unknown) => void troubles.push(`${message}: ${error}`),
};
// Of the right to serve a host a policy asks: see own-hosts.test.ts.
const rare = new Set(['serve hypervisors']);
const superfluous = (name: string, { used }: Account) => granted(name).filter((right) => !used.has(right) && !rare.has(right));

await t.test('the agent of one host reads the credentials of that host alone', async (t) => {
  await using agent = await accountOf('virtwright-agent-kvm3');
  await using other = await accountOf('virtwright-agent');
  const host = new FakeHost({ clock: systemClock });
  host.account = { username: 'robot', password: 'hush' };
  const drivers = { connect: connectFake(host), credentialKeys: () => fakeCredentialKeys };
  const run = (name: string, { client }: Account) =>
    running((until) => runAgent({ ...common, ...drivers, hypervisors: [name], cluster: 'test', client }, until));
  const hypervisor = (name: string, credentialsSecretName: string) => ({
    kind: 'Hypervisor',
    metadata: { name },
    spec: { uri: 'test:///default', credentialsSecretName },
  });
  await using _controller = running((until) => runController({ ...common, ...drivers, client: controller.client }, until));
  await using _agent = run('kvm3', agent);
  await using _other = run('kvm4', other);
  const secret = (password: string) => ({
    input: JSON.stringify({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'kvm', namespace },
      stringData: { username: 'robot', password },
    }),
  });
  await world.kubectl('apply', '--server-side', '-f', '-', secret('not yet'));
  await world.apply(hypervisor('kvm3', 'kvm'), hypervisor('kvm4', 'kvm'));
  await world.until('Hypervisor', 'kvm3', (seen) => condition(seen, 'Ready')?.reason === 'Denied');
  await world.kubectl('apply', '--server-side', '-f', '-', secret('hush'));
  await world.until('Hypervisor', 'kvm3', (seen) => condition(seen, 'Ready')?.status === 'True');
  const told = await world.until('Hypervisor', 'kvm4', (seen) => condition(seen, 'Ready')?.reason === 'CredentialsMissing');
  t.match(condition(told, 'Ready')?.message, /^the agent may not read Secret "virtwright-host-kvm4" .* give its account a Role for it/);

  await world.kubectl('create', 'secret', 'generic', 'told', '-n', 'default', '--from-literal=userData=hush');
  const machine = (name: string, spec: object) => ({
    kind: 'VirtualMachine',
    metadata: { name, namespace: 'default' },
    spec: { memory: { size: '64Mi' }, ...spec },
  });
  await world.apply(
    {
      kind: 'StoragePool',
      metadata: { name: 'system' },
      spec: { directory: { path: '/system' }, hypervisorSelector: { matchLabels: { told: 'here' } } },
    },
    {
      ...hypervisor('kvm3', 'kvm'),
      metadata: { name: 'kvm3', labels: { told: 'here' } },
      spec: { ...hypervisor('kvm3', 'kvm').spec, systemPoolRef: { name: 'system' } },
    },
    machine('told', {
      cloudInit: { userDataSecretRef: { name: 'told' } },
      devices: { graphics: { type: 'VNC' } },
      stop: { mode: 'Hard' },
      placement: { hypervisorRef: { name: 'kvm3' } },
    }),
  );
  await offAndOn('told', host);
  await until(() => agent.used.has('patch events'));

  t.same([...controller.refused, ...agent.refused], [], `nothing was refused; troubles: ${troubles.join('; ')}`);
  t.same([...other.refused], ['list secrets']);
  t.same(superfluous('virtwright-agent-kvm3', agent), []);
  const { client } = agent;
  const signal = AbortSignal.timeout(30_000);
  await t.rejects(client.get(secrets, { namespace: 'default', name: 'told' }, signal), { message: /Forbidden/ }, 'what tenants have');
  for (const name of ['kvm', 'virtwright-host-kvm4', 'virtwright-guests-kvm4']) {
    await t.rejects(client.get(secrets, { namespace, name }, signal), { message: /Forbidden/ }, `get ${name}`);
    await t.rejects(client.list(secrets, { namespace, fieldSelector: `metadata.name=${name}` }, signal), { message: /Forbidden/ });
  }
  await t.rejects(client.list(secrets, { namespace }, signal), { message: /Forbidden/ }, 'list them all');
  await t.rejects(
    controller.client.list(secrets, {}, signal),
    { message: /Forbidden/ },
    'the controller reads no other namespace but by name',
  );
  controller.refused.clear();
  await world.delete('VirtualMachine', 'told');
  await world.untilGone('VirtualMachine', 'told');
  await world.delete('StoragePool', 'system');
  await world.untilGone('StoragePool', 'system');
  for (const name of ['kvm3', 'kvm4']) await world.delete('Hypervisor', name);
  await until(async () => (await world.kubectl('get', 'secrets', '-n', namespace, '-o', 'name')).trim() === 'secret/kvm');
});

await t.test('controller and agent need all that manifests/rbac.yaml gives them, and no more', async (t) => {
  const agent = await accountOf('virtwright-agent');
  t.teardown(() => agent[Symbol.asyncDispose]());
  const host = new FakeHost({ clock: systemClock });
  const credentialKeys = () => noCredentials;
  const lease = { durationMs: 3_000, periodMs: 300 };
  const hosts = { hypervisors: ['one'], cluster: 'test', connect: async () => fakeDriver(host), credentialKeys, lease };
  await using _controller = running((until) => runController({ ...common, credentialKeys, client: controller.client }, until));
  new Behind(host).network('br-lan');
  const grants = [{ name: 'lan', namespaces: { from: 'All' }, networks: ['br-lan'] }];
  const runOnce = () => running((until) => runAgent({ ...common, ...hosts, client: agent.client }, until));
  const first = runOnce();

  await world.apply(
    { kind: 'Hypervisor', metadata: { name: 'one' }, spec: { uri: 'test:///default', defaultPoolRef: { name: 'fast' }, grants } },
    { kind: 'VirtualNetwork', metadata: { name: 'lan', namespace: 'default' }, spec: { existing: { name: 'br-lan' } } },
    { kind: 'StoragePool', metadata: { name: 'fast' }, spec: { directory: { path: '/pools/fast' } } },
    { kind: 'StorageVolume', metadata: { name: 'root', namespace: 'default' }, spec: { size: '1Gi', reclaimPolicy: 'Delete' } },
    {
      kind: 'VirtualMachine',
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        memory: { size: '64Mi' },
        devices: { serial: {} },
        disks: [
          { name: 'root', volumeRef: { name: 'root' } },
          { name: 'data', volumeTemplate: { size: '1Gi', whenDeleted: 'Delete' } },
        ],
        interfaces: [{ name: 'lan', networkRef: { name: 'lan' } }],
      },
    },
  );
  await world.until('VirtualNetwork', 'lan', (seen) => condition(seen, 'Ready')?.status === 'True');
  await world.until('VirtualMachine', 'web', (seen) => condition(seen, 'Ready')?.status === 'True');
  await world.apply({
    kind: 'VirtualMachineAction',
    metadata: { name: 'pause', namespace: 'default' },
    spec: { machineRef: { name: 'web' }, verb: 'Pause', ttlSecondsAfterFinished: 1 },
  });
  await world.untilGone('VirtualMachineAction', 'pause');
  await useOnce('web');
  await outlive('late');
  await offAndOn('web', host);
  await cannotLeave('web', 'one');
  await until(() => [controller, agent].every(({ used }) => used.has('patch events')));
  await world.apply({
    kind: 'VirtualMachineAction',
    metadata: { name: 'nobody', namespace: 'default' },
    spec: { machineRef: { name: 'nobody' }, verb: 'Pause' },
  });
  await world.until('VirtualMachineAction', 'nobody', (seen) => seen.status?.outcome === 'Failed');
  await first[Symbol.asyncDispose]();
  const isSilent = (seen: Parameters<typeof condition>[0]) => condition(seen, 'Ready')?.reason === 'AgentSilent';
  await world.until('VirtualNetworkInstance', 'lan.one', isSilent);
  await world.until('StoragePoolInstance', 'fast.one', isSilent);
  await using _agent = runOnce();
  await world.delete('VirtualMachine', 'web');
  await world.untilGone('VirtualMachine', 'web');
  await world.untilGone('StorageVolume', 'web-data');
  await world.until('StorageVolume', 'root', (seen) => seen.status?.claim === undefined);
  await world.delete('StorageVolume', 'root');
  await world.untilGone('StorageVolume', 'root');
  await world.apply({ kind: 'Hypervisor', metadata: { name: 'dead' }, spec: { uri: 'test:///dead' } });
  await world.until('StoragePoolInstance', 'fast.dead', () => true);
  await world.until('VirtualNetworkInstance', 'lan.dead', () => true);
  await world.kubectl('annotate', 'hypervisor', 'dead', 'virtwright.io/out-of-service=Fenced');
  await world.delete('VirtualNetwork', 'lan');
  await world.untilGone('VirtualNetwork', 'lan');
  await world.delete('StoragePool', 'fast');
  await world.untilGone('StoragePool', 'fast');

  t.same([...controller.refused, ...agent.refused], [], `nothing was refused; troubles: ${troubles.join('; ')}`);
  // Where owned objects are collected, the server may be faster than the controller.
  const spared = world.cluster.collects ? ['delete storagevolumes'] : [];
  t.same(
    superfluous('virtwright-controller', controller).filter((right) => !spared.includes(right)),
    [],
  );
  t.same(superfluous('virtwright-agent', agent), []);
});

const roles = files
  .flatMap((file) => loadAll(readFileSync(file, 'utf8')) as readonly Role[])
  .filter(({ kind }) => /^(Cluster)?Role$/.test(kind));
const prefix = `system:serviceaccount:${namespace}:`;

await t.test('each verb of each rule, taken away, would have been missed', { skip: world.cluster.collects }, async (t) => {
  const used = audit.used((user) => user.startsWith(prefix));
  t.same(await neverMissed(world.cluster, roles, used, rare), []);
  const more = { apiGroups: ['virtwright.io'], resources: ['storagepools'], verbs: ['delete'] };
  const [first] = roles;
  const tooMuch = { ...first, rules: [...(first?.rules ?? []), more] } as Role;
  t.same(
    await neverMissed(world.cluster, [tooMuch], used, rare),
    ['ClusterRole virtwright-controller: delete storagepools'],
    'one that nobody needs would be found',
  );
});

const missed = [
  ['virtwright-controller', 'patch', 'virtualmachines'],
  ['virtwright-controller', 'patch', 'virtualmachines/status'],
  ['virtwright-agent', 'patch', 'virtualmachines/status'],
  ['virtwright-agent', 'patch', 'virtualmachines'],
] as const;

await t.test('without a verb nothing comes to its end, and with it again all does', { skip: world.cluster.collects }, async (t) => {
  const agent = await accountOf('virtwright-agent');
  t.teardown(() => agent[Symbol.asyncDispose]());
  const credentialKeys = () => noCredentials;
  const host = new FakeHost({ clock: systemClock });
  const hosts = { hypervisors: ['one'], cluster: 'test', connect: async () => fakeDriver(host), credentialKeys };
  await using _controller = running((until) => runController({ ...common, credentialKeys, client: controller.client }, until));
  await using _agent = running((until) => runAgent({ ...common, ...hosts, client: agent.client }, until));
  for (const [at, [name, verb, resource]] of missed.entries()) {
    const role = roles.find(({ kind, metadata }) => kind === 'ClusterRole' && metadata.name === name);
    if (role === undefined) throw new Error(`no ClusterRole ${name}`);
    const machine = `without-${at}`;
    const account = name === 'virtwright-agent' ? agent : controller;
    account.refused.clear();
    {
      await using _less = await takeAway(world.cluster, role, verb, resource);
      await world.apply({
        kind: 'VirtualMachine',
        metadata: { name: machine, namespace: 'default' },
        spec: { memory: { size: '64Mi' }, stop: { mode: 'Hard' } },
      });
      if (resource === 'virtualmachines' && account === agent) await deleted(machine);
      await until(() => account.refused.has(`${verb} ${resource}`));
    }
    if (await world.get('VirtualMachine', machine).then((seen) => seen?.metadata.deletionTimestamp === undefined)) await deleted(machine);
    await world.untilGone('VirtualMachine', machine);
    t.pass(`${name}: ${verb} ${resource}`);
  }
});

/** Begun to be: once it has its host. */
async function deleted(machine: string): Promise<void> {
  await world.until('VirtualMachine', machine, (seen) => seen.status?.hypervisor === 'one');
  await world.delete('VirtualMachine', machine);
}
