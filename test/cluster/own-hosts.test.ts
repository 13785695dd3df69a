import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { type Client, createClient, loadKubeConfig } from '#controllers/kubernetes/client.js';
import { leases } from '#controllers/kubernetes/lease.js';
import type { Resource } from '#controllers/kubernetes/resource.js';
import {
  hypervisors,
  sessions,
  storagePoolInstances,
  storageVolumes,
  virtualMachineActions,
  virtualMachines,
  virtualNetworkInstances,
} from '#crds/types.js';
import { until } from './until.js';
import { useWorld } from './world.js';

const namespace = 'virtwright-system';
const account = (name: string) => `system:serviceaccount:${namespace}:${name}`;
const world = await useWorld(t);
const { cluster } = world;
for (const name of ['rbac', 'own-hosts', 'rights-for-one-host'])
  await world.kubectl('apply', '--server-side', '-f', fileURLToPath(new URL(`../../../manifests/${name}.yaml`, import.meta.url)));

const signal = AbortSignal.timeout(5 * 60_000);
async function clientOf(t: Pick<Test, 'teardown'>, path: string): Promise<Client> {
  const client = createClient(await loadKubeConfig(path));
  t.teardown(() => client[Symbol.asyncDispose]());
  return client;
}

/** One object of each kind on the host, as the controller and people make them; `spec` differs by host. */
const bound = (host: string) =>
  [
    [virtualMachines, { memory: { size: '64Mi' } }],
    [storageVolumes, { size: '1Gi' }],
    [virtualMachineActions, { machineRef: { name: host }, verb: 'Pause' }],
    [sessions, { purpose: 'Console', machineRef: { name: host }, certificateSHA256: 'ab'.repeat(32) }],
  ] as const satisfies readonly (readonly [Resource, object])[];
const instances = (host: string) =>
  [
    [storagePoolInstances, { poolRef: { name: 'fast' }, hypervisor: host }],
    [virtualNetworkInstances, { networkRef: { name: 'lan' }, hypervisor: host }],
  ] as const satisfies readonly (readonly [Resource, object])[];
const placed = ({ namespaced }: Resource, name: string) => ({ name, ...(namespaced ? { namespace: 'default' } : {}) });

for (const host of ['kvm3', 'kvm4']) {
  await world.apply({ kind: 'Hypervisor', metadata: { name: host }, spec: { uri: 'test:///default' } });
  for (const [resource, spec] of [...bound(host), ...instances(host)]) {
    const metadata = {
      ...placed(resource, host),
      finalizers: ['virtwright.io/host'],
      annotations: { 'virtwright.io/bound': `${host}/uid` },
    };
    await world.client.create(resource, { metadata, spec }, signal);
  }
  for (const [resource] of bound(host))
    await world.client.applyStatus(resource, { metadata: placed(resource, host), status: { hypervisor: host } }, { force: true }, signal);
  await world.client.create(leases, { metadata: { namespace, name: `virtwright-agent-${host}` }, spec: { holderIdentity: host } }, signal);
}
await world.client.create(leases, { metadata: { namespace, name: 'virtwright-controller' }, spec: { holderIdentity: 'leader' } }, signal);
await world.apply({ kind: 'VirtualMachine', metadata: { name: 'unbound', namespace: 'default' }, spec: { memory: { size: '64Mi' } } });

/** Status as agents write it: whole, under the field manager that all have. */
const says = (client: Client, resource: Resource, name: string, host: string) =>
  client.applyStatus(resource, { metadata: placed(resource, name), status: { hypervisor: host } }, { force: true }, signal);
const tells = (client: Client, resource: Resource, name: string) =>
  client.applyStatus(
    resource,
    {
      metadata: placed(resource, name),
      status: {
        conditions: [{ type: 'Ready', status: 'True', reason: 'Ready', message: 'is well', lastTransitionTime: '2026-01-01T00:00:00Z' }],
      },
    },
    { force: true },
    signal,
  );
const lets = (
  client: Client,
  resource: Resource,
  name: string,
  patch: Readonly<Record<string, unknown>> = { metadata: { finalizers: null } },
) => client.mergePatch(resource, placed(resource, name), patch, {}, signal);
const renews = (client: Client, name: string) =>
  client.mergePatch(leases, { namespace, name }, { spec: { holderIdentity: 'me' } }, {}, signal);

