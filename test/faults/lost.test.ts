import t from 'tap';
import type { VirtualMachine } from '#crds/types.js';
import { condition } from '#test/cluster/world.js';
import { stalledWith, useLab } from './lab.js';

const lab = await useLab(t);
const { world } = lab;

const bootId = (machine: VirtualMachine | undefined) => machine?.status?.run?.bootId;
const all = () => [
  lab.hypervisor(),
  lab.pool(),
  ...lab.guestVolumes(),
  lab.volume('web'),
  lab.guest('web', { disk: true }),
  lab.machine('bare'),
];

await t.test('no machine of a lost cluster is started twice, and a word takes all of it back as it runs', async (t) => {
  const operator = await lab.start();
  await world.apply(...all());
  const before = await lab.untilReady('web');
  await lab.untilReady('bare');
  await lab.banner(before);
  t.equal(await lab.untilBooted('web', 1), 1);
  const pids = [await lab.qemu('default.web'), await lab.qemu('default.bare')];
  const files = await lab.stored();
  const { location } = (await world.get('StorageVolume', 'web'))?.status ?? {};

  await t.test('the API server restarts', async (t) => {
    await world.cluster.restart();
    await world.kubectl('annotate', 'virtualmachine', 'web', 'after=restart');
    await lab.daemon.virsh('destroy', 'default.bare');
    await lab.untilReady('bare', (seen) => bootId(seen) === '2');
    pids[1] = await lab.qemu('default.bare');
    t.equal(await lab.qemu('default.web'), pids[0], 'the guest runs on');
  });

  await t.test('the data is lost', async (t) => {
    await world.cluster.wipe();
    await world.installCrds();
    await world.apply(...all());
    for (const name of ['web', 'bare']) {
      const stalled = await world.until('VirtualMachine', name, (seen) => stalledWith(seen)?.startsWith('RestoredOrCopied') ?? false);
      t.match(stalledWith(stalled), 'virtwright.io/take-over=');
      t.equal(stalled.status?.hypervisor, undefined, 'it is not bound');
    }
    const pool = await world.until('StoragePoolInstance', 'fast.one', (seen) => stalledWith(seen) !== undefined);
    t.match(stalledWith(pool), /^NotOurs.*virtwright.io\/take-over=All/);
    t.same([await lab.qemu('default.web'), await lab.qemu('default.bare')], pids, 'the guests run on');
    t.same(await lab.stored(), files);
  });

  await t.test('the word is given on the Hypervisor', async (t) => {
    await world.apply(lab.hypervisor({ 'virtwright.io/take-over': 'All' }));
    const after = await lab.untilReady('web');
    await lab.untilReady('bare', (seen) => bootId(seen) === '2');
    t.equal(after.status?.uuid, before.status?.uuid, 'the guest keeps its uuid');
    t.equal((await world.get('StorageVolume', 'web'))?.status?.location, location, 'the disk is the same file');
    t.same([await lab.qemu('default.web'), await lab.qemu('default.bare')], pids, 'without a reboot');
    t.equal(await lab.boots('web'), 1);
    t.same(await lab.stored(), files, 'nothing was made anew or left half-made');
    t.match(await lab.banner(after), 'ready: web');
  });

  await t.test('what was taken over is as good as new', async (t) => {
    await world.apply(lab.hypervisor());
    await lab.daemon.virsh('destroy', 'default.bare');
    await lab.untilReady('bare', (seen) => bootId(seen) === '3');
    await lab.remove('web', 'bare');
    for (const name of ['web', 'kernel', 'initrd']) await world.delete('StorageVolume', name);
    for (const name of ['web', 'kernel', 'initrd']) await world.untilGone('StorageVolume', name);
    t.same(await lab.stored(), []);
    await world.delete('StoragePool', 'fast');
    await world.untilGone('StoragePool', 'fast');
    t.equal((await lab.daemon.virsh('pool-list', '--all', '--name')).trim(), '');
    t.equal(condition((await world.get('Hypervisor', 'one')) ?? {}, 'Ready')?.status, 'True');
  });
  await operator.stop();
});

await t.test('objects made anew take over one by one, by the words that their conditions name', async (t) => {
  const objects = (words: { readonly volume?: string; readonly machine?: string } = {}) => [
    lab.hypervisor(),
    lab.pool(),
    lab.volume('disk', {}, words.volume === undefined ? {} : { 'virtwright.io/take-over': words.volume }),
    lab.machine(
      'anew',
      { disks: [{ name: 'root', volumeRef: { name: 'disk' } }], stop: { mode: 'Hard' } },
      words.machine === undefined ? {} : { 'virtwright.io/take-over': words.machine },
    ),
  ];
  const operator = await lab.start();
  await world.apply(...objects());
  await lab.untilReady('anew');
  await operator.stop();
  const pid = await lab.qemu('default.anew');
  const files = await lab.stored();

  for (const [kind, name] of [
    ['virtualmachine', 'anew'],
    ['storagevolume', 'disk'],
  ] as const) {
    await world.kubectl('delete', kind, name, '--wait=false');
    await world.kubectl('patch', kind, name, '--type=merge', '-p', '{"metadata":{"finalizers":null}}');
  }
  await world.apply(...objects());
  await using again = await lab.start();
  const word = (said: string | undefined) => /virtwright\.io\/take-over=(\S+)/.exec(said ?? '')?.[1] as string;
  const volume = stalledWith(await world.until('StorageVolume', 'disk', (seen) => stalledWith(seen) !== undefined));
  t.match(volume, /^RestoredOrCopied/);
  await world.apply(...objects({ volume: word(volume) }));
  const machine = stalledWith(await world.until('VirtualMachine', 'anew', (seen) => stalledWith(seen) !== undefined));
  t.match(machine, /^RestoredOrCopied/);
  await world.apply(...objects({ volume: word(volume), machine: word(machine) }));
  await lab.untilReady('anew');
  t.equal(await lab.qemu('default.anew'), pid, 'without a reboot');
  t.same(await lab.stored(), files);
  await lab.remove('anew');
  t.same(again.troubles, []);
});
