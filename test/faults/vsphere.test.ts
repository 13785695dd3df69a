import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { VirtualMachine } from '#crds/types.js';
import { runProgram } from '#test/cluster/program.js';
import { condition } from '#test/cluster/world.js';
import { isReady } from './lab.js';
import { modes, namespace, useVsphereWorld, VsphereLab } from './vsphere-lab.js';

const world = await useVsphereWorld(t);
const native = 'default.web';

const verb = async (name: string, verb: string, mode?: string) => {
  const spec = { machineRef: { name: 'web' }, verb, ...(mode === undefined ? {} : { mode }) };
  await world.apply({ kind: 'VirtualMachineAction', metadata: { name, namespace: 'default' }, spec });
  const { status } = await world.until('VirtualMachineAction', name, (seen) => seen.status?.outcome !== undefined);
  return status?.outcome;
};
const patch = (spec: object) => world.kubectl('patch', 'virtualmachine', 'web', '--type=merge', '-p', JSON.stringify({ spec }));
const bootId = ({ status }: VirtualMachine) => status?.run?.bootId;
const fileOf = async (volume: string) => (await world.get('StorageVolume', volume))?.status?.location ?? '';
const versions = async () =>
  (
    await world.kubectl(
      'get',
      'virtwright',
      '-A',
      '-o',
      'jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.resourceVersion}{"\\n"}{end}',
    )
  ).trim();

for (const mode of modes)
  await t.test(`${mode}: the examples go from apply to running, stay true, change, stop, and leave what is to stay`, async (t) => {
    await using lab = await VsphereLab.open(world, mode);
    await using operator = await lab.start();
    await world.apply(...lab.examples());
    const ready = await lab.untilReady('web');
    const owner = { cluster: 'test', namespace: 'default', name: 'web', uid: ready.metadata.uid };
    const disks = [await fileOf('web-root'), await fileOf('web-data')];
    const seen = await lab.native(native);
    t.match(seen, {
      instanceUuid: ready.metadata.uid,
      uuid: ready.metadata.uid,
      power: 'poweredOn',
      cpus: 2,
      memory: 2048,
      guestId: 'debian12_64Guest',
      firmware: 'efi',
      managedBy: { extensionKey: 'io.virtwright', type: 'machine' },
      disks: disks.map((file) => ({ file, controller: 'ParaVirtualSCSIController' })),
      serial: [/^\[LocalDS_0\] .*default\.web\/virtwright\.serial\.log$/],
      cards: [{ type: 'VirtualVmxnet3', network: 'VM Network', mac: ready.status?.interfaces?.[0]?.macAddress }],
    });
    t.same(JSON.parse(seen.extra['virtwright.owner'] ?? ''), owner);
    t.match(ready.status, { uuid: ready.metadata.uid, nativeName: native, hypervisor: 'esx1', hardware: { firmware: 'UEFI' } });
    for (const file of disks) t.ok((await lab.stored()).includes(file), `${file} is on the datastore`);

    await world.until('StoragePool', 'datastore1', isReady);
    await world.until('VirtualNetwork', 'vm-network', isReady);
    const [before, writes, changes] = [await versions(), operator.writes.length, lab.changes().length];
    await world.apply(...lab.examples());
    await sleep(1_000);
    t.equal(await versions(), before, 'a second apply changes no object');
    await world.kubectl('annotate', 'virtualmachine,storagevolume,hypervisor', '--all', 'a=b');
    await sleep(1_000);
    t.same(operator.writes.slice(writes), [], 'another pass over all of them writes nothing');
    t.same(lab.changes().slice(changes), [], 'nor does it change anything on the host');

    lab.proxy.cut();
    await patch({ cpu: { count: 4 }, memory: { size: '3Gi' } });
    const pending = await world.until('VirtualMachine', 'web', (now) => condition(now, 'RestartRequired')?.status === 'True');
    t.same(
      pending.status?.pendingChanges?.map(({ field }) => field),
      ['spec.cpu.count', 'spec.memory.size'],
    );
    t.match(await lab.native(native), { cpus: 2, memory: 2048, power: 'poweredOn' }, 'the running machine is as it was');
    t.equal(await verb('restart', 'Restart', 'Hard'), 'Succeeded');
    const restarted = await lab.untilReady('web', (now) => bootId(now) === '2' && condition(now, 'RestartRequired')?.status === 'False');
    t.same(restarted.status?.pendingChanges ?? [], []);
    t.match(await lab.native(native), {
      cpus: 4,
      memory: 3072,
      power: 'poweredOn',
      disks: seen.disks,
      cards: seen.cards,
      serial: seen.serial,
    });

    t.equal(await verb('pause', 'Pause'), 'Succeeded');
    await lab.untilReady('web', ({ status }) => status?.power?.state === 'Paused');
    t.equal((await lab.native(native)).power, 'suspended');
    t.equal(await verb('resume', 'Resume'), 'Succeeded');
    t.equal(await verb('reset', 'Reset'), 'Succeeded');
    await lab.untilReady('web', (now) => now.status?.power?.state === 'Running' && bootId(now) === '2');
    await patch({ runStrategy: 'Halted' });
    await lab.untilReady('web', ({ status }) => status?.power?.state === 'Stopped');
    t.equal((await lab.native(native)).power, 'poweredOff');
    await patch({ runStrategy: 'Manual' });
    t.equal(await verb('start', 'Start'), 'Succeeded');
    await lab.untilReady('web', (now) => now.status?.power?.state === 'Running' && bootId(now) === '3');
    t.equal(await verb('stop', 'Stop', 'Hard'), 'Succeeded');
    await lab.untilReady('web', ({ status }) => status?.power?.state === 'Stopped');
    await patch({ runStrategy: 'Always' });
    await lab.untilReady('web', (now) => now.status?.power?.state === 'Running' && bootId(now) === '4');

    await lab.remove('web');
    const [said, destroyed] = ['DeleteDatastoreFile_Task', 'Destroy_Task'].map((each) => lab.changes().lastIndexOf(each));
    t.ok(said !== undefined && said >= 0 && said < (destroyed ?? 0), 'what it said goes before its folder does');
    t.same(await lab.onlooker.machines(), []);
    for (const file of disks) t.ok((await lab.stored()).includes(file), 'the machine left its disks');
    await lab.removeVolumes('web-root', 'web-data');
    t.notOk((await lab.stored()).includes(disks[0] ?? ''), 'the one to be deleted is gone');
    t.ok((await lab.stored()).includes(disks[1] ?? ''), 'the one to be retained is there');
    t.equal((await lab.onlooker.sessions()).length, 1);
    t.same(operator.troubles, []);
    await lab.clear();
    await operator.stop();
    t.same(await lab.onlooker.sessions(), [], 'no session is left behind');
  });

