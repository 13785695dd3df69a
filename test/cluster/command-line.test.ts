import { once } from 'node:events';
import { createInterface } from 'node:readline';
import * as yaml from 'js-yaml';
import t from 'tap';
import { systemClock } from '#drivers/fake/clock.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { runProgram, startProgram } from './program.js';
import { condition, useWorld } from './world.js';

const world = await useWorld(t);
const kubeconfig = world.cluster.kubeconfigPath;
const run = (...argv: readonly string[]) => runProgram({ kubeconfig }, ...argv);
const apply = (input: string, ...argv: readonly string[]) => runProgram({ kubeconfig, input }, 'apply', '-f', '-', ...argv);

const host = new FakeHost({ clock: systemClock });
const operator = await world.start({ connect: async () => fakeDriver(host), hypervisors: ['one'] });
t.teardown(() => operator.stop());

const basics = `
apiVersion: virtwright.io/v1alpha1
kind: VirtualMachine
metadata: { name: web, namespace: default, labels: { app: shop } }
spec:
  memory: { size: 64Mi }
  disks: [{ name: root, volumeTemplate: { size: 1Gi } }]
---
apiVersion: v1
kind: List
items:
  - apiVersion: virtwright.io/v1alpha1
    kind: Hypervisor
    metadata: { name: one }
    spec: { uri: "test:///default", defaultPoolRef: { name: fast } }
  - apiVersion: virtwright.io/v1alpha1
    kind: StoragePool
    metadata: { name: fast }
    spec: { directory: { path: /pools/fast } }
---
`;

await t.test('what files say is applied in any order, waited for, and shown', async (t) => {
  t.match(await apply(basics, '--dry-run', 'server'), {
    code: 0,
    err: '',
    out: /^virtualmachine.virtwright.io\/web created \(dry run: nothing was changed\)\nhypervisor/,
  });
  t.equal(await world.get('VirtualMachine', 'web'), undefined);
  const created = ['virtualmachine.virtwright.io/web', 'hypervisor.virtwright.io/one', 'storagepool.virtwright.io/fast'];
  t.same(await apply(basics), { code: 0, err: '', out: created.map((name) => `${name} created\n`).join('') });
  t.match(await run('wait', 'vm/web'), { code: 0, out: 'virtualmachine.virtwright.io/web condition met\n' });
  t.match(await apply(basics), { code: 0, out: /web unchanged\n.*one unchanged\n.*fast unchanged\n$/s });
  t.match(await run('get', 'vm'), { code: 0, err: '', out: /^NAME +STATUS +READY +HOST +AGE\nweb +Running +True +one +\d+s\n$/ });
  t.match(await run('get', 'virtualmachines', 'web', '-A', '-o', 'wide'), { code: 2, out: '' });
  t.match(await run('get', 'vm', '-Aowide', '--show-labels'), {
    out: /^NAMESPACE +NAME .* UUID +NATIVE NAME +LABELS\ndefault +web .*default\.web +app=shop\n$/,
  });
  t.match(await run('get', 'vm,vol', '-l', 'app=shop', '-o', 'name'), { out: 'virtualmachine.virtwright.io/web\n' });
  t.match(await run('get', 'vm/web', 'hv/one', '-o', 'name'), { out: 'virtualmachine.virtwright.io/web\nhypervisor.virtwright.io/one\n' });
  t.match(await run('get', 'virtwright', '--no-headers'), {
    out: /^hypervisor.virtwright.io\/one .*\n\n[\s\S]*storagevolume.virtwright.io\/web-root +Ready/,
  });
  const [json, text] = [await run('get', 'vm/web', '-o', 'json'), await run('get', 'vm/web', '-o=yaml')];
  t.same(JSON.parse(json.out), yaml.load(text.out));
  t.match(JSON.parse(json.out), { apiVersion: 'virtwright.io/v1alpha1', kind: 'VirtualMachine', status: { hypervisor: 'one' } });
  t.match(JSON.parse((await run('get', 'vm', '-ojson')).out), { kind: 'List', items: [{ metadata: { name: 'web' } }] });
  const ready = `jsonpath={.status.conditions[?(@.type=="Ready")].status}`;
  t.same(await run('get', 'vm', 'web', '-o', ready), { code: 0, out: 'True\n', err: '' });
});

await t.test('what is not there, or not understood, is named', async (t) => {
  t.same(await run('get', 'vm', 'web', 'wbe', '-o', 'name'), {
    code: 1,
    out: 'virtualmachine.virtwright.io/web\n',
    err: 'there is no virtualmachine.virtwright.io/wbe in namespace "default"\n',
  });
  t.same(await run('get', 'vm', 'wbe', '--ignore-not-found'), { code: 0, out: '', err: '' });
  t.same(await run('get', 'vm', '-n', 'elsewhere'), { code: 0, out: '', err: 'nothing found in namespace "elsewhere"\n' });
  t.match(await run('get', 'vmm'), { code: 2, out: '', err: /^virtwright: the server has no kind "vmm"; did you mean "vma"\?\n/ });
  t.match(await run('get', 'vm', '-o', 'jsno'), { code: 2, err: /accepted: table, wide, json, yaml, name, .*did you mean "json"\?/ });
  t.match(await run('get', 'vm', '--context', 'nope'), { code: 1, err: /has no context "nope"; it has: test\n$/ });
});

