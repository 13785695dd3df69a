import { randomUUID } from 'node:crypto';
import t from 'tap';
import type { VirtualMachine } from '#crds/types.js';
import { until } from '#test/cluster/until.js';
import { condition } from '#test/cluster/world.js';
import { stalledWith } from './lab.js';
import { datastore, modes, useVsphereWorld, VsphereLab } from './vsphere-lab.js';

const world = await useVsphereWorld(t);
const pace = { glanceMs: 300, resyncMs: 1_000 };

const native = (name: string) => `default.${name}`;
const runsIn =
  (boot: number) =>
  ({ status }: VirtualMachine): boolean =>
    status?.power?.state === 'Running' && status.run?.bootId === String(boot);
const isOff = ({ status }: VirtualMachine): boolean => status?.power?.state === 'Stopped';

for (const mode of modes) {
  await t.test(`${mode}: what another hand does to a machine is put right, and what is its own is kept`, async (t) => {
    await using lab = await VsphereLab.open(world, mode);
    const { onlooker } = lab;
    await using operator = await lab.start({ pace });
    await lab.furnish();
    await world.apply(lab.machine('always'), lab.machine('halted', { runStrategy: 'Halted' }));
    await lab.untilReady('always', runsIn(1));
    await lab.untilReady('halted', isOff);

    await onlooker.power(native('always'), 'suspend');
    await lab.untilNative(native('always'), ({ power }) => power === 'poweredOn');
    await lab.untilReady('always', runsIn(1));
    await onlooker.power(native('always'), 'off');
    await lab.untilReady('always', runsIn(2));
    await onlooker.power(native('halted'), 'on');
    await lab.untilNative(native('halted'), ({ power }) => power === 'poweredOff');

    await onlooker.reconfigure(native('halted'), { cpus: 3, memory: 96, annotation: 'of the storage team' });
    const put = await lab.untilNative(native('halted'), ({ cpus, memory }) => cpus === 1 && memory === 64);
    t.equal(put.annotation, 'of the storage team', 'what is said of nowhere stays');
    await onlooker.reconfigure(native('always'), { cpus: 2 });
    const pending = await world.until('VirtualMachine', 'always', (now) => condition(now, 'RestartRequired')?.status === 'True');
    t.same(
      pending.status?.pendingChanges?.map(({ field }) => field),
      ['spec.cpu.count'],
    );
    await onlooker.power(native('always'), 'off');
    await lab.untilReady('always', (now) => runsIn(3)(now) && condition(now, 'RestartRequired')?.status === 'False');
    t.equal((await lab.native(native('always'))).cpus, 1);

    const { id } = await lab.native(native('always'));
    await onlooker.rename(native('always'), 'what a hand called it');
    const renamed = await lab.untilReady('always', ({ status }) => status?.nativeName === 'what a hand called it');
    t.ok(runsIn(3)(renamed));
    t.equal((await lab.native('what a hand called it')).id, id, 'it is the same machine');

    await onlooker.destroy('what a hand called it');
    await lab.untilReady('always', ({ status }) => Number(status?.run?.bootId) >= 4 && status?.power?.state === 'Running');
    await world.apply(lab.volume('disk'), lab.machine('disky', { disks: [{ name: 'root', volumeRef: { name: 'disk' } }] }));
    await lab.untilReady('disky');
    await onlooker.destroy(native('disky'));
    await world.until('StorageVolume', 'disk', (now) => condition(now, 'Ready')?.reason === 'Lost');
    await world.until('VirtualMachine', 'disky', (now) => condition(now, 'Ready')?.reason === 'WaitingForVolumes');
    await lab.remove('disky');
    await lab.removeVolumes('disk');
    await onlooker.unregister(native('halted'));
    await lab.untilNative(native('halted'), ({ extra }) => extra['virtwright.owner'] !== undefined);
    await lab.untilReady('halted', isOff);
    t.equal((await onlooker.machines()).length, 2, 'there are no two of any');

    // Until it holds: the simulator does not look at `changeVersion`, and a note of ours that was under way writes the mark once more.
    await until(async () => {
      await onlooker.reconfigure(native('halted'), { extra: { 'virtwright.owner': '' } });
      return stalledWith((await world.get('VirtualMachine', 'halted')) ?? {}) !== undefined;
    });
    const unmarked = await world.get('VirtualMachine', 'halted');
    t.match(stalledWith(unmarked ?? {}), /^NotOurs: .*default\.halted.*(did not make|carries no mark of ours)/);
    await lab.remove('always', 'halted');
    t.match(await onlooker.machines(), [{ name: native('halted'), power: 'poweredOff' }], 'what carries no mark is left alone');
    t.same(operator.troubles, []);
    await lab.clear();
  });

  await t.test(`${mode}: a machine of our name, or of our uuid, that is not ours is named and left alone`, async (t) => {
    await using lab = await VsphereLab.open(world, mode);
    const { onlooker } = lab;
    await using operator = await lab.start({ pace });
    await lab.furnish();
    const uuid = randomUUID();
    await onlooker.create(native('taken'), datastore);
    await onlooker.create('something else', datastore, uuid);
    const before = await onlooker.machines();
    await world.apply(lab.machine('taken'), lab.machine('twin', { uuid }));
    const stalled = async (name: string) =>
      stalledWith(await world.until('VirtualMachine', name, (seen) => stalledWith(seen) !== undefined));
    t.match(await stalled('taken'), /^NotOurs: .*default\.taken.*did not make/);
    t.match(await stalled('twin'), /^NotOurs: .*something else.*did not make/);
    await lab.remove('twin');
    t.same(await onlooker.machines(), before);
    await onlooker.destroy(native('taken'));
    await lab.untilReady('taken');
    await lab.remove('taken');
    t.match(await onlooker.machines(), [{ name: 'something else' }]);
    t.same(operator.troubles, []);
    await lab.clear();
  });
}
