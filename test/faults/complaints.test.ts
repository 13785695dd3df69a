import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { VirtualMachine } from '#crds/types.js';
import { domainUndefineFlags, storageVolDelete } from '#drivers/libvirt/rpc/procedures.js';
import { condition } from '#test/cluster/world.js';
import { LibvirtProxy } from '#test/servers/libvirt-proxy.js';
import { isReady, useLab } from './lab.js';

// What users of other tools complain about most, and what is done here instead. QEMU is not root, as on any distribution.
const user = Number(execFileSync('id', ['-u', 'nobody'], { encoding: 'utf8' }));
const group = Number(execFileSync('id', ['-g', 'nobody'], { encoding: 'utf8' }));
const lab = await useLab(t, { qemuConfig: `user = "+${user}"\ngroup = "+${group}"\n` });
const { world, daemon } = lab;
await chmod(daemon.directory, 0o755);
const MiB = 2 ** 20;

const proxy = await LibvirtProxy.start(join(daemon.directory, 'proxy-sock'), daemon.socketPath);
t.teardown(() => proxy[Symbol.asyncDispose]());
/** The calls that take something away, in order. */
const destroyed: string[] = [];
const destroying = new Map([domainUndefineFlags, storageVolDelete].map(({ number, name }) => [number, name]));
proxy.meet(async ({ procedure }) => {
  const name = destroying.get(procedure);
  if (name !== undefined) destroyed.push(name);
  return 'pass';
});

const hypervisor = lab.hypervisor();
const uri = daemon.uri.replace(/socket=.*/, `socket=${proxy.path}`);
await world.apply({ ...hypervisor, spec: { ...hypervisor.spec, uri } }, lab.pool(), ...lab.guestVolumes());
const operator = await lab.start({ pace: { guests: { firstMs: 300, mostMs: 2_000, settledMs: 2_000 } } });
t.teardown(() => operator.stop());

const restart = (name: string) => ({
  kind: 'VirtualMachineAction',
  metadata: { name: `${name}-restart`, namespace: 'default' },
  spec: { machineRef: { name }, verb: 'Restart', mode: 'Hard' },
});
const boot = ({ status }: VirtualMachine) => status?.run?.bootId;

await t.test('1: another memory size or CPU count never replaces a machine', async (t) => {
  const disks = [{ name: 'root', volumeRef: { name: 'kept' } }];
  const sized = (count: number, size: string) =>
    lab.machine('resized', { cpu: { count }, memory: { size }, firmware: { type: 'UEFI' }, disks, devices: { rng: {} } });
  await world.apply(lab.volume('kept'), sized(1, '128Mi'));
  const first = await lab.untilReady('resized', ({ status }) => status?.power?.state === 'Running');
  const pid = await lab.qemu('default.resized');
  const identity = async () => {
    const { metadata, status } = (await world.get('VirtualMachine', 'resized')) ?? {};
    const written = await stat(join(daemon.directory, 'lib/qemu/nvram/default.resized_VARS.fd'));
    const uuid = (await daemon.virsh('domuuid', 'default.resized')).trim();
    return [metadata?.uid, status?.uuid, uuid, status?.volumes, written.ino, status?.hardware];
  };
  const before = await identity();
  const asked = destroyed.length;

  await world.apply(sized(2, '256Mi'));
  const waiting = await lab.untilReady('resized', ({ status }) => (status?.pendingChanges ?? []).length === 2);
  t.match(condition(waiting, 'RestartRequired'), { status: 'True', message: /spec.cpu.count.*spec.memory.size/s });
  t.equal(await lab.qemu('default.resized'), pid, 'it runs on until it is restarted by whoever it belongs to');
  await world.apply(restart('resized'));
  const again = await lab.untilReady('resized', (seen) => boot(seen) === '2' && condition(seen, 'RestartRequired')?.status === 'False');
  t.same(await identity(), before, 'uuid, disk, firmware’s memory and the host’s choices are the same');
  t.match(await daemon.virsh('dominfo', 'default.resized'), /CPU\(s\): +2\n[\s\S]*Max memory: +262144 KiB/);
  t.not(boot(first), boot(again));
  t.same(destroyed.slice(asked), [], 'and the host was never asked to forget anything');
  await lab.remove('resized');
});

