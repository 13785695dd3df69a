import { PassThrough } from 'node:stream';
import t from 'tap';
import { openLine } from '#cli/session/client.js';
import { runConsole } from '#cli/session/console.js';
import { openSession } from '#cli/session/session.js';
import { createClient, loadKubeConfig } from '#controllers/kubernetes/client.js';
import { sessions } from '#crds/types.js';
import { systemClock } from '#drivers/fake/clock.js';
import { connectFake, fakeCredentialKeys } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { until } from './until.js';
import { condition, useWorld } from './world.js';

const world = await useWorld(t);
const host = new FakeHost({ clock: systemClock });
host.account = { username: 'robot', password: 'hush' };
const drivers = { connect: connectFake(host), credentialKeys: () => fakeCredentialKeys };
const soon = () => AbortSignal.timeout(60_000);

/** A terminal that hears what is shown, and whose owner types. */
function terminal() {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  let shown = '';
  stdout.on('data', (chunk) => {
    shown += chunk;
  });
  stderr.resume();
  return { stdin, stdout, stderr, shown: () => shown };
}

const clientOf = async (user: string) => createClient(await loadKubeConfig(await world.cluster.kubeconfigFor(user)));

/** Types a word, and gives what was shown until it came back. */
async function talk(user: string, machine = 'web', { word = 'hello', omitsHistory = false } = {}): Promise<string> {
  await using client = await clientOf(user);
  const { shown, ...streams } = terminal();
  streams.stdin.write(word);
  const ended = runConsole(client, { namespace: 'default', machine, omitsHistory }, streams, soon());
  await Promise.race([ended, until(() => shown().includes(word))]);
  streams.stdin.end();
  await ended;
  return shown();
}

const role = (user: string, ...rules: readonly object[]) => [
  { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: user, namespace: 'default' }, rules },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: user, namespace: 'default' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: user },
    subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: user }],
  },
];

const mayOpen = { apiGroups: ['virtwright.io'], resources: ['sessions'], verbs: ['create', 'get', 'delete'] };
const machine = (name: string, spec: object = {}) => ({
  kind: 'VirtualMachine',
  metadata: { name, namespace: 'default' },
  spec: { memory: { size: '64Mi' }, devices: { serial: {} }, ...spec },
});
const left = async () => (await world.client.list(sessions, { namespace: 'default' }, soon())).items.map(({ metadata }) => metadata.name);

const operator = await world.start({ ...drivers, hypervisors: ['one'] });
t.teardown(() => operator.stop());
await world.apply(
  {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'kvm3', namespace: 'default' },
    stringData: { username: 'robot', password: 'hush' },
  },
  ...role('ann', mayOpen),
  ...role('ben', { apiGroups: ['virtwright.io'], resources: ['virtualmachines'], verbs: ['get'] }),
  {
    kind: 'Hypervisor',
    metadata: { name: 'one' },
    spec: { uri: 'test:///default', credentialsSecretName: 'kvm3', systemPoolRef: { name: 'system' } },
  },
  { kind: 'StoragePool', metadata: { name: 'system' }, spec: { directory: { path: '/system' } } },
  machine('web'),
  machine('mute', { devices: {} }),
  machine('off', { runStrategy: 'Halted' }),
);
for (const name of ['web', 'mute', 'off']) await world.until('VirtualMachine', name, (seen) => condition(seen, 'Ready')?.status === 'True');

await t.test('who may make sessions, and nothing else, has the console of a host that asks for credentials', async (t) => {
  t.match(await talk('ann'), /hello/);
  const again = await talk('ann', 'web', { word: 'again' });
  t.equal(again, 'default.web booted\nhelloagain', 'as often as wanted, with what was said before');
  t.equal(await talk('ann', 'web', { omitsHistory: true }), 'hello', 'or without');
  await until(async () => (await left()).length === 0);
  const events = async () => await world.kubectl('get', 'events', '--field-selector=involvedObject.name=web', '-o', 'wide');
  await until(async () => /ConsoleOpened.*session web-console-[0-9a-f]{8} was opened from 127\.0\.0\.1/.test(await events()));
});

