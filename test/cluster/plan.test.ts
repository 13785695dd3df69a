import fc from 'fast-check';
import t, { type Test } from 'tap';
import { discover } from '#cli/server/discovery.js';
import { byServer } from '#controllers/by-server.js';
import { createClient, loadKubeConfig } from '#controllers/kubernetes/client.js';
import { foretell } from '#controllers/server-plan/foretell.js';
import { systemClock } from '#drivers/fake/clock.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { runProgram } from './program.js';
import { until } from './until.js';
import { condition, useWorld } from './world.js';

const world = await useWorld(t);
const kubeconfig = world.cluster.kubeconfigPath;
const hosts = { one: new FakeHost({ clock: systemClock }), two: new FakeHost({ clock: systemClock }) };
const operatorNamespace = 'virtwright-system';
await world.kubectl('create', 'namespace', operatorNamespace);
const operator = await world.start({
  connect: async ({ uri }) => fakeDriver(uri.endsWith('one') ? hosts.one : hosts.two),
  hypervisors: ['one', 'two'],
  namespace: operatorNamespace,
});
t.teardown(() => operator.stop());
t.setTimeout(10 * 60_000);

// As the program does it.
const client = createClient(await loadKubeConfig(kubeconfig), { fieldManager: 'virtwright-cli' });
t.teardown(async () => client[Symbol.asyncDispose]());
const discovery = await discover(client, AbortSignal.timeout(60_000));
const api = { client, namespace: 'default', discovery: async () => discovery, [Symbol.asyncDispose]: async () => {} };

const apiVersion = 'virtwright.io/v1alpha1';
const space = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } };
const hypervisor = (name: string, spec: object = {}) => ({
  apiVersion,
  kind: 'Hypervisor',
  metadata: { name },
  spec: { uri: `test:///${name}`, defaultPoolRef: { name: 'fast' }, ...spec },
});
const pool = { apiVersion, kind: 'StoragePool', metadata: { name: 'fast' }, spec: { directory: { path: '/pools/fast' } } };
const root = { name: 'root', volumeTemplate: { size: '8Mi', format: 'Raw' } };
const machine = (name: string, spec: object = {}) => ({
  apiVersion,
  kind: 'VirtualMachine',
  metadata: { name, namespace: 'shop' },
  spec: { memory: { size: '64Mi' }, cpu: { count: 1, maxCount: 4 }, stop: { mode: 'Hard' }, disks: [root], ...spec },
});
const secret = (name: string, userData: string) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace: 'shop' },
  stringData: { userData },
});
type Written = ReturnType<typeof machine> | ReturnType<typeof hypervisor> | typeof pool | typeof space | ReturnType<typeof secret>;

const soon = () => AbortSignal.timeout(120_000);
const acts = () => Object.values(hosts).flatMap((host) => host.acts);
/** Less what nobody knows before, the uid with which names of volumes end and the digest of a Secret; and less what the host in memory does not note of `live.apply`. */
const unsure = (calls: readonly string[]) =>
  calls
    .map((call) =>
      call
        .replace(/-[0-9a-f]{8}(?=\.|$)/, '-UID')
        .replace(/(?<=\.seed-)[0-9a-f]{16}/, 'DIGEST')
        .replace(/^(live\.apply \S+).*/, '$1'),
    )
    .sort();

const foretold = (objects: readonly Written[], sessions = operatorNamespace) =>
  foretell(objects, { ...byServer(api, false), operatorNamespace: sessions, onNote: () => {} }, soon());

/** Nothing on any host changes by it. */
async function plan(t: Test, ...objects: readonly Written[]) {
  const before = acts();
  const outcome = await foretold(objects);
  t.same(acts(), before, 'a plan changes nothing');
  return outcome;
}

async function apply(...objects: readonly Written[]): Promise<void> {
  for (const object of objects) {
    const resource = discovery.ofManifest(object.apiVersion, object.kind);
    if (resource !== undefined) await client.apply(resource, object, {}, soon());
  }
}

/** Gives what the hosts were asked until nothing was left to do. */
async function applied(...objects: readonly Written[]): Promise<readonly string[]> {
  const before = { one: hosts.one.acts.length, two: hosts.two.acts.length };
  await apply(...objects);
  await until(async () => {
    const { steps, troubles } = await foretold(objects);
    return steps.length + troubles.length === 0;
  });
  return [...hosts.one.acts.slice(before.one), ...hosts.two.acts.slice(before.two)];
}

