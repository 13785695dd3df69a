import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import t from 'tap';
import type { KubernetesObject } from '#controllers/kubernetes/resource.js';
import type { Kinds } from '#crds/types.js';
import { Behind } from '#drivers/fake/behind.js';
import { systemClock } from '#drivers/fake/clock.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { writeHealthTests } from '#test/gitops/testdata.js';
import { skipWhereMissing } from '#test/peers/build.js';
import { buildJudge, type Verdict } from '#test/peers/judge.js';
import { healthScript, resources } from './kinds.js';
import { healthOf, healthScripts, misjudged } from './misjudged.js';
import { Recorder } from './recorder.js';
import { condition, useWorld } from './world.js';

/** What tools that wait see of each kind in each of its states: kstatus by its own rules, and Argo CD by the script that we give people. */
const judge = await buildJudge().catch((reason) => skipWhereMissing(t, reason));
const world = await useWorld(t);

/** The states that are told apart by name, and what is expected of them. */
const named: { readonly title: string; readonly object: KubernetesObject; readonly expected: Verdict['status'] }[] = [];
async function note(
  title: string,
  kind: keyof Kinds,
  name: string,
  expected: Verdict['status'],
  isSo: (seen: Seen) => boolean = () => true,
) {
  const object = (await world.until(kind, name, (seen) => isSo(seen))) as unknown as KubernetesObject;
  named.push({ title: `${kind} ${title}`, object, expected });
}

type Seen = Parameters<typeof condition>[0];
const isReady = (seen: Seen) => condition(seen, 'Ready')?.status === 'True';
const isStalled = (seen: Seen) => condition(seen, 'Stalled')?.status === 'True';
const readyIs = (reason: string) => (seen: Seen) => condition(seen, 'Ready')?.reason === reason;

const hypervisor = {
  kind: 'Hypervisor',
  metadata: { name: 'one' },
  spec: { uri: 'test:///default', defaultPoolRef: { name: 'fast' } },
};
const pool = { kind: 'StoragePool', metadata: { name: 'fast' }, spec: { directory: { path: '/pools/fast' } } };
const inDefault = (kind: string, name: string, spec: object) => ({ kind, metadata: { name, namespace: 'default' }, spec });
const volume = (name: string, spec: object = {}) => inDefault('StorageVolume', name, { size: '1Gi', reclaimPolicy: 'Delete', ...spec });
const machine = (name: string, spec: object = {}) =>
  inDefault('VirtualMachine', name, { memory: { size: '64Mi' }, stop: { mode: 'Hard' }, ...spec });
const action = (name: string, to: string, verb: string) => inDefault('VirtualMachineAction', name, { machineRef: { name: to }, verb });
const lan = inDefault('VirtualNetwork', 'lan', { forward: { mode: 'NAT' }, ipv4: { address: '10.20.0.1/24' } });
const session = (name: string, to: string) =>
  inDefault('Session', name, { purpose: 'Console', machineRef: { name: to }, certificateSHA256: '0'.repeat(64) });
const disk = { disks: [{ name: 'root', volumeRef: { name: 'root' } }] };

const host = new FakeHost({ clock: systemClock });
const start = (only?: 'controller' | 'agent') =>
  world.start({
    connect: async () => fakeDriver(host),
    hypervisors: ['one'],
    lease: { durationMs: 3_000, periodMs: 300 },
    ...(only === undefined ? {} : { only }),
  });

await t.test('what nobody has looked at is in progress, whatever it is', async () => {
  await world.apply(
    hypervisor,
    pool,
    lan,
    volume('root'),
    machine('web', disk),
    action('early', 'web', 'Pause'),
    session('early', 'web'),
    inDefault('VirtualNetworkInstance', 'odd.one', { networkRef: { name: 'odd' }, hypervisor: 'nowhere' }),
    { kind: 'StoragePoolInstance', metadata: { name: 'odd.one' }, spec: { poolRef: { name: 'odd' }, hypervisor: 'nowhere' } },
  );
  const names = { Hypervisor: 'one', StoragePool: 'fast', VirtualNetwork: 'lan', StorageVolume: 'root', VirtualMachine: 'web' } as const;
  const more = {
    VirtualMachineAction: 'early',
    Session: 'early',
    VirtualNetworkInstance: 'odd.one',
    StoragePoolInstance: 'odd.one',
  } as const;
  for (const [kind, name] of Object.entries({ ...names, ...more })) await note('brand-new', kind as keyof Kinds, name, 'InProgress');
  await world.delete('VirtualNetworkInstance', 'odd.one');
  await world.delete('StoragePoolInstance', 'odd.one');
  await world.delete('VirtualMachineAction', 'early');
  await world.delete('Session', 'early');
});

await t.test('each kind in the states of its life', async (t) => {
  await using recorder = await Recorder.start(world.client, Object.values(resources));
  await lives();
  const lies = await misjudged(judge, recorder.states);
  t.ok(recorder.states.length > 50, `${recorder.states.length} states`);
  t.same(lies, []);
});

