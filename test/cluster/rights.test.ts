import t from 'tap';
import { runAgent } from '#controllers/agent/agent.js';
import { runController } from '#controllers/cluster/controller.js';
import { secrets } from '#controllers/secrets.js';
import { Behind } from '#drivers/fake/behind.js';
import { systemClock } from '#drivers/fake/clock.js';
import { connectFake, fakeCredentialKeys, fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { noCredentials } from '#drivers/target.js';
import { neverMissed, type Role } from './audit.js';
import { type Account, namespace, rare, roles, running, superfluous, useRights } from './rights.js';
import { cannotLeave, offAndOn, outlive, useOnce } from './rights-acts.js';
import { until } from './until.js';
import { condition } from './world.js';

const { audit, world, accountOf, controller, common, troubles } = await useRights(t);

await t.test('the agent of one host reads the credentials of that host alone', async (t) => {
  const agent = await accountOf('virtwright-agent-kvm3');
  const other = await accountOf('virtwright-agent');
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
  await offAndOn(world, 'told', host);
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
  await useOnce(world, 'web');
  await outlive(world, 'late');
  await offAndOn(world, 'web', host);
  await cannotLeave(world, 'web', 'one');
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