const isReady = (object: Parameters<typeof condition>[0]) => condition(object, 'Ready')?.status === 'True';

await t.test('before there is a host, or a namespace, a plan says what it does not know', async (t) => {
  const unspaced = await plan(t, space, machine('web'));
  t.match(unspaced.steps, [{ kind: 'Namespace', action: 'Create' }]);
  t.match(unspaced.troubles, [{ name: 'web', reason: 'NotKnown', message: /namespace "shop" is not there yet/ }]);
  await apply(space);
  const homeless = await plan(t, machine('web'));
  t.match(homeless, { steps: [{ action: 'Create' }], troubles: [{ name: 'web', reason: 'NoHypervisor' }] });
  await apply(hypervisor('one'), hypervisor('two', { maintenance: 'Cordon' }));
  for (const name of ['one', 'two']) await world.until('Hypervisor', name, isReady);
});

await t.test('an apply does on its hosts what its plan said, and nothing else; then there is nothing to do', async (t) => {
  const files = [pool, machine('web')] as const;
  const planned = await plan(t, ...files);
  t.same(planned.troubles, []);
  const taken = planned.steps.filter(({ kind }) => kind === 'VirtualMachine');
  t.match(taken, [{ action: 'Create' }, { action: 'Place', because: /^one suits/ }, { action: 'Define' }, { action: 'Start' }]);
  t.same(await plan(t, ...files), planned, 'a plan is the same each time');
  t.same(unsure(await applied(...files)), unsure(planned.calls));
  t.equal((await world.get('VirtualMachine', 'web', 'shop'))?.status?.hypervisor, 'one');
});

await t.test('the program says it in the words of plan --host, and by its exit code', async (t) => {
  const run = (objects: readonly Written[], ...more: readonly string[]) =>
    runProgram({ kubeconfig, input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }) }, 'plan', '-f', '-', ...more);
  t.match(await run([pool, machine('web')]), { code: 0, out: 'Nothing to do.\n', err: '' });
  const changed = await run([machine('web', { cpu: { count: 2, maxCount: 4 }, devices: { rng: {} } })]);
  t.match(changed, { code: 2, err: '' });
  t.match(
    changed.out,
    /^VirtualMachine shop\/web\n {2}Change: spec\.cpu\.count, spec\.devices\n {2}Define: .*\n {4}spec\.cpu\.count: Hotplug/,
  );
  t.match(changed.out, /\nWaits\n {2}VirtualMachine shop\/web spec\.devices\.rng: Restart/);
  const refused = await run([machine('web', { cpu: { count: 65 } })]);
  t.match(refused, { code: 1, out: /Does not come about\n {2}VirtualMachine shop\/web: .*spec\.cpu\.count: 65 given/ });
  t.match(await run([machine('web', { memroy: 1 })]), { code: 1, out: /memroy/ });
  t.equal((JSON.parse((await run([pool], '-o', 'json')).out) as { steps: unknown[] }).steps.length, 0);
});

await t.test('a host that takes none says why, and so does the plan', async (t) => {
  const { troubles } = await plan(t, machine('elsewhere', { placement: { hypervisorRef: { name: 'two' } } }));
  t.match(troubles, [{ name: 'elsewhere', reason: 'Unschedulable', message: /^two: it takes no new machines: spec.maintenance/ }]);
  const opened = await plan(t, hypervisor('two'), machine('elsewhere', { placement: { hypervisorRef: { name: 'two' } } }));
  t.match(
    opened,
    { troubles: [], steps: [{}, { action: 'Create' }, { action: 'Place', because: /^two suits/ }, {}, {}, {}] },
    'what changes of it counts',
  );
});

await t.test('a session of one namespace plans nothing of another, and no pool', async (t) => {
  const refusal = /StoragePool "fast": a session in namespace "default" plans what is in that alone/;
  const { troubles, steps } = await foretold([machine('web', { runStrategy: 'Halted' }), pool], 'default');
  t.match(steps, [{ kind: 'VirtualMachine', action: 'Change' }]);
  t.match(troubles, [
    { kind: 'Hypervisor', name: 'one', reason: 'NotAsked', message: refusal },
    { kind: 'Hypervisor', name: 'two', reason: 'NotAsked', message: refusal },
  ]);
});

