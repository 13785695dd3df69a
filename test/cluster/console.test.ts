import t from 'tap';
import { Complaint } from '#cli/complaint.js';
import { consoleCommand } from '#controllers/console.js';
import { systemClock } from '#drivers/fake/clock.js';
import { connectFake, fakeCredentialKeys } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { condition, useWorld } from './world.js';

const world = await useWorld(t);
const host = new FakeHost({ clock: systemClock });
host.account = { username: 'robot', password: 'hush' };
const drivers = { connect: connectFake(host), credentialKeys: () => fakeCredentialKeys };

/** Types `hello`, and gives what was shown until it came back. */
async function talk(user: string): Promise<string> {
  const ended = new AbortController();
  let shown = '';
  const output = {
    write(bytes: Uint8Array) {
      shown += Buffer.from(bytes);
      if (shown.includes('hello')) ended.abort();
    },
  };
  const input = (async function* () {
    yield Buffer.from('hello');
    await new Promise(() => {});
  })();
  const flags = { kubeconfig: await world.cluster.kubeconfigFor(user), 'operator-namespace': 'default' };
  await consoleCommand(flags, ['web'], drivers, { input, output }, AbortSignal.any([ended.signal, AbortSignal.timeout(30_000)]));
  return shown;
}

const rule = (apiGroup: string, resources: string, ...names: readonly string[]) => ({
  apiGroups: [apiGroup],
  resources: [resources],
  verbs: ['get'],
  ...(names.length === 0 ? {} : { resourceNames: names }),
});

/** ClusterRole and binding for one user. */
const allow = (user: string, ...rules: readonly object[]) => [
  { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: user }, rules },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: user },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: user },
    subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: user }],
  },
];

await t.test('the console of a host that asks for credentials opens to who may read them, and tells the others', async (t) => {
  await using _operator = await world.start({ ...drivers, hypervisors: ['one'] });
  const machines = [rule('virtwright.io', 'virtualmachines'), rule('virtwright.io', 'hypervisors')];
  await world.apply(
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'kvm3', namespace: 'default' },
      stringData: { username: 'robot', password: 'hush' },
    },
    ...allow('ann', ...machines, rule('', 'secrets', 'virtwright-host-one')),
    ...allow('ben', ...machines),
    { kind: 'Hypervisor', metadata: { name: 'one' }, spec: { uri: 'test:///default', credentialsSecretName: 'kvm3' } },
    {
      kind: 'VirtualMachine',
      metadata: { name: 'web', namespace: 'default' },
      spec: { memory: { size: '64Mi' }, devices: { serial: {} } },
    },
  );
  await world.until('VirtualMachine', 'web', (seen) => condition(seen, 'Ready')?.status === 'True');
  t.match(await talk('ann'), /hello/);
  await t.rejects(talk('ben'), {
    constructor: Complaint,
    message:
      /^the console is reached through host "one" itself, and you may not read .* get Secret "virtwright-host-one" in namespace "default"$/,
  });
  await world.kubectl('delete', 'secret', 'kvm3');
  await world.until('Hypervisor', 'one', (seen) => condition(seen, 'Ready')?.reason === 'CredentialsMissing');
  await t.rejects(talk('ann'), { message: /^host "one": there is no Secret "kvm3" in namespace "default" with keys/ });
});
