import t from 'tap';
import type { Binder } from '#controllers/binder.js';
import { bindAction } from '#controllers/cluster/bind-action.js';
import { silentAgents } from '#controllers/cluster/health.js';
import { watchCluster } from '#controllers/cluster/watches.js';
import type { Lease } from '#controllers/kubernetes/lease.js';
import { createStore } from '#controllers/kubernetes/store.js';
import type { VirtualMachine, VirtualMachineAction } from '#crds/types.js';
import { startForwarder } from './forwarder.js';
import type { MachineHost } from './machine-host.js';
import { machineHostNamed } from './machine-hosts.js';
import { ManualClock } from './manual-clock.js';
import { until } from './until.js';
import { condition, type OperatorOptions, useWorld } from './world.js';

const world = await useWorld(t);

/** In memory, unless the environment names another. */
const openHost = machineHostNamed(process.env['VIRTWRIGHT_HOST']);
const start = (host: MachineHost, options: Omit<OperatorOptions, 'connect'>) => {
  const { connect, credentialKeys, pace } = host;
  return world.start({ connect, credentialKeys, ...options, pace: { ...pace, ...options.pace } });
};
const volume = (name: string) => ({
  kind: 'StorageVolume',
  metadata: { name, namespace: 'default' },
  spec: { size: '1Gi', reclaimPolicy: 'Delete' },
});
const machine = (name: string, spec: object = {}) => ({
  kind: 'VirtualMachine',
  metadata: { name, namespace: 'default' },
  spec: { memory: { size: '64Mi' }, ...spec },
});
/** An agent may see a host before the controller has handed over what lets it in, and then waits for that. */
const isBeforeItsSecret = (trouble: string) => /^host \w+: .*has not been handed to this host yet/.test(trouble);

await t.test('a machine with a disk goes from apply to running, stays true, and is deleted', async (t) => {
  await using host = await openHost();
  await using operator = await start(host, { hypervisors: ['one'] });
  await world.apply(...host.hypervisor('one'), host.pool('fast'), volume('root'));
  await world.until('StorageVolume', 'root', (seen) => condition(seen, 'Ready')?.status === 'True');
  const began = Date.now();
  await world.apply(machine('web', { disks: [{ name: 'root', volumeRef: { name: 'root' } }] }));
  const ready = await world.until('VirtualMachine', 'web', (seen) => condition(seen, 'Ready')?.status === 'True');
  t.match(ready.status, {
    hypervisor: 'one',
    printableStatus: 'Running',
    nativeName: 'default.web',
    uuid: ready.metadata.uid,
    power: { state: 'Running' },
  });
  // Metadata, binding, Ready; and what lasted over a second, on a machine that is that busy.
  // The last one is seen in the object before its writer has heard of it.
  const writesOf = () => operator.writes.filter((write) => write.endsWith('virtualmachines 200'));
  while (writesOf().length < 3 && Date.now() - began < 20_000) await new Promise((resolve) => setTimeout(resolve, 20));
  const writes = writesOf();
  const most = 3 + Math.floor((Date.now() - began) / 1_000);
  t.ok(writes.length >= 3 && writes.length <= most, `${writes.length} writes of at most ${most}`);

  const before = operator.writes.length;
  const objects = operator.writes.filter((write) => !write.includes('hypervisors')).length;
  host.forget();
  await world.kubectl('annotate', 'virtualmachine', 'web', 'a=b');
  await new Promise((resolve) => setTimeout(resolve, 500));
  t.same(host.acts, []);
  t.equal(operator.writes.length, before, 'two passes over an unchanged machine write nothing');

  const since = performance.now();
  await host.disconnect();
  const awayMs = performance.now() - since;
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const news = operator.writes.filter((write) => !write.includes('hypervisors')).length - objects;
  // It is tried again within half a second; what lasts a second is news, and a slow computer may make it one.
  if (awayMs < 800) t.equal(news, 0, 'a daemon that is soon back is no news of a machine');
  else t.comment(`away for ${Math.round(awayMs)} ms: ${news} writes`);

  host.cut(ready.metadata.uid);
  await world.until('VirtualMachine', 'web', (seen) => seen.status?.run?.bootId === '2' && condition(seen, 'Ready')?.status === 'True');

  await world.delete('VirtualMachine', 'web');
  await world.untilGone('VirtualMachine', 'web');
  t.same(host.machines, []);
  await world.until('StorageVolume', 'root', (seen) => seen.status?.claim === undefined);
  await world.delete('StorageVolume', 'root');
  await world.untilGone('StorageVolume', 'root');
  t.same(await host.files('fast'), []);
  t.same(
    operator.troubles.filter(
      (one) => !isBeforeItsSecret(one) && !/^(watching|host one: .*it is made again|events of host one: .*the connection broke)/.test(one),
    ),
    [],
  );
});

