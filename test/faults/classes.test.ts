import t from 'tap';
import type { VirtualMachine } from '#crds/types.js';
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