for (const mode of modes)
  await t.test(`${mode}: machines of the host's own are imported, adopted as they are, changed, and given back`, async (t) => {
    await using lab = await VsphereLab.open(world, mode, 2);
    const before = await lab.onlooker.machines();
    const folder = await mkdtemp(join(tmpdir(), 'virtwright-vsphere-'));
    t.teardown(() => rm(folder, { recursive: true, force: true }));
    const { username, password, ca } = lab.vcsim;
    await mkdir(join(folder, 'credentials'));
    for (const [key, value] of Object.entries({ username, password, 'ca.crt': ca }))
      await writeFile(join(folder, 'credentials', key), value);
    const asked = [
      'import',
      '--host',
      lab.uri,
      '--credentials',
      join(folder, 'credentials'),
      '--hypervisor',
      'esx1',
      '-o',
      join(folder, 'host'),
    ];
    t.match(await runProgram({ kubeconfig: world.cluster.kubeconfigPath }, ...asked), {
      code: 0,
      out: /^2 machines of 2 in /,
    });

    await using operator = await lab.start();
    await world.apply(lab.secret());
    await world.kubectl('apply', '-R', '-f', join(folder, 'host'));
    const names = (await readdir(join(folder, 'host/machines'))).map((file) => file.replace('.yaml', ''));
    for (const name of names) t.match((await lab.untilReady(name)).status, { adopted: true, power: { state: 'Running' } });
    const now = await lab.onlooker.machines();
    const bare = (all: typeof now) => all.map(({ extra: _, managedBy: __, ...rest }) => rest);
    t.same(bare(now), bare(before), 'nothing of them has changed');
    const ours = now.filter(({ managedBy }) => managedBy?.extensionKey === 'io.virtwright');
    t.equal(ours.length, 2);

    const [first = ''] = names;
    const [native] = ours.filter(({ name }) => name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-') === first);
    if (native === undefined) throw new Error(`no machine is called ${first}`);
    await world.kubectl(
      'patch',
      'virtualmachine',
      first,
      '--type=merge',
      '-p',
      '{"spec":{"memory":{"size":"64Mi"},"stop":{"mode":"Hard"}}}',
    );
    await world.until('VirtualMachine', first, (seen) => condition(seen, 'RestartRequired')?.status === 'True');
    await world.kubectl(
      'patch',
      'virtualmachine',
      first,
      '--type=merge',
      '-p',
      '{"spec":{"updatePolicy":{"allow":["Live","Hotplug","Restart"]}}}',
    );
    const changed = await lab.untilNative(native.name, ({ memory, power }) => memory === 64 && power === 'poweredOn');
    t.same([changed.disks, changed.cards], [native.disks, native.cards], 'what no manifest can say is there');

    const released = await runProgram({ kubeconfig: world.cluster.kubeconfigPath }, 'release', ...names);
    t.match(released, { code: 0 });
    for (const one of await lab.onlooker.machines()) {
      t.equal(one.power, 'poweredOn');
      t.same([one.extra, one.managedBy], [{}, null], 'nothing of us is left on it');
    }
    t.same(operator.troubles, []);
    for (const kind of ['storagevolumes', 'virtualnetworks', 'storagepools']) await world.kubectl('delete', kind, '--all', '-A');
    await world.delete('Hypervisor', 'esx1');
    await world.kubectl('delete', 'secret', 'esx1', '--namespace', namespace);
  });