await t.test('who may not is told what to ask for', async (t) => {
  await t.rejects(talk('ben'), { name: 'Failure', message: /may not make Sessions in namespace "default": ask for the right to create/ });
});

await t.test('what has no console says why, at once, and leaves nothing behind', async (t) => {
  await t.rejects(talk('ann', 'off'), { message: 'machine "off" is off; start it' });
  await t.rejects(talk('ann', 'mute'), { message: /no serial console; give it one with spec\.devices\.serial/ });
  await t.rejects(talk('ann', 'nobody'), { message: 'there is no machine "nobody" in namespace "default"' });
  t.same(await left(), []);
});

await t.test('a session shows nothing secret, opens to its maker alone, and once; deleted, it ends', async (t) => {
  await using client = await clientOf('ann');
  const wanted = { namespace: 'default', machine: 'web', purpose: 'Console' } as const;
  await using mine = await openSession(client, wanted, soon());
  await using theirs = await openSession(world.client, wanted, soon());
  const [name = ''] = (await left()).filter((one) => one.startsWith('web-console-'));
  const seen = await world.kubectl('get', 'session', name, '-o', 'yaml');
  t.notMatch(seen, /PRIVATE KEY|BEGIN/);
  t.match(seen, /certificateSHA256: [0-9a-f]{64}[\s\S]*address: 127\.0\.0\.1:\d+/);
  await t.rejects(openLine({ ...mine.way, identity: theirs.way.identity }, new URLSearchParams(), soon()), { message: /no such session/ });
  const line = await openLine(mine.way, new URLSearchParams(), soon());
  line.on('error', () => {});
  await t.rejects(openLine(mine.way, new URLSearchParams(), soon()), { message: /somebody came in by it already/ });
  t.ok((await left()).length === 2, 'what is in use stays');
  const closed = new Promise((resolve) => line.resume().once('close', resolve));
  await mine[Symbol.asyncDispose]();
  await closed;
});

await t.test('a session whose time is up opens to nobody, and is gone', async (t) => {
  await using unused = await openSession(world.client, { namespace: 'default', machine: 'web', purpose: 'Console' }, soon());
  const [name = ''] = await left();
  const status = { expiresAt: new Date(Date.now() - 1_000).toISOString() };
  await world.kubectl('patch', 'session', name, '--subresource=status', '--type=merge', '-p', JSON.stringify({ status }));
  await until(async () => (await left()).length === 0);
  await t.rejects(openLine(unused.way, new URLSearchParams(), soon()), { message: /closed the connection/ });
});

await t.test('what a machine said goes with it', async (t) => {
  const kept = () => [...host.directory('/system').keys()].filter((name) => name.includes('.web-')).sort();
  t.match(kept(), [/\.console$/, /\.seed-/]);
  await world.delete('VirtualMachine', 'web');
  await world.untilGone('VirtualMachine', 'web');
  t.same(kept(), []);
  await world.apply(machine('web'));
  await world.until('VirtualMachine', 'web', (seen) => condition(seen, 'Ready')?.status === 'True');
});

await t.test('the console ends with its machine', async (t) => {
  await using client = await clientOf('ann');
  const { shown, ...streams } = terminal();
  streams.stdin.write('hello');
  const ended = runConsole(client, { namespace: 'default', machine: 'web' }, streams, soon());
  await until(() => shown().includes('hello'));
  await world.apply({
    kind: 'VirtualMachineAction',
    metadata: { name: 'again', namespace: 'default' },
    spec: { machineRef: { name: 'web' }, verb: 'Restart', mode: 'Hard' },
  });
  await ended;
  t.pass('it ended');
});

await t.test('a host that lets nobody in any more opens none, and says so', async (t) => {
  await world.kubectl('delete', 'secret', 'kvm3');
  await world.until('Hypervisor', 'one', (seen) => condition(seen, 'Ready')?.reason === 'CredentialsMissing');
  await t.rejects(talk('ann'), { message: /^host one is not reached: there is no Secret "kvm3"/ });
  t.same(
    operator.troubles.filter((one) => /^(Session|ending session)/.test(one)),
    [],
  );
});