const specs = fc.record(
  {
    cpu: fc.record({ count: fc.integer({ min: 1, max: 4 }), maxCount: fc.constantFrom(4, 8) }),
    memory: fc.record({ size: fc.constantFrom('64Mi', '128Mi') }),
    devices: fc.constantFrom({}, { rng: {} }, { serial: {} }),
    disks: fc.constantFrom([root], [root, { name: 'data', volumeTemplate: { size: '4Mi', format: 'Raw' } }]),
    runStrategy: fc.constantFrom('Always', 'Halted'),
    updatePolicy: fc.constantFrom({ allow: ['Live', 'Hotplug'] }, { allow: ['Live', 'Hotplug', 'Restart'] }),
  },
  { requiredKeys: ['cpu', 'memory'] },
);

await t.test('of any specs and changes: what was planned is done, and after it nothing is left', async (t) => {
  const lives = fc.sample(fc.array(specs, { minLength: 2, maxLength: 3 }), { numRuns: 4, seed: 63 });
  for (const [at, life] of lives.entries())
    for (const spec of life) {
      const files = machine(`life-${at}`, spec);
      const planned = await plan(t, files);
      t.same(planned.troubles, [], JSON.stringify(spec));
      t.same(unsure(await applied(files)), unsure(planned.calls), JSON.stringify(spec));
    }
});

await t.test('what a guest is told from a Secret is planned for, and shown to nobody', async (t) => {
  const told = (name: string) => machine('told', { cloudInit: { userDataSecretRef: { name } } });
  await applied(hypervisor('one', { systemPoolRef: { name: 'fast' } }));
  const files = [secret('first', '#cloud-config\npassword: hush-1\n'), told('first')];
  const planned = await plan(t, ...files);
  t.same(planned.troubles, []);
  t.same(unsure(await applied(...files)), unsure(planned.calls));
  t.match(await plan(t, ...files), { steps: [], troubles: [] });
  const others = [secret('second', '#cloud-config\npassword: hush-2\n'), told('second')];
  const next = await plan(t, ...others);
  t.match(next.waits, [{ field: 'spec.cloudInit', reason: 'NextBoot' }]);
  t.same(unsure(await applied(...others)), unsure(next.calls));
  t.notMatch(JSON.stringify([planned, next]), /hush/);
});

await t.test('an object is explained on one page: where and why, what it waits for, who set what', async (t) => {
  const run = (...words: readonly string[]) => runProgram({ kubeconfig }, 'explain', ...words);
  await apply(machine('web', { devices: { rng: {} } }), machine('lost', { placement: { hypervisorRef: { name: 'two' } } }));
  await world.until('VirtualMachine', 'web', ({ status }) => status?.pendingChanges?.length === 1, { namespace: 'shop' });
  await world.until('VirtualMachine', 'lost', ({ status }) => status?.placement?.rejected?.length === 1, { namespace: 'shop' });
  const web = await run('web', '-n', 'shop');
  t.match(web, { code: 0, err: '', out: /^VirtualMachine shop\/web: / });
  t.match(web.out, /\nWhere it is\n {2}on one: placed on one\n/);
  t.match(web.out, /\n {2}spec\.devices\.rng: Restart, .*\(restart it, or let spec\.updatePolicy\.allow have Restart/);
  t.match(web.out, /\nWho set what\n(.*\n)* {2}virtwright-cli \(Apply, .* ago\): spec\.cpu\.count, /);
  t.match(web.out, /\nWhat happened last\n(.*\n)*.* Start /);
  const lost = JSON.parse((await run('vm/lost', '-n', 'shop', '-o', 'json')).out) as { where: readonly string[]; waits: readonly string[] };
  t.match(lost.where, [/^on no host: /, /spec\.placement asks for .*two/, /^not two: \w+, it takes no new machines/]);
  t.match(lost.waits, [/Unschedulable/]);
  for (const [words, out] of [
    [['fast'], /^StoragePool fast: .*\n\nWhere it is\n {2}ready on 2 of the 2 hosts/],
    [['vol', 'web-root', '-n', 'shop'], /\n {2}machine web has it/],
    [['hv/two'], /\n {2}spec\.maintenance is Cordon\n/],
  ] as const)
    t.match(await run(...words), { code: 0, err: '', out });
  t.match(await run('nobody'), { code: 1, err: /there is nothing called "nobody" in namespace "default"/ });
  t.match(await run('vm'), { code: 1 });
});
