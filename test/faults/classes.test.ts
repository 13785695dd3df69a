import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import type { VirtualMachine } from '#crds/types.js';
import { condition } from '#test/cluster/world.js';
import { isReady, useLab } from './lab.js';

/** Each is a change to the machine, alone; what its host says of it is compared with what becomes of the machine's process. */
const changes: readonly (readonly [field: string, spec: object])[] = [
  ['spec.cpu.count', { cpu: { count: 2, maxCount: 2 } }],
  ['spec.cpu.maxCount', { cpu: { count: 2, maxCount: 3 } }],
  ['spec.boot.order', { boot: { order: ['data'] } }],
  ['spec.disks[more]', { disks: [{ name: 'more' }] }],
  ['spec.disks[data]', { disks: [{ name: 'data', limits: { readIops: 100 } }] }],
  ['spec.disks[data]', { disks: [{ name: 'data', limits: { readIops: 100 }, cache: 'None' }] }],
  ['spec.devices.serial', { devices: { serial: {} } }],
  ['spec.devices.rng', { devices: { serial: {}, rng: {} } }],
  ['spec.devices.guestAgent', { devices: { serial: {}, rng: {}, guestAgent: {} } }],
];

const lab = await useLab(t);
const { world } = lab;

type Disks = readonly { readonly name: string }[];

/** A disk has the volume of its name. */
const withVolumes = (disks: Disks) => disks.map((disk) => ({ ...disk, volumeRef: { name: disk.name } }));

t.test('on QEMU a machine is restarted exactly where the class of a change says so, and it was allowed', async (t) => {
  await using operator = await lab.start();
  await world.apply(lab.hypervisor(), lab.pool(), lab.volume('data'), lab.volume('more'));
  let spec: Record<string, unknown> = { cpu: { count: 1, maxCount: 2 }, disks: withVolumes([{ name: 'data' }]) };
  let disks: Disks = [{ name: 'data' }];
  const applied = async (more: object, isSo: (seen: VirtualMachine) => boolean): Promise<VirtualMachine> => {
    await world.apply(lab.machine('fields', { ...spec, ...more }));
    const generation = (await world.get('VirtualMachine', 'fields'))?.metadata.generation;
    return lab.untilReady('fields', (seen) => seen.status?.observedGeneration === generation && isSo(seen));
  };
  const settled = ({ status }: VirtualMachine): boolean =>
    !(status?.pendingChanges ?? []).some((one) => one.class === 'Live' || one.class === 'Hotplug');
  await applied({}, isReady);

  const seen = new Map<string, string[]>();
  for (const [field, change] of changes) {
    const { disks: changed } = change as { readonly disks?: Disks };
    if (changed !== undefined) disks = [...disks.filter(({ name }) => !changed.some((one) => one.name === name)), ...changed];
    spec = { ...spec, ...change, disks: withVolumes(disks) };
    const before = await lab.qemu('default.fields');
    const usual = await applied({}, settled);
    const left = (usual.status?.pendingChanges ?? []).filter((one) => one.class !== 'NextBoot' || one.field === field);
    t.equal(await lab.qemu('default.fields'), before, `${field}: nobody allowed a restart`);
    const needsOne = left.some((one) => one.class === 'Restart');
    const allowed = await applied({ updatePolicy: { allow: ['Live', 'Hotplug', 'Restart'] } }, (now) =>
      (now.status?.pendingChanges ?? []).every((one) => one.class === 'NextBoot'),
    );
    const after = await lab.qemu('default.fields');
    t.equal(after !== before, needsOne, `${field}: ${needsOne ? 'restarted' : 'left running'} (${JSON.stringify(left)})`);
    t.match(allowed.status?.power, { state: 'Running' });
    const classes = left.length === 0 ? ['at once'] : left.map((one) => one.class);
    seen.set(field, [...(seen.get(field) ?? []), ...classes]);
  }
  t.same(Object.fromEntries(seen), {
    'spec.cpu.count': ['at once'],
    'spec.cpu.maxCount': ['Restart'],
    'spec.boot.order': ['NextBoot'],
    'spec.disks[more]': ['at once'],
    'spec.disks[data]': ['at once', 'Restart'],
    'spec.devices.serial': ['Restart'],
    'spec.devices.rng': ['Restart'],
    'spec.devices.guestAgent': ['Restart'],
  });
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