await t.test('of several objects those that are refused are named with file, document and field, and the others are applied', async (t) => {
  const bad = `
apiVersion: virtwright.io/v1alpha1
kind: VirtualMachine
metadata: { name: odd }
spec: { memory: { size: 64Qi }, cpu: { count: 0 } }
---
apiVersion: virtwright.io/v1alpha1
kind: VirtualMachine
metadata: { name: slip }
spec: { memory: { size: 64Mi }, runStratgy: Halted }
---
apiVersion: virtwright.io/v1
kind: VirtualMachine
metadata: { name: old }
---
apiVersion: virtwright.io/v1alpha1
kind: VirtualMachine
metadata: { name: good }
spec: { memory: { size: 64Mi }, runStrategy: Halted }
`;
  const { code, out, err } = await apply(bad);
  t.same([code, out], [1, 'virtualmachine.virtwright.io/good created\n']);
  t.match(
    err,
    /^standard input, document 1: VirtualMachine "odd":\n {2}spec\.cpu\.count: Invalid value: 0.*\n {2}spec\.memory\.size: Invalid value: "64Qi"/m,
  );
  t.match(err, /^standard input, document 2: VirtualMachine "slip": .*runStratgy/m);
  t.match(
    err,
    /^standard input, document 3: VirtualMachine "old": the server has no kind .*accepted is VirtualMachine in virtwright.io\/v1alpha1$/m,
  );
  await apply('{apiVersion: v1, kind: ConfigMap, metadata: {name: both, namespace: default}, data: {a: "1"}}');
  const kubectl = { input: '{apiVersion: v1, kind: ConfigMap, metadata: {name: both, namespace: default}, data: {a: "2"}}' };
  await world.kubectl('apply', '--server-side', '--force-conflicts', '-f', '-', kubectl);
  const changed = '{apiVersion: v1, kind: ConfigMap, metadata: {name: both, namespace: default}, data: {a: "3"}}';
  t.match(await apply(changed), {
    code: 1,
    err: /\.data\.a.*\n {2}leave these fields to them, or take them over with --force-conflicts\n$/s,
  });
  t.match(await apply(changed, '--force-conflicts'), { code: 0, out: 'configmap/both configured\n' });
});

await t.test('a wait says what is waited for, and when the time is over', async (t) => {
  await apply(`
apiVersion: virtwright.io/v1alpha1
kind: VirtualMachine
metadata: { name: lost }
spec: { memory: { size: 64Mi }, placement: { hypervisorRef: { name: nowhere } } }
`);
  await world.until('VirtualMachine', 'lost', (seen) => condition(seen, 'Ready') !== undefined);
  const { code, out, err } = await run('wait', 'vm/lost', 'vm/web', '--timeout', '2s');
  t.same([code, out], [1, 'virtualmachine.virtwright.io/web condition met\n']);
  t.match(err, /^virtualmachine.virtwright.io\/lost: NoHypervisor: .*"nowhere".*\n.*lost: not within 2s: NoHypervisor: .*"nowhere"/m);
  t.match(await run('wait', 'vm/web', '--for', 'jsonpath={.status.power.state}=Running'), { code: 0 });
  t.match(await run('wait', 'vm', 'nope'), { code: 1, err: /^there is no .*nope/ });
  t.match(await run('wait', 'vm/web', '--for', 'readiness'), { code: 2 });
});

await t.test('what changes is shown until interrupted, and a closed pipe ends it quietly', async (t) => {
  const { child, ended } = startProgram({ kubeconfig }, 'get', 'vm', 'good', '-w');
  if (child.stdout === null) throw new Error('no output');
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  t.match((await lines.next()).value, /^NAME +/);
  t.match((await lines.next()).value, /^good +/);
  await world.kubectl('label', 'vm', 'good', 'a=b');
  t.match((await lines.next()).value, /^good +/);
  child.kill('SIGINT');
  t.match(await ended, { code: 130, err: '' });
  const piped = startProgram({ kubeconfig }, 'get', 'vm', 'good', '-w');
  piped.ended.catch(() => {});
  piped.child.stdout?.once('data', () => piped.child.stdout?.destroy());
  const label = async (): Promise<void> => {
    for (let n = 0; piped.child.exitCode === null; n++) await world.kubectl('label', '--overwrite', 'vm', 'good', `a=b${n}`);
  };
  const [, [code]] = await Promise.all([label(), once(piped.child, 'exit')]);
  t.equal(code, 0);
});
