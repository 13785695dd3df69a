import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import type { VirtualMachine } from '#crds/types.js';
import { condition } from '#test/cluster/world.js';
import { ChangeTable, checkWhole, type Spec } from './change-table.js';
import { useLab } from './lab.js';
import { qemuChanges, qemuSpec } from './qemu-changes.js';

// CPU time is shared out by cgroups, which the daemons of other tests do without.
const lab = await useLab(t, { qemuConfig: `cgroup_controllers = ["cpu"]\n` });
const { world } = lab;

t.test('on QEMU a machine is restarted exactly where the class of a change says so, and it was allowed', async (t) => {
  await using operator = await lab.start();
  const host = lab.hypervisor();
  const network = (name: string) => ({
    kind: 'VirtualNetwork',
    metadata: { name, namespace: 'default' },
    spec: { forward: { mode: 'None' } },
  });
  const stringData = { one: 'secret-1', two: 'secret-2', config: '{"ignition":{"version":"3.3.0"}}' };
  await world.apply(
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'told', namespace: 'default' }, stringData },
    { ...host, spec: { ...host.spec, systemPoolRef: { name: 'fast' } } },
    lab.pool(),
    ...['data', 'more', 'slow', 'other'].map((name) => lab.volume(name)),
    ...lab.guestVolumes(),
    ...['quiet', 'rear'].map(network),
  );
  const peer = {
    ...{ world, hypervisor: 'one', name: 'fields', timeoutMs: 300_000 },
    machine: (spec: Spec) => lab.machine('fields', spec),
    run: () => lab.qemu('default.fields'),
    shown: () => lab.daemon.virsh('dumpxml', '--security-info', 'default.fields'),
  };
  const changes = qemuChanges(lab.guestImages.words);
  await ChangeTable.try(t, peer, qemuSpec, changes);
  await checkWhole(t, peer, changes);
  await lab.remove('fields');
  t.same(operator.troubles, []);
});

t.test('on QEMU what a hand changes is told field by field, and treated as its machine says', async (t) => {
  await using operator = await lab.start({ pace: { resyncMs: 2_000 } });
  const name = 'default.drifts';
  const virsh = (...words: readonly string[]) => lab.daemon.virsh(...words);
  const definition = () => virsh('dumpxml', '--inactive', name);
  /** As with virsh edit. */
  const edit = async (change: (xml: string) => string) => {
    const path = join(lab.daemon.directory, 'drifts.xml');
    await writeFile(path, change(await definition()));
    await virsh('define', path);
  };
  const spec = {
    cpu: { count: 1, maxCount: 3 },
    memory: { size: '32Mi', maxSize: '64Mi' },
    disks: [{ name: 'root', volumeRef: { name: 'drifts' }, cache: 'None' }],
  };
  const drifted = (...fields: readonly string[]) =>
    lab.untilReady('drifts', ({ status }) => fields.every((field) => status?.drift?.some((one) => one.field === field)));
  const toldIn = ({ status }: VirtualMachine) =>
    Object.fromEntries(
      (status?.drift ?? []).map(({ field, declared, found, treatment }) => [field, `${declared}, ${found}: ${treatment}`]),
    );
  await world.apply(lab.hypervisor(), lab.pool(), lab.volume('drifts'), lab.machine('drifts', { ...spec, driftPolicy: 'Observe' }));
  await lab.untilReady('drifts');
  const pid = await lab.qemu(name);

  await edit((xml) =>
    xml
      .replace(/<vcpu[^>]*current='1'[^>]*>/, "<vcpu placement='static' current='2'>")
      .replace(/<currentMemory[^>]*>\d+</, "<currentMemory unit='KiB'>49152<")
      .replace("cache='none'", "cache='writeback'")
      .replace('<metadata>', '<description>somebody was here</description><metadata>'),
  );
  const seen = await drifted('spec.cpu.count', 'spec.memory.size', 'spec.disks[root].cache');
  t.same(toldIn(seen), {
    'spec.cpu.count': '1, 2: Observe',
    'spec.memory.size': '32Mi, 48Mi: Observe',
    'spec.disks[root].cache': 'None, WriteBack: Observe',
  });
  t.match(condition(seen, 'Drifted'), { status: 'True', reason: 'Observed' });
  t.equal(seen.status?.pendingChanges, undefined);
  const left = await definition();
  t.match(left, /current='2'[\s\S]*cache='writeback'/);

  await world.apply(lab.machine('drifts', { ...spec, driftRules: [{ field: 'spec.memory', policy: 'Accept' }] }));
  const settled = await lab.untilReady('drifts', ({ status }) => status?.drift?.filter((one) => one.corrections === 1).length === 2);
  t.match(toldIn(settled), { 'spec.cpu.count': '1, 2: Enforce', 'spec.memory.size': '32Mi, 48Mi: Accept' });
  t.equal(condition(settled, 'Drifted'), undefined);
  const after = await definition();
  t.match(after, /somebody was here/, 'what no manifest can say stays');
  t.match(after, /<currentMemory unit='KiB'>49152</);
  t.match(after, /current='1'[\s\S]*cache='none'/);

  await virsh('setvcpus', name, '3', '--live');
  await lab.untilReady(
    'drifts',
    ({ status }) => status?.drift?.some((one) => one.field === 'spec.cpu.count' && one.found === '3') === true,
  );
  await lab.until('the running machine is as before, or its guest holds on', async () =>
    /current='1'|asked of the guest|could not change it/.test(
      `${await virsh('dumpxml', name)}${JSON.stringify((await world.get('VirtualMachine', 'drifts'))?.status?.pendingChanges)}`,
    ),
  );
  await world.apply(lab.machine('drifts', { ...spec, memory: { size: '40Mi', maxSize: '64Mi' } }));
  await lab.until('what is declared counts again', async () => (await definition()).includes("<currentMemory unit='KiB'>40960<"));
  t.equal(await lab.qemu(name), pid, 'all that without a restart');
  await lab.remove('drifts');
  t.same(operator.troubles, []);
});