/** From first looks to ends, with all that may go wrong between. */
async function lives(): Promise<void> {
  const controller = await start('controller');
  await note('without its agent', 'StoragePool', 'fast', 'InProgress', readyIs('NotEverywhere'));
  await note('without its agent', 'StoragePoolInstance', 'fast.one', 'InProgress');
  const agent = await start('agent');
  await note('ready', 'Hypervisor', 'one', 'Current', isReady);
  await note('ready', 'StoragePool', 'fast', 'Current', isReady);
  await note('ready', 'StoragePoolInstance', 'fast.one', 'Current', isReady);
  await note('ready', 'StorageVolume', 'root', 'Current', isReady);
  await note('running', 'VirtualMachine', 'web', 'Current', isReady);

  await world.apply(machine('lost', { disks: [{ name: 'root', volumeRef: { name: 'nowhere' } }] }));
  await note('waiting for its disk', 'VirtualMachine', 'lost', 'InProgress', readyIs('WaitingForVolumes'));
  await world.apply(machine('net', { interfaces: [{ name: 'lan', networkRef: { name: 'lan' } }] }));
  await note('on a network', 'VirtualMachine', 'net', 'Current', isReady);
  await note('ready', 'VirtualNetwork', 'lan', 'Current', isReady);
  await note('ready', 'VirtualNetworkInstance', 'lan.one', 'Current', isReady);
  await world.apply(volume('far', { poolRef: { name: 'nowhere' } }));
  await note('waiting for its pool', 'StorageVolume', 'far', 'InProgress', readyIs('WaitingForPool'));
  await world.apply({
    kind: 'StoragePool',
    metadata: { name: 'none' },
    spec: { ...pool.spec, hypervisorSelector: { matchLabels: { a: 'b' } } },
  });
  await note('on no host', 'StoragePool', 'none', 'InProgress', readyIs('NoHypervisor'));

  await world.apply(machine('off', { runStrategy: 'Halted' }));
  await note('meant to be off, and off', 'VirtualMachine', 'off', 'Current', readyIs('Stopped'));
  await world.apply(machine('once', { runStrategy: 'Once' }));
  const { metadata } = await world.until('VirtualMachine', 'once', (seen) => isReady(seen));
  new Behind(host).powerOff(metadata.uid);
  await note('done', 'VirtualMachine', 'once', 'Current', readyIs('Completed'));

  await world.apply(action('pause', 'web', 'Pause'), action('nobody', 'none', 'Pause'));
  await note('done', 'VirtualMachineAction', 'pause', 'Current', isReady);
  await note('failed', 'VirtualMachineAction', 'nobody', 'Failed', isStalled);
  await note('paused', 'VirtualMachine', 'web', 'Current', readyIs('Paused'));
  await world.apply(action('resume', 'web', 'Resume'));
  await world.until('VirtualMachine', 'web', readyIs('Running'));
  await world.apply(session('door', 'web'), session('nobody', 'none'));
  await note('of a machine that is not there', 'Session', 'nobody', 'Failed', readyIs('NotFound'));
  await note('of a machine without a console', 'Session', 'door', 'Failed', readyIs('NoSerialConsole'));

  await world.kubectl('delete', 'storagevolume', 'root', '--wait=false');
  await note('in use, and to go', 'StorageVolume', 'root', 'Terminating', readyIs('InUse'));
  await agent.stop();
  const silent = readyIs('AgentSilent');
  await note('of a silent agent', 'Hypervisor', 'one', 'InProgress', silent);
  await note('of a silent agent', 'VirtualMachine', 'web', 'InProgress', silent);
  await note('of a silent agent', 'StoragePoolInstance', 'fast.one', 'InProgress', silent);
  await controller.stop();
  await world.apply(machine('net', { cpu: { count: 2 } }));
  await note('changed, and nobody has looked', 'VirtualMachine', 'net', 'InProgress');
  await world.kubectl('delete', 'virtualmachine', 'web', '--wait=false');
  await note('to go, and nobody has looked', 'VirtualMachine', 'web', 'Terminating');

  await using _again = await start();
  await note(
    'changed',
    'VirtualMachine',
    'net',
    'Current',
    (seen) => isReady(seen) && (seen.status as { observedGeneration?: number }).observedGeneration === 2,
  );
  await world.untilGone('VirtualMachine', 'web');
  await world.untilGone('StorageVolume', 'root');
}

await t.test('each of them is seen as what it is', async (t) => {
  const verdicts = await judge(
    named.map(({ object }) => object),
    healthScripts,
  );
  for (const [at, { title, expected, object }] of named.entries()) {
    const { status, health } = verdicts[at] as Verdict;
    t.equal(status, expected, `${title}: ${expected}`) || t.comment(JSON.stringify(object));
    t.equal(health?.status, healthOf[expected], `${title}: ${healthOf[expected]}`);
    t.not(health?.message, '', title);
  }
  // How the objects beside the script for Argo CD were made.
  if (process.env['RECORD'] === 'argocd') writeHealthTests(named.map((one, at) => ({ ...one, verdict: verdicts[at] as Verdict })));
});

await t.test('what is to be pasted into Argo CD has the script for every kind', async (t) => {
  const text = readFileSync(new URL('../../../docs/argocd/argocd-cm.yaml', import.meta.url), 'utf8');
  const { data } = load(text) as { readonly data: Readonly<Record<string, string>> };
  const keys = Object.keys(resources).map((kind) => `resource.customizations.health.virtwright.io_${kind}`);
  t.same(Object.keys(data).sort(), keys.sort());
  for (const script of Object.values(data)) t.equal(script, healthScript);
});
