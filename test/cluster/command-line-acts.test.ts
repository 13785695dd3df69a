import t from 'tap';
import { systemClock } from '#drivers/fake/clock.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { runProgram } from './program.js';
import { until } from './until.js';
import { condition, useWorld } from './world.js';

const world = await useWorld(t);
t.setTimeout(10 * 60_000);
const kubeconfig = world.cluster.kubeconfigPath;
const run = (...argv: readonly string[]) => runProgram({ kubeconfig }, ...argv);

const host = new FakeHost({ clock: systemClock });
const operator = await world.start({ connect: async () => fakeDriver(host), hypervisors: ['one'] });
t.teardown(() => operator.stop());
const machine = (name: string, spec: object = {}) => ({
  kind: 'VirtualMachine',
  metadata: { name, namespace: 'default' },
  spec: { memory: { size: '64Mi' }, ...spec },
});
const disks = [{ name: 'root', volumeTemplate: { size: '1Gi' } }];
await world.apply(
  { kind: 'Hypervisor', metadata: { name: 'one' }, spec: { uri: 'test:///default', defaultPoolRef: { name: 'fast' } } },
  { kind: 'StoragePool', metadata: { name: 'fast' }, spec: { directory: { path: '/pools/fast' } } },
  machine('web', { disks }),
  machine('manual', { runStrategy: 'Manual' }),
);
for (const name of ['web', 'manual']) await world.until('VirtualMachine', name, (seen) => condition(seen, 'Ready')?.status === 'True');

await t.test('a verb is made an action, and followed to its end', async (t) => {
  const web = 'virtualmachine.virtwright.io/web';
  t.match(await run('restart', 'web'), { code: 0, out: `${web} restarted\n` });
  const bootId = (await world.get('VirtualMachine', 'web'))?.status?.run?.bootId;
  t.equal(bootId, '2');
  t.match(await run('pause', 'vm/web'), { code: 0, out: `${web} paused\n` });
  t.match(await run('resume', 'web'), { code: 0, out: `${web} resumed\n` });
  t.match(await run('reset', 'web'), { code: 0, out: `${web} reset\n` });
  t.match(await run('stop', 'web'), {
    code: 1,
    out: '',
    err: /web: not stopped: runStrategy Always would start it again; set it to Halted/,
  });
  t.match(await run('start', 'manual'), { code: 0, out: /manual started\n$/ });
  t.match(await run('stop', 'manual', '--mode', 'hard'), { code: 0, out: /manual stopped\n$/ });
  t.match(await run('start', 'nope', 'manual'), { code: 1, out: /manual started\n$/, err: /^there is no .*nope in namespace "default"$/m });
  t.match(await run('start', 'hv/one'), { code: 2, err: /"hv\/one" given, accepted is the name of a machine/ });
  const actions = JSON.parse((await run('get', 'vma', '-o', 'json')).out).items;
  t.match(actions[0].spec, { machineRef: { name: /web|manual/ }, ttlSecondsAfterFinished: 86_400 });
  t.equal(actions.length, 8);
});

await t.test('whoever may make actions may use the verbs, without a look at machines', async (t) => {
  const actor = await world.cluster.kubeconfigFor('actor');
  t.match(await runProgram({ kubeconfig: actor }, 'restart', 'web'), { code: 1, err: /web: .*(forbidden|not allowed|actor)/i });
  const rules = [{ apiGroups: ['virtwright.io'], resources: ['virtualmachineactions'], verbs: ['create', 'list', 'watch'] }];
  const subject = { kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'actor' };
  const rbac = 'rbac.authorization.k8s.io';
  await world.apply(
    { apiVersion: `${rbac}/v1`, kind: 'Role', metadata: { name: 'actor', namespace: 'default' }, rules },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'RoleBinding',
      metadata: { name: 'actor', namespace: 'default' },
      roleRef: { apiGroup: rbac, kind: 'Role', name: 'actor' },
      subjects: [subject],
    },
  );
  await until(async () => (await runProgram({ kubeconfig: actor }, 'restart', 'web')).code === 0);
});