await t.test('what another hand changes is told, and treated as the machine says', async (t) => {
  await using host = await openHost();
  await using operator = await start(host, { hypervisors: ['drifting'], pace: { resyncMs: 500 } });
  const placement = { hypervisorRef: { name: 'drifting' } };
  const cpu = (count: number) => ({ count, ...(host.has('cpu.maxCount') && { maxCount: 4 }) });
  const spec = { placement, cpu: cpu(1), runStrategy: 'Halted' };
  const applied = async (more: object) => {
    await world.apply(machine('drifts', { ...spec, ...more }));
    const isSo = (seen: VirtualMachine) =>
      seen.status?.observedGeneration === seen.metadata.generation && condition(seen, 'Ready')?.status === 'True';
    return world.until('VirtualMachine', 'drifts', isSo);
  };
  const drifted = (field: string, isSo: (told: { readonly treatment: string; readonly reason: string }) => boolean) =>
    world.until('VirtualMachine', 'drifts', ({ status }) => status?.drift?.some((one) => one.field === field && isSo(one)) === true);
  const only = () => host.machines[0];
  const cpus = () => only()?.cpuCount;
  await world.apply(...host.hypervisor('drifting'), host.pool('fast'));
  const { uid: uuid } = (await applied({ driftPolicy: 'Observe' })).metadata;
  host.forget();
  host.setCpus(uuid, 3);
  const observed = await drifted('spec.cpu.count', ({ treatment }) => treatment === 'Observe');
  t.match(observed.status?.drift, [{ declared: '1', found: '3', reason: 'its definition was changed, and is left so' }]);
  t.match(condition(observed, 'Drifted'), { status: 'True', reason: 'Observed', message: 'spec.cpu.count: 3 found, 1 declared' });
  t.match(condition(observed, 'Ready'), { status: 'True' });
  t.match(condition(observed, 'ComputeSynced'), { status: 'False', reason: 'Drifted' });
  t.same(host.acts, [], 'nothing is done about it');
  const events = async () => JSON.parse(await world.kubectl('get', 'events', '-o', 'json')).items as { reason: string; message: string }[];
  const isTold = async () =>
    (await events()).some(
      ({ reason, message }) => reason === 'Drifted' && message.startsWith('spec.cpu.count: 3 found on the host, 1 declared'),
    );
  for (const end = Date.now() + 60_000; !(await isTold()); ) if (Date.now() > end) throw new Error('no event tells of it');

  await applied({ driftPolicy: 'Observe', memory: { size: '80Mi' } });
  t.match(only(), { cpuCount: 3, memoryBytes: 80 << 20 }, 'what is declared comes about, and no more');

  await applied({ memory: { size: '80Mi' }, driftRules: [{ field: 'spec.cpu', policy: 'Accept' }] });
  const accepted = await drifted('spec.cpu.count', ({ treatment }) => treatment === 'Accept');
  t.equal(condition(accepted, 'Drifted'), undefined);
  await applied({ memory: { size: '80Mi' } });
  t.equal(cpus(), 3, 'what was accepted stays so');
  host.setCpus(uuid, 2);
  const corrected = await drifted('spec.cpu.count', ({ reason }) => reason === 'was put back');
  t.match(corrected.status?.drift, [{ declared: '1', found: '2', treatment: 'Enforce', corrections: 1, correctedAt: /Z$/ }]);
  t.equal(cpus(), 1);
  for (const times of [2, 3]) {
    host.setCpus(uuid, 2);
    await world.until('VirtualMachine', 'drifts', ({ status }) => status?.drift?.[0]?.corrections === times);
  }
  // On a busy machine a pause may be over before the next change: whoever goes on is held all the same.
  const flapping = await world.until('VirtualMachine', 'drifts', (seen) => {
    if (cpus() === 1) host.setCpus(uuid, 4);
    return condition(seen, 'Drifted')?.reason === 'Flapping';
  });
  t.match(
    condition(flapping, 'Drifted')?.message,
    /4 found, 1 declared; it was put back \d+ times and changed again, and is put back at 20/,
  );
  await applied({ memory: { size: '80Mi' }, cpu: cpu(2) });
  t.equal(cpus(), 2, 'what is declared does not wait');

  await world.delete('VirtualMachine', 'drifts');
  await world.untilGone('VirtualMachine', 'drifts');
  t.same(
    operator.troubles.filter((one) => !isBeforeItsSecret(one)),
    [],
  );
});

