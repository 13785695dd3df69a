import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { condition, useWorld } from '#test/cluster/world.js';
import { type Libvirtd, startLibvirtd } from '#test/peers/libvirtd.js';
import { hideKvm, isReady } from './lab.js';
import { OperatorProcess } from './operator-process.js';

// Two hosts with a store that both see. One dies with all that runs on it, and is back when its machine runs on the other.

const world = await useWorld(t);
t.setTimeout(15 * 60_000);
const shared = await mkdtemp(join(tmpdir(), 'vw-shared-'));
const daemons: Record<'one' | 'two', Libvirtd> = { one: await startLibvirtd(), two: await startLibvirtd() };
t.teardown(async () => {
  for (const daemon of Object.values(daemons)) await daemon.stop();
  await rm(shared, { recursive: true, force: true });
});
for (const daemon of Object.values(daemons)) await hideKvm(daemon);

const { kubeconfigPath } = world.cluster;
const agentOf = (name: 'one' | 'two') => new OperatorProcess('agent', [name], kubeconfigPath, daemons[name].directory);
const defined = async (name: 'one' | 'two', ...flags: readonly string[]) =>
  (await daemons[name].virsh('list', '--name', ...flags)).split('\n').filter((line) => line !== '');
const patient = { timeoutMs: 240_000 };

async function die({ pid, processes }: { readonly pid: number; readonly processes: readonly number[] }): Promise<void> {
  for (const one of processes) if (one !== pid) process.kill(one, 'SIGKILL');
  await daemons.one.kill9();
}

await t.test('a machine of a host that died runs on another, and the host that is back starts it no second time', async (t) => {
  await using _controller = new OperatorProcess('controller', [], kubeconfigPath, daemons.two.directory);
  await using one = agentOf('one');
  await using _two = agentOf('two');
  await world.apply(
    { kind: 'Hypervisor', metadata: { name: 'one' }, spec: { uri: daemons.one.uri } },
    { kind: 'Hypervisor', metadata: { name: 'two' }, spec: { uri: daemons.two.uri, maintenance: 'Cordon' } },
    { kind: 'StoragePool', metadata: { name: 'shared' }, spec: { span: 'Shared', directory: { path: shared } } },
    {
      kind: 'VirtualMachine',
      metadata: { name: 'db', namespace: 'default' },
      spec: {
        memory: { size: '32Mi' },
        stop: { mode: 'Hard' },
        disks: [{ name: 'root', volumeTemplate: { size: '1Mi', poolRef: { name: 'shared' }, whenDeleted: 'Delete' } }],
      },
    },
  );
  const first = await world.until('VirtualMachine', 'db', (seen) => isReady(seen) && seen.status?.hypervisor === 'one', patient);
  await world.kubectl('patch', 'hypervisor', 'two', '--type=merge', '-p', '{"spec":{"maintenance":"None"}}');

  await one.kill9();
  await die({ pid: daemons.one.pid, processes: await daemons.one.processes() });
  const silent = await world.until('VirtualMachine', 'db', (seen) => condition(seen, 'Ready')?.reason === 'AgentSilent', patient);
  t.match(silent.status, { hypervisor: 'one', power: { state: 'Unknown' } });
  await sleep(10_000);
  t.same(await defined('two', '--all'), [], 'nobody vouched for its death');

  await world.kubectl('annotate', 'hypervisor', 'one', 'virtwright.io/out-of-service=Fenced');
  const moved = await world.until('VirtualMachine', 'db', (seen) => isReady(seen) && seen.status?.hypervisor === 'two', patient);
  t.equal(moved.metadata.uid, first.metadata.uid);
  t.same(await defined('two'), ['default.db']);

  await daemons.one.restart();
  t.same(await defined('one', '--all'), ['default.db'], 'as the host has it');
  const stop = new AbortController();
  const ranOnOne = (async () => {
    const seen = new Set<string>();
    while (!stop.signal.aborted) {
      for (const name of await defined('one')) seen.add(name);
      await sleep(100);
    }
    return [...seen];
  })();
  await one.restart();
  await world.until(
    'Hypervisor',
    'one',
    (seen) => condition(seen, 'Connected')?.status === 'True' && seen.status?.orphans === undefined,
    patient,
  );
  t.same(await defined('one', '--all'), []);
  await world.kubectl('annotate', 'hypervisor', 'one', 'virtwright.io/out-of-service-');
  await world.until('Hypervisor', 'one', isReady, patient);
  await sleep(5_000);
  stop.abort();
  t.same(await ranOnOne, [], 'at no moment');
  t.same(await defined('two'), ['default.db']);
  t.equal((await readdir(shared)).length, 1);

  await world.delete('VirtualMachine', 'db');
  await world.untilGone('VirtualMachine', 'db');
  t.same(await defined('two', '--all'), []);
});