await t.test('a description says how an object stands, what it is about, and what happened; and no secret', async (t) => {
  const { out } = await run('describe', 'vm', 'web');
  t.match(out, /^Name: +web\nNamespace: +default\nKind: +VirtualMachine /);
  t.match(out, /^Conditions:\n +TYPE +STATUS +FOR +REASON +MESSAGE\n +Ready +True /m);
  t.match(out, /^Related:\n[\s\S]*hypervisor.virtwright.io\/one +True[\s\S]*storagevolume.virtwright.io\/web-root +Ready/m);
  t.match(out, /^Events:\n +AGE +TYPE +REASON[\s\S]* Start +VirtualMachine\/web +/m);
  t.match((await run('describe', 'hv/one')).out, /default +virtualmachine.virtwright.io\/web +Running/);
  await world.apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'hush', namespace: 'default' },
    stringData: { password: 'sesame' },
  });
  const secret = await run('describe', 'secret', 'hush');
  t.match(secret.out, /password: 6 bytes/);
  t.notMatch(secret.out, /sesame|c2VzYW1l/);
  await world.apply(machine('told', { runStrategy: 'Halted', cloudInit: { userData: '#cloud-config\npassword: sesame\n' } }));
  t.notMatch((await run('describe', 'vm/told')).out, /sesame/);
  t.match(await run('events', 'vm/web'), { code: 0, out: /^AGE .*\n[\s\S]* Start +VirtualMachine\/web/ });
  t.match(await run('describe', 'vm', 'nope'), { code: 1, out: '', err: /^there is no .*nope/ });
});

await t.test('what others wrote is shown, and never obeyed by the terminal', async (t) => {
  const message = 'red \u001b[31m alert\r\u009b2J';
  const status = {
    conditions: [{ type: 'Ready', status: 'False', reason: 'Odd', message, lastTransitionTime: '2026-01-01T00:00:00Z' }],
    printableStatus: message,
  };
  await world.apply(machine('odd', { placement: { hypervisorRef: { name: 'elsewhere' } } }));
  await world.until('VirtualMachine', 'odd', (seen) => condition(seen, 'Ready') !== undefined);
  await world.kubectl('patch', 'vm', 'odd', '--subresource=status', '--type=merge', '-p', JSON.stringify({ status }));
  for (const argv of [
    ['get', 'vm'],
    ['get', 'vm/odd', '-o', 'json'],
    ['get', 'vm/odd', '-o', 'yaml'],
    ['get', 'vm/odd', '-o', 'jsonpath={.status}'],
    ['describe', 'vm/odd'],
    ['wait', 'vm/odd', '--timeout', '100ms'],
  ]) {
    const { out, err } = await run(...argv);
    t.notOk(
      ['\u001b', '\u009b', '\r'].some((one) => `${out}${err}`.includes(one)),
      argv.join(' '),
    );
  }
  await world.delete('VirtualMachine', 'odd');
});

await t.test('a deletion says what it waits for, and what stays', async (t) => {
  t.match(await run('delete', 'vm/web', '--dry-run', 'server'), {
    code: 0,
    out: /web deleted \(dry run.*\n {2}storagevolume.virtwright.io\/web-root stays/,
  });
  t.ok(await world.get('VirtualMachine', 'web'));
  const held = await run('delete', 'vol/web-root', '--timeout', '3s');
  t.match(held, { code: 1, out: '', err: /web-root: InUse: .*\n.*not gone within 3s, and the deletion goes on: InUse/ });
  t.match(await run('delete', 'vm', 'web', 'manual', 'told'), {
    code: 0,
    out: /virtualmachine.virtwright.io\/web deleted\n {2}storagevolume.virtwright.io\/web-root stays/,
  });
  await world.untilGone('StorageVolume', 'web-root');
  t.equal(host.directory('/pools/fast').size, 1, 'as its reclaimPolicy says, its content stays');
  t.match(await run('delete', 'vm', 'web'), { code: 1, err: /^there is no .*web/ });
  t.match(await run('delete', 'vm', 'web', '--ignore-not-found'), { code: 0, err: '' });
  t.match(await run('delete', 'vm'), { code: 2, err: /no name given/ });
});

await t.test('what stands in files is deleted in an order in which each can go', async (t) => {
  const input = ['Hypervisor', 'StoragePool', 'VirtualMachine']
    .map((kind) =>
      JSON.stringify({
        apiVersion: 'virtwright.io/v1alpha1',
        kind,
        metadata: { name: kind === 'Hypervisor' ? 'one' : kind === 'StoragePool' ? 'fast' : 'last' },
      }),
    )
    .join('\n---\n');
  await world.apply(machine('last'));
  await world.until('VirtualMachine', 'last', (seen) => condition(seen, 'Ready')?.status === 'True');
  t.match(await runProgram({ kubeconfig, input }, 'delete', '-f', '-'), {
    code: 0,
    out: /last deleted\n[\s\S]*fast deleted\n[\s\S]*one deleted\n/,
  });
  t.equal(host.machines.size, 0);
});