await t.test('beside a machine that was never read, no disk is deleted and no claim is let go', async (t) => {
  await using host = await openHost();
  if (host.unreadable === undefined) return void t.pass('no machine of this host can be made unreadable', { skip: true });
  const disks = ['kept', 'doomed'];
  const again = () => start(host, { hypervisors: ['beside'], pace: { glanceMs: 200 } });
  const uuid = await (async () => {
    await using _operator = await again();
    const placement = { hypervisorRef: { name: 'beside' } };
    await world.apply(host.pool('fast'), machine('hung', { disks: disks.map((name) => ({ name, volumeRef: { name } })), placement }));
    await world.until('VirtualMachine', 'hung', (seen) => condition(seen, 'Ready') !== undefined);
    await world.apply(...host.hypervisor('beside'), ...disks.map(volume));
    return (await world.until('VirtualMachine', 'hung', (seen) => condition(seen, 'Ready')?.status === 'True')).metadata.uid;
  })();
  host.unreadable(uuid);
  // The object goes without its machine, as when a cluster is lost: nobody says any more that the disks are in use.
  await world.kubectl('patch', 'virtualmachine', 'hung', '--type=merge', '-p', '{"metadata":{"finalizers":null}}');
  await world.delete('VirtualMachine', 'hung');
  await world.kubectl('patch', 'storagevolume', 'doomed', '--subresource=status', '--type=merge', '-p', '{"status":{"claim":null}}');
  await world.delete('StorageVolume', 'doomed');
  await using _operator = await again();
  const waiting = await world.until('StorageVolume', 'doomed', (seen) => condition(seen, 'Ready')?.reason === 'UseUnknown');
  t.match(condition(waiting, 'Ready')?.message, /machine default\.hung cannot be read \(no answer\)/);
  await world.kubectl('annotate', 'storagevolume', 'kept', 'a=b');
  await until(async () =>
    /whether default\.hung on beside has it as a disk is not known/.test(await world.kubectl('get', 'events', '-o', 'json')),
  );
  t.match((await world.get('StorageVolume', 'kept'))?.status?.claim, { machine: 'hung' });
  t.equal((await host.files('fast')).length, 2);
});

await t.test('what is missing is named and waited for, and everything comes together in the wrong order, too', async (t) => {
  await using host = await openHost();
  const ready = (object: Parameters<typeof condition>[0]) => condition(object, 'Ready');
  await using operator = await start(host, { hypervisors: ['late'] });
  // What a machine holds on to: a kernel, or where a host has none, a second disk.
  const hasKernel = host.has('boot.kernel');
  const disks = ['root', ...(hasKernel ? [] : ['linux'])].map((name) => ({
    name,
    volumeRef: { name: name === 'root' ? 'early-root' : name },
  }));
  await world.apply(
    machine('early', {
      placement: { hypervisorRef: { name: 'late' } },
      disks,
      ...(hasKernel && { boot: { kernel: { volumeRef: { name: 'linux' } } } }),
    }),
  );
  const says = async (kind: 'VirtualMachine' | 'StorageVolume', name: string, words: RegExp) => {
    const seen = await world.until(kind, name, (object) => words.test(ready(object)?.message ?? ''));
    t.equal(ready(seen)?.status, 'False', `${ready(seen)?.message}`);
  };
  const slow = { ...volume('early-root'), spec: { ...volume('early-root').spec, poolRef: { name: 'slow' } } };
  const linux = { ...volume('linux'), spec: { ...volume('linux').spec, ...(hasKernel && { format: 'Raw' }), poolRef: { name: 'slow' } } };
  await says('VirtualMachine', 'early', /"early-root": there is none.*"linux": there is none/);
  await world.apply(slow, linux);
  await says('StorageVolume', 'early-root', /machine "early"|"slow"/);
  await says('VirtualMachine', 'early', /"late"/);
  await world.apply(...host.hypervisor('late'));
  await says('VirtualMachine', 'early', /"slow"/);
  await world.apply(host.pool('slow'));
  await world.until('VirtualMachine', 'early', (seen) => ready(seen)?.status === 'True');
  await world.delete('StorageVolume', 'linux');
  await world.until('StorageVolume', 'linux', (seen) => ready(seen)?.reason === 'InUse');
  t.ok(
    (await host.files('slow')).some((name) => name.startsWith('default.linux')),
    'what a machine has is kept',
  );
  await world.delete('VirtualMachine', 'early');
  await world.delete('StorageVolume', 'early-root');
  await world.untilGone('VirtualMachine', 'early');
  for (const name of ['early-root', 'linux']) await world.untilGone('StorageVolume', name);
  t.same(
    operator.troubles.filter((one) => !isBeforeItsSecret(one) && !one.startsWith('watching')),
    [],
  );
});

