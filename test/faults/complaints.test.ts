import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { VirtualMachine } from '#crds/types.js';
import { domainUndefineFlags, storageVolDelete } from '#drivers/libvirt/rpc/procedures.js';
import { healthScripts } from '#test/cluster/misjudged.js';
import { runProgram } from '#test/cluster/program.js';
import { condition } from '#test/cluster/world.js';
import { AssetsMissing } from '#test/peers/build.js';
import { buildJudge } from '#test/peers/judge.js';
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

await t.test('6: what others made is imported whole, and what is on or off is seen, and made so', async (t) => {
  const uuid = '11111111-2222-4333-8444-555555555561';
  const os = "<os><type arch='x86_64' machine='q35'>hvm</type></os>";
  const xml = join(daemon.directory, 'theirs.xml');
  await writeFile(xml, `<domain type='qemu'><name>theirs</name><uuid>${uuid}</uuid><memory unit='MiB'>32</memory>${os}</domain>`);
  await daemon.virsh('define', xml);
  await daemon.virsh('start', 'theirs');
  const pid = await lab.qemu('theirs');
  const folder = join(daemon.directory, 'imported');
  const ran = await runProgram({ kubeconfig: world.cluster.kubeconfigPath }, 'import', '--host', daemon.uri, '-o', folder, 'theirs');
  t.match(ran, { code: 0, out: /^1 machine of / });
  const grants = [...hypervisor.spec.grants, { name: 'imported', namespaces: { from: 'All' }, machines: [uuid] }];
  await world.apply({ ...hypervisor, spec: { ...hypervisor.spec, uri, grants } });
  await world.kubectl('apply', '-f', join(folder, 'machines'));
  const placed = { spec: { placement: { hypervisorRef: { name: 'one' } }, stop: { mode: 'Hard' } } };
  await world.kubectl('patch', 'virtualmachine/theirs', '--type=merge', '-p', JSON.stringify(placed));
  const taken = await lab.untilReady('theirs');
  t.equal(await lab.qemu('theirs'), pid, 'the import comes to an end, and nothing was restarted for it');
  t.match(taken.status, { power: { state: 'Running' }, adopted: true });

  await daemon.virsh('destroy', 'theirs');
  await lab.untilReady('theirs', ({ status }) => status?.run?.lastStop?.cause === 'Cut' && status.power?.state === 'Running');
  t.ok(await lab.qemu('theirs'), 'what stopped is not taken for well: it was started again');
  await world.kubectl('patch', 'virtualmachine/theirs', '--type=merge', '-p', '{"spec":{"runStrategy":"Halted"}}');
  await lab.untilReady('theirs', ({ status }) => status?.power?.state === 'Stopped');
  // It may be stopped so soon that virsh does not see it start.
  const started = await daemon.virsh('start', 'theirs').catch(({ stderr }: { readonly stderr: string }) => stderr);
  t.match(started, /Domain 'theirs' started|terminating on signal 15|destroyed/, 'somebody starts it by hand');
  await lab.until('it is stopped again', async () => (await lab.qemu('theirs')) === undefined);
  await lab.untilReady('theirs', ({ status }) => status?.power?.state === 'Stopped');
  await lab.remove('theirs');
});

await t.test('10: a machine that is meant to be off is healthy, and nothing that was applied is out of sync', async (t) => {
  const file = join(daemon.directory, 'resting.json');
  const disks = [{ name: 'root', volumeTemplate: { size: '8Mi' } }];
  const asked = {
    apiVersion: 'virtwright.io/v1alpha1',
    ...lab.machine('resting', { runStrategy: 'Halted', disks, devices: { serial: {} } }),
  };
  await writeFile(file, JSON.stringify(asked));
  await world.kubectl('apply', '-f', file);
  const resting = await lab.untilReady('resting', ({ status }) => status?.power?.state === 'Stopped');
  t.equal(await world.kubectl('diff', '-f', file), '', 'kubectl diff, as any GitOps tool, sees none');
  t.equal(resting.metadata.generation, 1, 'nobody wrote into its spec');
  const told = JSON.parse(await world.kubectl('get', 'virtualmachine', 'resting', '--show-managed-fields', '-o', 'json'));
  const managers: readonly { readonly manager: string; readonly fieldsV1: object }[] = told.metadata.managedFields;
  t.same(
    managers.filter(({ fieldsV1 }) => 'f:spec' in fieldsV1).map(({ manager }) => manager),
    ['kubectl-client-side-apply'],
  );
  const judge = await buildJudge().catch((reason: unknown) => {
    if (!(reason instanceof AssetsMissing) || process.env['CI'] === 'true') throw reason;
  });
  if (judge === undefined) t.comment('without Go there is nobody to judge it');
  else
    t.match(
      await judge([{ ...asked, ...resting }], healthScripts),
      [{ status: 'Current', health: { status: 'Healthy' } }],
      'for Flux and Argo CD',
    );
  await lab.remove('resting');
});

await t.test('13: addresses are the same after a restart and after a loss, given by the network, with no word to the guest', async (t) => {
  const macAddress = '52:54:00:61:00:13';
  const dhcp = { ranges: [{ start: '10.62.0.100', end: '10.62.0.200' }], hosts: [{ macAddress, ip: '10.62.0.13' }] };
  const interfaces = [
    { name: 'fixed', networkRef: { name: 'fixed' }, macAddress },
    { name: 'chosen', networkRef: { name: 'fixed' } },
  ];
  await world.apply(
    {
      kind: 'VirtualNetwork',
      metadata: { name: 'fixed', namespace: 'default' },
      spec: { forward: { mode: 'NAT' }, ipv4: { address: '10.62.0.1/24', dhcp } },
    },
    lab.guest('steady', { words: 'vw.dhcp' }, { interfaces, stop: { mode: 'Hard' } }),
  );
  const addressed = ({ status }: VirtualMachine) => (status?.interfaces?.[0]?.addresses ?? []).some(({ ip }) => ip === '10.62.0.13');
  const cards = ({ status }: VirtualMachine) => status?.interfaces?.map((one) => [one.name, one.macAddress]);
  const first = await lab.untilReady('steady', addressed);
  t.match(cards(first), [
    ['fixed', macAddress],
    ['chosen', /^52:/],
  ]);
  await world.apply(restart('steady'));
  const second = await lab.untilReady('steady', (seen) => boot(seen) === '2' && addressed(seen));
  t.same(cards(second), cards(first));
  await daemon.virsh('destroy', 'default.steady');
  await daemon.virsh('undefine', 'default.steady').catch(() => {});
  const third = await lab.untilReady('steady', (seen) => Number(boot(seen)) > 2 && addressed(seen));
  t.same(cards(third), cards(first), 'made anew, it is the same to its network');
  await lab.remove('steady');
});