await t.test('2: a volume grows where it is, used or not, and keeps what is in it', async (t) => {
  const path = async () => (await world.get('StorageVolume', 'data'))?.status?.location ?? '';
  const sized = (size: string) => lab.volume('data', { size });
  const grown = async (size: string) => {
    await world.apply(sized(size));
    await world.until('StorageVolume', 'data', (seen) => seen.status?.virtualSize === size && isReady(seen));
  };
  await world.apply(sized('8Mi'));
  await world.until('StorageVolume', 'data', isReady);
  const content = randomBytes(8 * MiB);
  const file = await open(await path(), 'r+');
  await file.write(content);
  await file.close();
  const { ino } = await stat(await path());
  const { uid } = (await world.get('StorageVolume', 'data'))?.metadata ?? {};
  const asked = destroyed.length;

  await grown('16Mi');
  await world.apply(lab.machine('user', { disks: [{ name: 'data', volumeRef: { name: 'data' } }] }));
  await lab.untilReady('user', ({ status }) => status?.power?.state === 'Running');
  const pid = await lab.qemu('default.user');
  await grown('24Mi');
  t.equal(await lab.qemu('default.user'), pid, 'beneath a machine that runs on');
  const stored = await readFile(await path());
  t.equal(stored.length, 24 * MiB);
  t.ok(stored.subarray(0, 8 * MiB).equals(content));
  t.ok(stored.subarray(8 * MiB).every((byte) => byte === 0));
  t.same([(await stat(await path())).ino, (await world.get('StorageVolume', 'data'))?.metadata.uid], [ino, uid]);
  t.same(destroyed.slice(asked), []);
  await t.rejects(world.apply(sized('8Mi')), /spec\.size/, 'smaller is refused, and not done by making it anew');
  await lab.remove('user');
});

await t.test('4: nobody waits for an address, nobody looks for ever, and nothing is called an address before it is one', async (t) => {
  const dhcp = { ranges: [{ start: '10.61.0.100', end: '10.61.0.200' }] };
  const lan = { forward: { mode: 'NAT' }, ipv4: { address: '10.61.0.1/24', dhcp } };
  const interfaces = [{ name: 'lan', networkRef: { name: 'lan' } }];
  await world.apply(
    { kind: 'VirtualNetwork', metadata: { name: 'lan', namespace: 'default' }, spec: lan },
    lab.machine('mute', { interfaces: interfaces.map((one) => ({ ...one, linkState: 'Down' })) }),
    lab.guest('talks', { words: 'vw.dhcp' }, { interfaces, stop: { mode: 'Hard' } }),
  );
  const mute = await lab.untilReady('mute');
  t.not(condition(mute, 'AddressKnown')?.status, 'True', 'Ready, although it has no address and never will');
  t.match(await lab.untilReady('talks'), { status: { power: { state: 'Running' } } });
  const known = await lab.untilReady('talks', (seen) => condition(seen, 'AddressKnown')?.status === 'True');
  const [{ ip = '', source = '' } = {}] = known.status?.interfaces?.[0]?.addresses ?? [];
  t.match([ip, source], [/^10\.61\.0\.1\d\d$/, /^(Lease|ARP)$/]);
  t.match(await daemon.virsh('net-dhcp-leases', 'default.lan'), ip, 'it is what the DHCP server gave');

  await world.until('VirtualMachine', 'mute', (seen) => condition(seen, 'AddressKnown')?.reason === 'NoAddress');
  const writes = operator.writes.length;
  await sleep(3_000);
  t.equal(operator.writes.length, writes, 'looking for an address writes nothing');
  t.same((await world.get('VirtualMachine', 'mute'))?.status?.interfaces?.[0]?.addresses ?? [], []);
  await lab.remove('mute', 'talks');
});

await t.test('5: who may not open what is found before the start, with the remedy; and disks are paths', async (t) => {
  const closed = join(daemon.directory, 'closed');
  await mkdir(closed, { mode: 0o700 });
  const machine = lab.machine('private', { disks: [{ name: 'root', volumeRef: { name: 'private' } }] });
  await world.apply(
    { kind: 'StoragePool', metadata: { name: 'closed' }, spec: { directory: { path: join(closed, 'pool') } } },
    lab.volume('private', { poolRef: { name: 'closed' } }),
    machine,
  );
  const remedy = new RegExp(`QEMU runs as ${user}:${group}, which may not search ${closed} .*chmod o\\+x ${closed}`);
  const denied = await world.until('StoragePoolInstance', 'closed.one', (seen) => condition(seen, 'Stalled')?.status === 'True');
  t.match(condition(denied, 'Stalled'), { reason: 'Denied', message: remedy });
  t.equal(await lab.qemu('default.private'), undefined);

  await chmod(closed, 0o711);
  await world.kubectl('annotate', 'storagepoolinstance', 'closed.one', 'look=again');
  await lab.untilReady('private', ({ status }) => status?.power?.state === 'Running');
  const pid = (await lab.qemu('default.private')) ?? 0;
  t.match(await readFile(`/proc/${pid}/status`, 'utf8'), new RegExp(`^Uid:\\s+${user}\\s`, 'm'), 'QEMU is not root');
  const disks = (await daemon.virsh('dumpxml', '--inactive', 'default.private')).match(/<disk .*?<\/disk>/gs) ?? [];
  t.match(disks, [new RegExp(`^<disk type='file'[\\s\\S]*<source file='${closed}/pool/`)]);

  await chmod(closed, 0o700);
  await daemon.virsh('destroy', 'default.private');
  const failed = await world.until('VirtualMachine', 'private', (seen) => remedy.test(JSON.stringify(seen.status?.conditions)));
  t.notOk(isReady(failed));
  await chmod(closed, 0o711);
  await lab.untilReady('private', ({ status }) => status?.power?.state === 'Running');
  await lab.remove('private');
});