/** What an agent of `own` may do, and may not do to `other`. */
async function narrowed(t: Test, client: Client, own: string, other: string): Promise<void> {
  // A policy counts some time after it is made.
  await until(() =>
    tells(client, hypervisors, other).then(
      () => false,
      () => true,
    ),
  );
  const denied = { message: /an agent writes of its own hosts alone/ };
  for (const [resource] of bound(own)) {
    await t.resolves(says(client, resource, own, own), `${resource.kind} of its own`);
    await t.rejects(says(client, resource, other, other), denied, `${resource.kind} of another`);
  }
  for (const resource of [hypervisors, ...instances(own).map(([one]) => one)]) {
    await t.resolves(tells(client, resource, own), `${resource.kind} of its own`);
    await t.rejects(tells(client, resource, other), denied, `${resource.kind} of another`);
  }
  await t.rejects(says(client, virtualMachines, 'unbound', own), denied, 'what has no host is not taken');
  await t.rejects(says(client, virtualMachines, own, other), { message: /does not give away/ });
  await t.rejects(says(client, storageVolumes, own, other), { message: /does not give away/ });
  await t.rejects(lets(client, virtualMachines, other), denied);
  await t.rejects(lets(client, storagePoolInstances, other), denied);
  await t.rejects(lets(client, virtualMachines, own, { spec: { memory: { size: '8Gi' } } }), { message: /does not change what was asked/ });
  await t.rejects(lets(client, virtualMachines, own, { metadata: { annotations: { 'virtwright.io/take-over': 'All' } } }), {
    message: /changes finalizers, and nothing else/,
  });
  await t.rejects(lets(client, storageVolumes, own, { metadata: { labels: { team: 'mine' } } }), { message: /finalizers, and nothing/ });
  for (const resource of [virtualMachineActions, sessions])
    await t.rejects(client.delete(resource, placed(resource, other), {}, signal), denied, `delete ${resource.kind} of another`);
  await t.resolves(renews(client, `virtwright-agent-${own}`));
  await t.rejects(renews(client, `virtwright-agent-${other}`), denied, 'nor is it alive for another');
  await t.rejects(renews(client, 'virtwright-controller'), denied, 'nor does it lead');
  await t.rejects(client.create(leases, { metadata: { namespace, name: 'virtwright-webhook' }, spec: {} }, signal), denied);
  for (const [resource] of [...bound(own).slice(0, 2), ...instances(own)]) await t.resolves(lets(client, resource, own), resource.kind);
  for (const resource of [virtualMachineActions, sessions])
    await t.resolves(client.delete(resource, placed(resource, own), {}, signal), `delete ${resource.kind}`);
}

t.test('an agent writes of its own hosts alone, and no word of what people asked for', async (t) => {
  const client = await clientOf(t, await cluster.kubeconfigFor(account('virtwright-agent-kvm3')));
  await narrowed(t, client, 'kvm3', 'kvm4');
});

t.test('an agent on a node serves the Hypervisor of that node, as its token says', { skip: cluster.collects }, async (t) => {
  const spec = { nodeName: 'kvm4', serviceAccountName: 'virtwright-agent', containers: [{ name: 'agent', image: 'none' }] };
  await world.kubectl('create', '-f', '-', {
    input: JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'agent-kvm4', namespace }, spec }),
  });
  const tokenOf = async (...args: readonly string[]) => {
    const token = await world.kubectl('create', 'token', 'virtwright-agent', '-n', namespace, ...args);
    const kubeconfig = JSON.parse(await readFile(cluster.kubeconfigPath, 'utf8')) as object;
    const path = `${cluster.folder}/token-${args.length}.kubeconfig`;
    return { path, text: JSON.stringify({ ...kubeconfig, users: [{ name: 'test', user: { token: token.trim() } }] }) };
  };
  const connect = async (...args: readonly string[]) => {
    const { path, text } = await tokenOf(...args);
    await writeFile(path, text, { mode: 0o600 });
    return clientOf(t, path);
  };
  await narrowed(t, await connect('--bound-object-kind=Pod', '--bound-object-name=agent-kvm4'), 'kvm4', 'kvm3');
  const nobodys = await connect();
  await t.rejects(tells(nobodys, hypervisors, 'kvm4'), { message: /serves no such Hypervisor/ }, 'a token of no pod');
});

t.test('who is no agent is not narrowed', async (t) => {
  const controller = await clientOf(t, await cluster.kubeconfigFor(account('virtwright-controller')));
  await t.resolves(says(controller, virtualMachines, 'unbound', 'kvm3'));
});
