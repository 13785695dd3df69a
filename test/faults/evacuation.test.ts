import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { connect } from '#drivers/connect.js';
import { startLibvirtd } from '#test/peers/libvirtd.js';
import { hideKvm, isReady, useLab } from './lab.js';

// Two hosts that see one directory, as two see one NFS export.
const lab = await useLab(t);
const { world } = lab;
const other = await startLibvirtd();
t.teardown(() => other.stop());
await hideKvm(other);
const path = await mkdtemp(join(tmpdir(), 'vw-shared-'));
t.teardown(() => rm(path, { recursive: true, force: true }));

const daemons = { one: lab.daemon, two: other };
type Name = keyof typeof daemons;
const hypervisor = (name: Name, maintenance: 'None' | 'Cordon' | 'Evacuate') => {
  const { spec } = lab.hypervisor();
  return { kind: 'Hypervisor', metadata: { name }, spec: { ...spec, uri: daemons[name].uri, maintenance } };
};
const pool = { kind: 'StoragePool', metadata: { name: 'fast' }, spec: { span: 'Shared', directory: { path } } };
const machinesOf = async (name: Name) => (await daemons[name].virsh('list', '--all', '--name')).trim().split('\n').filter(Boolean).sort();
const start = () => world.start({ connect, hypervisors: ['one', 'two'] });
const untilOn = (name: string, host: Name) =>
  lab.untilReady(name, ({ status }) => status?.hypervisor === host && status.evacuation === undefined);

await t.test('a guest is shut down, and boots from the same disk on the other host', async (t) => {
  await using operator = await start();
  await world.apply(hypervisor('one', 'None'), hypervisor('two', 'Cordon'), pool, ...lab.guestVolumes(), lab.volume('web'));
  await world.apply(lab.guest('web', { disk: true }), lab.machine('bare', { firmware: { type: 'BIOS' }, runStrategy: 'Halted' }));
  const before = await untilOn('web', 'one');
  await untilOn('bare', 'one');
  t.match(await lab.banner(before), 'ready: web');
  t.equal(await lab.untilBooted('web', 1), 1);

  await world.apply(hypervisor('two', 'None'), hypervisor('one', 'Evacuate'));
  const after = await untilOn('web', 'two');
  t.equal(await lab.untilBooted('web', 2), 2, 'it booted once more, from the disk that it had');
  t.match(after.status, {
    uuid: before.status?.uuid,
    run: { bootId: '2', lastStop: { cause: 'Requested' } },
    interfaces: before.status?.interfaces,
  });
  await untilOn('bare', 'two');
  t.same(await machinesOf('one'), [], 'nothing of them is on the host that they left');
  t.same(await machinesOf('two'), ['default.bare', 'default.web']);
  t.match((await world.get('Hypervisor', 'one'))?.status?.maintenance, { machines: 0, leaving: 0, staying: 0 });
  t.same(
    operator.troubles.filter((trouble) => !/Conflict/.test(trouble)),
    [],
  );
});

await t.test('a daemon that dies while its host is emptied makes nobody start the machine twice', async (t) => {
  await world.apply(hypervisor('one', 'None'), hypervisor('two', 'Evacuate'));
  const first = await start();
  await world.until('VirtualMachine', 'web', ({ status }) => status?.evacuation?.requestedAt !== undefined);
  await other.kill9();
  t.notOk((await machinesOf('one')).includes('default.web'), 'whoever cannot be asked has it still');
  await first.stop();
  await using _second = await start();
  await other.restart();
  await untilOn('web', 'one');
  t.equal(await lab.untilBooted('web', 3), 3);
  await untilOn('bare', 'one');
  t.same(await machinesOf('two'), []);
  await lab.remove('web', 'bare');
  for (const name of ['web', 'kernel', 'initrd']) await world.delete('StorageVolume', name);
  for (const name of ['web', 'kernel', 'initrd']) await lab.untilGone('StorageVolume', name);
  for (const name of ['one', 'two'] as const) t.same(await machinesOf(name), []);
  t.ok(isReady((await world.get('Hypervisor', 'two')) ?? {}));
});
