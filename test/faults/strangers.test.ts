import { randomUUID } from 'node:crypto';
import { access, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { condition } from '#test/cluster/world.js';
import { isReady, stalledWith, useLab } from './lab.js';

const lab = await useLab(t);
const { world, daemon } = lab;

/** A machine that somebody made with virsh. */
async function byHand(nativeName: string, uuid: string = randomUUID()): Promise<string> {
  const file = join(daemon.directory, `${nativeName}.xml`);
  const os = '<os><type arch="x86_64">hvm</type></os>';
  await writeFile(file, `<domain type="qemu"><name>${nativeName}</name><uuid>${uuid}</uuid><memory>32768</memory>${os}</domain>`);
  await daemon.virsh('define', file);
  return uuid;
}
const stalled = async (kind: 'VirtualMachine' | 'StorageVolume', name: string) =>
  stalledWith(await world.until(kind, name, (seen) => stalledWith(seen) !== undefined));

await t.test('a machine of our name, or of our uuid, that somebody else made is named and left alone', async (t) => {
  await using operator = await lab.start();
  await world.apply(lab.hypervisor(), lab.pool());
  const uuid = await byHand('default.taken');
  const other = await byHand('something-else');
  const before = await Promise.all([uuid, other].map((one) => daemon.virsh('dumpxml', one)));
  await world.apply(lab.machine('taken'), lab.machine('twin', { uuid: other }));
  t.match(await stalled('VirtualMachine', 'taken'), /^NotOurs: .*default\.taken.*did not make/);
  t.match(await stalled('VirtualMachine', 'twin'), /^NotOurs: .*something-else.*did not make/);
  await lab.remove('twin');
  t.same(await Promise.all([uuid, other].map((one) => daemon.virsh('dumpxml', one))), before, 'not a letter of them was changed');

  await daemon.virsh('undefine', 'default.taken');
  await lab.untilReady('taken');
  t.not((await world.get('VirtualMachine', 'taken'))?.status?.uuid, uuid);
  await lab.remove('taken');
  await daemon.virsh('undefine', 'something-else');
  t.same(operator.troubles, []);
});

await t.test("another cluster's machine of the same name is left alone, and runs on", async (t) => {
  const theirs = await world.start({ connect: (await import('#drivers/connect.js')).connect, hypervisors: ['one'], cluster: 'east' });
  await world.apply(lab.hypervisor(), lab.pool(), lab.machine('shared'));
  await lab.untilReady('shared');
  await theirs.stop();
  const pid = await lab.qemu('default.shared');
  await world.kubectl('delete', 'virtualmachine', 'shared', '--wait=false');
  await world.kubectl('patch', 'virtualmachine', 'shared', '--type=merge', '-p', '{"metadata":{"finalizers":null}}');
  await world.untilGone('VirtualMachine', 'shared');

  await using _ours = await lab.start();
  await world.apply(lab.machine('shared'));
  t.match(await stalled('VirtualMachine', 'shared'), /^NotOurs: .*cluster "east"/);
  await lab.remove('shared');
  t.equal(await lab.qemu('default.shared'), pid);
  await daemon.virsh('destroy', 'default.shared');
  await daemon.virsh('undefine', 'default.shared');
});

await t.test('a file that has the name of our volume is not written into, and not deleted', async (t) => {
  await world.apply(lab.hypervisor(), lab.pool());
  await (async () => {
    await using _operator = await lab.start();
    await world.until('StoragePoolInstance', 'fast.one', isReady);
  })();
  // Nobody works for the host while somebody puts a file where the volume would be.
  const url = lab.images.put('image', { bytes: Buffer.alloc(1 << 20, 'image') });
  await world.apply(lab.volume('data', { source: { url, format: 'Raw' } }), lab.volume('empty'));
  const names = await Promise.all(
    ['data', 'empty'].map(async (name) => `default.${name}-${(await world.get('StorageVolume', name))?.metadata.uid.slice(0, 8)}`),
  );
  for (const name of names) await writeFile(join(lab.poolPath, name), 'somebody cares for this');
  await using operator = await lab.start();
  for (const name of ['data', 'empty']) t.match(await stalled('StorageVolume', name), /^NotOurs: /);
  for (const name of ['data', 'empty']) await world.delete('StorageVolume', name);
  for (const name of ['data', 'empty']) await world.untilGone('StorageVolume', name);
  for (const name of names) t.equal(await readFile(join(lab.poolPath, name), 'utf8'), 'somebody cares for this');
  t.same(await lab.stored(), [...names].sort(), 'nor was anything put beside it');
  t.same(operator.troubles, []);
});

await t.test('names as long as they may be work from apply to deleted', async (t) => {
  const namespace = 'n'.repeat(63);
  const machine = 'm'.repeat(63);
  const volume = 'v'.repeat(128);
  const disk = 'd'.repeat(20);
  const within = <M extends { readonly metadata: object }>(manifest: M) => ({ ...manifest, metadata: { ...manifest.metadata, namespace } });
  const hypervisor = lab.hypervisor();
  await using operator = await lab.start();
  await world.kubectl('create', 'namespace', namespace);
  await world.apply(
    { ...hypervisor, spec: { ...hypervisor.spec, namePrefix: 'p'.repeat(20) } },
    lab.pool(),
    within(lab.volume(volume)),
    within(lab.machine(machine, { disks: [{ name: disk, volumeRef: { name: volume } }], devices: { serial: {} } })),
  );
  const ready = await world.until('VirtualMachine', machine, isReady, { namespace });
  const nativeName = `${'p'.repeat(20)}.${namespace}.${machine}`;
  t.equal(ready.status?.nativeName, nativeName);
  t.match(await daemon.virsh('domstate', nativeName), 'running');
  const { location } = (await world.get('StorageVolume', volume, namespace))?.status ?? {};
  await access(location ?? '');
  t.match(await daemon.virsh('dumpxml', nativeName), location);

  await world.delete('VirtualMachine', machine, namespace);
  await world.untilGone('VirtualMachine', machine, namespace);
  await world.delete('StorageVolume', volume, namespace);
  await world.untilGone('StorageVolume', volume, namespace);
  await t.rejects(access(location ?? ''));
  t.equal(condition(ready, 'Ready')?.reason, 'Running');
  t.same(operator.troubles, []);
});