await t.test('a deletion that comes while a pass is under way is carried out, not taken for done', async (t) => {
  await using host = await openHost();
  const until = async (isSo: () => boolean) => {
    for (const end = Date.now() + 30_000; Date.now() < end && !isSo(); ) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  await using _operator = await start(host, { hypervisors: ['del'] });
  await world.apply(...host.hypervisor('del'), machine('brief', { placement: { hypervisorRef: { name: 'del' } }, stop: { mode: 'Hard' } }));
  const { metadata } = await world.until('VirtualMachine', 'brief', (seen) => condition(seen, 'Ready')?.status === 'True');
  host.slowReads(1_500);
  host.forget();
  host.pauseAndResume(metadata.uid);
  await until(() => host.reads > 0);
  await world.kubectl('annotate', 'virtualmachine', 'brief', 'a=b');
  await world.delete('VirtualMachine', 'brief');
  await until(() => host.reads > 1);
  host.slowReads(0);
  await world.untilGone('VirtualMachine', 'brief');
  t.same(host.machines, []);
});

await t.test('what was on its way to another host, and never got there, says where it is in the end', async (t) => {
  await using host = await openHost();
  await using _operator = await start(host, { hypervisors: ['second'] });
  const placement = { hypervisorRef: { name: 'second' } };
  await world.apply(host.pool('fast'), machine('astray', { disks: [{ name: 'root', volumeRef: { name: 'astray' } }], placement }));
  await world.until('VirtualMachine', 'astray', (seen) => condition(seen, 'Ready') !== undefined);
  await world.apply(volume('astray'));
  const kinds = ['VirtualMachine', 'StorageVolume'] as const;
  for (const kind of kinds) {
    const { uid } = (await world.until(kind, 'astray', () => true)).metadata;
    const metadata = { finalizers: ['virtwright.io/host'], annotations: { 'virtwright.io/bound': `first/${uid}` } };
    await world.kubectl('patch', kind, 'astray', '--type=merge', '-p', JSON.stringify({ metadata }));
  }
  await world.apply(...host.hypervisor('second'));
  await world.until('VirtualMachine', 'astray', (seen) => condition(seen, 'Ready')?.status === 'True');
  for (const kind of kinds) {
    const { uid, annotations } = (await world.until(kind, 'astray', () => true)).metadata;
    t.equal(annotations?.['virtwright.io/bound'], `second/${uid}`);
  }
  await world.delete('VirtualMachine', 'astray');
  await world.untilGone('VirtualMachine', 'astray');
});

await t.test('an action whose machine has not come through the watch yet waits for it; one whose machine is not there fails', async (t) => {
  const action = (name: string, machineName: string) => ({
    kind: 'VirtualMachineAction',
    metadata: { name, namespace: 'default' },
    spec: { machineRef: { name: machineName }, verb: 'Start' },
  });
  await world.apply(
    machine('unseen', { placement: { hypervisorRef: { name: 'none' } } }),
    action('early', 'unseen'),
    action('lost', 'nothing'),
  );
  const { client } = world;
  const signal = AbortSignal.timeout(60_000);
  const watched = watchCluster({ client }, 'default', signal);
  await Promise.all(Object.values(watched).map(({ reflector }) => reflector.synced));
  const binder = {
    client,
    watched: { ...watched, machines: { ...watched.machines, store: createStore<VirtualMachine, never>() } },
  } as Binder;
  const seen = (name: string) => watched.actions.store.get(`default/${name}`) as VirtualMachineAction;
  t.match(await bindAction(binder, seen('early'), signal), { kind: 'waiting' });
  t.equal((await world.get('VirtualMachineAction', 'early'))?.status?.outcome, undefined);
  await bindAction(binder, seen('lost'), signal);
  t.equal((await world.get('VirtualMachineAction', 'lost'))?.status?.outcome, 'Failed');
});

await t.test('an agent that cannot renew its Lease does nothing to its host until it can again', async (t) => {
  await using host = await openHost();
  await using _controller = await start(host, { hypervisors: [], only: 'controller' });
  await using network = await startForwarder(Number(new URL(world.cluster.url).port));
  await using agent = await start(host, {
    hypervisors: ['cut-off'],
    only: 'agent',
    pace: { glanceMs: 100 },
    lease: { durationMs: 4_000, periodMs: 300 },
    port: network.port,
  });
  await world.apply(...host.hypervisor('cut-off'), machine('lonely', { placement: { hypervisorRef: { name: 'cut-off' } } }));
  const isUp = ({ status }: VirtualMachine) => condition({ ...(status && { status }) }, 'Ready')?.status === 'True';
  const { uid } = (await world.until('VirtualMachine', 'lonely', isUp)).metadata;
  // On a busy computer it may have lost its Lease before, and have it again.
  host.forget();
  await until(() => host.asked.length > 0);
  const earlier = agent.troubles.length;
  network.block(true);
  await until(() => agent.troubles.slice(earlier).some((trouble) => /could not be renewed for 3 s/.test(trouble)));
  host.forget();
  host.cut(uid);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  t.same(host.asked, [], 'it does not even look');
  network.block(false);
  await world.until('VirtualMachine', 'lonely', (seen) => seen.status?.run?.bootId === '2' && isUp(seen));
  await world.delete('VirtualMachine', 'lonely');
  await world.untilGone('VirtualMachine', 'lonely');
});

await t.test('of what a silent agent has, nobody knows whether it is ready, until it speaks again', async (t) => {
  await using host = await openHost();
  await using _controller = await start(host, { hypervisors: [], only: 'controller' });
  const speaking = () =>
    start(host, {
      hypervisors: ['mute'],
      only: 'agent',
      lease: { durationMs: 3_000, periodMs: 300 },
    });
  const agent = await speaking();
  const placement = { hypervisorRef: { name: 'mute' } };
  await world.apply(host.pool('fast'), machine('there', { disks: [{ name: 'root', volumeRef: { name: 'there' } }], placement }));
  await world.until('VirtualMachine', 'there', (seen) => condition(seen, 'Ready') !== undefined);
  await world.apply(...host.hypervisor('mute'), volume('there'));
  const all = [
    ['VirtualMachine', 'there'],
    ['StorageVolume', 'there'],
    ['StoragePoolInstance', 'fast.mute'],
    ['Hypervisor', 'mute'],
  ] as const;
  const untilAll = async (status: string) => {
    for (const [kind, name] of all) await world.until(kind, name, (seen) => condition(seen, 'Ready')?.status === status);
  };
  await untilAll('True');
  await agent.stop();
  await untilAll('Unknown');
  const { status } = await world.until('StorageVolume', 'there', () => true);
  t.match(status, { claim: { machine: 'there' }, location: /there/, import: { completedAt: /./ } }, 'what is known is kept');
  await using _again = await speaking();
  await untilAll('True');
  await world.delete('VirtualMachine', 'there');
  await world.untilGone('VirtualMachine', 'there');
});

await t.test('of two agents that were given the same host, one works', async (t) => {
  await using host = await openHost();
  const connections: string[] = [];
  const as = (identity: string): MachineHost => ({
    ...host,
    connect: async (...how) => {
      connections.push(identity);
      return host.connect(...how);
    },
  });
  await using _first = await start(as('first'), { hypervisors: ['two'], identity: 'first' });
  await world.apply(...host.hypervisor('two'));
  await world.until('Hypervisor', 'two', (seen) => condition(seen, 'Ready')?.status === 'True');
  await using second = await start(as('second'), { hypervisors: ['two'], only: 'agent', identity: 'second' });
  for (const end = Date.now() + 30_000; Date.now() < end && second.troubles.length === 0; )
    await new Promise((resolve) => setTimeout(resolve, 50));
  t.match(second.troubles[0], /virtwright-agent-two is kept alive by first, not by second/);
  t.notOk(connections.includes('second'));
});

await t.test('an agent is silent when its Lease itself says so, whatever a watch shows, and is spoken for now and then', async (t) => {
  const { client } = world;
  const signal = AbortSignal.timeout(60_000);
  const clock = new ManualClock();
  const silent = silentAgents({ client, namespace: 'default', leases: createStore<Lease, never>() }, clock);
  t.equal(await silent('two', signal), false, 'no watch has shown it, and there it is');
  await clock.advance(39_000);
  t.equal(await silent('two', signal), false);
  await clock.advance(2_000);
  t.same([await silent('two', signal), await silent('two', signal)], [true, undefined], 'asked again at once, nobody looks again');
  await clock.advance(5_000);
  t.equal(await silent('two', signal), true);
  t.equal(await silent('nobody', signal), true);
});
