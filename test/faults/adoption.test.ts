import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { runProgram } from '#test/cluster/program.js';
import { runShown, shownIn } from '#test/command-line/shown.js';
import { definedBy, lacking, variants } from '#test/import/virt-install.js';
import { stalledWith, useLab } from './lab.js';

// What others made by hand, as virt-install makes it: taken over from their host, changed, and given back.
const lab = await useLab(t);
const { world, daemon } = lab;
const kubeconfig = world.cluster.kubeconfigPath;
const folder = await mkdtemp(join(tmpdir(), 'virtwright-import-'));
t.teardown(() => rm(folder, { recursive: true, force: true }));
const operator = await lab.start();
t.teardown(() => operator.stop());

const pool = join(daemon.directory, 'theirs');
const uuids = { web: '11111111-2222-4333-8444-555555555501', idle: '11111111-2222-4333-8444-555555555502' };

/** With what a manifest can say, and with what it cannot: a sound card, a weight of its CPUs, an interface that is on no network. */
const domain = (name: string, uuid: string, devices: string) => `<domain type='qemu'>
  <name>${name}</name><uuid>${uuid}</uuid><title>of others</title>
  <memory unit='MiB'>64</memory>
  <vcpu current='1'>2</vcpu>
  <cputune><shares>512</shares></cputune>
  <os><type arch='x86_64' machine='q35'>hvm</type><boot dev='hd'/></os>
  <devices>${devices}
    <serial type='pty'/><console type='pty'/>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
  </devices></domain>`;

const disk = (file: string, type: string, target: string, bus: string, device = 'disk') =>
  `<disk type='file' device='${device}'><driver name='qemu' type='${type}'/><source file='${join(pool, file)}'/><target dev='${target}' bus='${bus}'/></disk>`;

const web = [
  disk('web.qcow2', 'qcow2', 'vda', 'virtio'),
  disk('data.img', 'raw', 'vdb', 'virtio'),
  disk('tools.iso', 'raw', 'sda', 'sata', 'cdrom'),
  "<interface type='network'><mac address='52:54:00:aa:bb:01'/><source network='theirs'/><model type='virtio'/></interface>",
  "<interface type='user'><mac address='52:54:00:aa:bb:02'/><model type='e1000e'/></interface>",
  "<graphics type='vnc' passwd='geheim'/><video><model type='virtio'/></video><sound model='ich9'/>",
].join('\n');

async function made(): Promise<void> {
  await mkdir(pool);
  await daemon.virsh('pool-define-as', 'theirs', 'dir', '--target', pool);
  await daemon.virsh('pool-start', 'theirs');
  for (const [name, format] of [
    ['web.qcow2', 'qcow2'],
    ['data.img', 'raw'],
    ['idle.qcow2', 'qcow2'],
  ] as const)
    await daemon.virsh('vol-create-as', 'theirs', name, '8M', '--format', format);
  await writeFile(join(pool, 'tools.iso'), Buffer.alloc(64 * 1024));
  await daemon.virsh('pool-refresh', 'theirs');
  for (const [name, xml] of [
    ['network', '<network><name>theirs</name></network>'],
    ['web', domain('web', uuids.web, web)],
    ['idle', domain('idle', uuids.idle, disk('idle.qcow2', 'qcow2', 'vda', 'virtio'))],
  ] as const) {
    await writeFile(join(daemon.directory, `${name}.xml`), xml);
    await daemon.virsh(name === 'network' ? 'net-define' : 'define', join(daemon.directory, `${name}.xml`));
  }
  await daemon.virsh('net-start', 'theirs');
  await daemon.virsh('autostart', 'web');
  await daemon.virsh('start', 'web');
}

await made();
const definition = (name: string) => daemon.virsh('dumpxml', '--inactive', '--security-info', name);
const before = { web: await definition('web'), idle: await definition('idle'), pid: await lab.qemu('web') };
/** What is ours is in the metadata, and there alone; libvirt keeps an empty element of it. */
const bare = (xml: string) => xml.replace(/\s*<metadata(\/>|>[\s\S]*?<\/metadata>)/, '');
const machine = (name: string) => world.get('VirtualMachine', name);

async function patched(object: string, patch: object): Promise<void> {
  const { code, stderr } = await world.cluster.kubectl('patch', object, '--type=merge', '-p', JSON.stringify(patch));
  if (code !== 0) throw new Error(stderr);
}

await t.test('what is there is written down, and nothing of it is secret or changed', async (t) => {
  const ran = await runProgram({ kubeconfig }, 'import', '--host', daemon.uri, '--hypervisor', 'one', '-o', folder);
  t.match(ran, { code: 0, out: /^2 machines of 2 in / });
  t.strictSame((await readdir(folder)).sort(), ['hypervisor.yaml', 'machines', 'networks.yaml', 'pools.yaml', 'volumes.yaml']);
  const written = await readFile(join(folder, 'machines/web.yaml'), 'utf8');
  t.match(written, /Kept on the host as it is, and not managed: .*interface 52:54:00:aa:bb:02.*sound.*cputune/);
  for (const word of ['geheim']) t.notOk(written.includes(word), 'a password is told to nobody');
  t.equal(await definition('web'), before.web);
  const again = await runProgram({ kubeconfig }, 'import', '--host', daemon.uri, '--hypervisor', 'one', '-o', folder);
  t.match(again, { code: 1, err: /has hypervisor.yaml.* already/ });
});

const planned = async () => {
  const ran = await runProgram({ kubeconfig }, 'plan', '-R', '-f', folder, '--operator-namespace', 'default', '-o', 'json');
  return {
    ...ran,
    ...(JSON.parse(ran.out) as { steps: { kind: string; name: string; action: string }[]; troubles: unknown[]; calls: string[] }),
  };
};

await t.test('once its host is there, a plan of it adopts, and does nothing else', async (t) => {
  t.match(await planned(), { code: 1, troubles: [{ message: /Hypervisor "one" is not there yet: apply it first/ }, {}], calls: [] });
  const { code: applied, err } = await runProgram({ kubeconfig }, 'apply', '-f', join(folder, 'hypervisor.yaml'));
  t.equal(applied, 0, err);
  await world.until(
    'Hypervisor',
    'one',
    (seen) => seen.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true,
  );
  const { code, steps, troubles, calls } = await planned();
  t.same([code, troubles], [2, []]);
  t.same([...new Set(calls.map((call) => call.split(' ')[0]))].sort(), ['adoption.adopt', 'machines.mark']);
  t.same(
    steps.filter(({ action }) => action === 'Adopt').map(({ kind, name }) => `${kind} ${name}`),
    ['VirtualMachine idle', 'VirtualMachine web'],
  );
  t.equal(await definition('web'), before.web);
});

await t.test('applied, the machines are ours, and nothing of them has changed', async (t) => {
  const { code, err } = await runProgram({ kubeconfig }, 'apply', '-R', '-f', folder);
  t.equal(code, 0, err);
  await lab.untilReady('web');
  await lab.untilReady('idle');
  t.equal(bare(await definition('web')), bare(before.web));
  t.equal(bare(await definition('idle')), bare(before.idle));
  t.equal(await lab.qemu('web'), before.pid, 'it is the same process');
  t.match(await daemon.virsh('dominfo', 'web'), /Autostart: +disable/, 'who starts it is decided elsewhere');
  t.equal((await machine('idle'))?.status?.power?.state, 'Stopped');
  const seen = await machine('web');
  t.strictSame(seen?.status?.pendingChanges, undefined, 'nothing waits to be done');
  t.strictSame(
    seen?.status?.interfaces?.map(({ name, macAddress }) => [name, macAddress]),
    [['nic0', '52:54:00:aa:bb:01']],
  );
  t.match(bare(await daemon.virsh('dumpxml', 'web')), /52:54:00:aa:bb:02/, 'what cannot be said is there');
});

await t.test('planned again, there is nothing to do', async (t) => {
  t.match(await planned(), { code: 0, steps: [], troubles: [], calls: [] });
});

await t.test('what was taken over is changed like any other, as its plan said', async (t) => {
  const file = join(folder, 'machines/web.yaml');
  await writeFile(file, (await readFile(file, 'utf8')).replace(/^( +size: )64Mi$/m, '$148Mi'));
  const said = (await planned()).steps.filter(({ name }) => name === 'web');
  t.match(said, [
    { action: 'Change', because: 'spec.memory.size' },
    { action: 'Define', changes: [{ field: 'spec.memory.size', class: 'Live' }] },
    { action: 'Apply' },
  ]);
  await patched('virtualmachine/web', { spec: { memory: { size: '48Mi' } } });
  await lab.until('it is in the definition', async () => /<currentMemory unit='KiB'>49152</.test(await definition('web')));
  const now = await definition('web');
  t.match(now, /<alias name='ua-vda'\/>/, 'from its next definition on devices carry their names');
  for (const kept of [/<shares>512</, /<sound model='ich9'/, /52:54:00:aa:bb:02/, /passwd='geheim'/]) t.match(now, kept);
  t.equal(await lab.qemu('web'), before.pid);
});

await t.test('what was not granted, or is something else, is refused, and nothing is touched', async (t) => {
  const uuid = '11111111-2222-4333-8444-555555555503';
  await writeFile(join(daemon.directory, 'other.xml'), domain('other', uuid, ''));
  await daemon.virsh('define', join(daemon.directory, 'other.xml'));
  const theirs = await definition('other');
  const manifest = (spec: object) => ({
    kind: 'VirtualMachine',
    metadata: { name: 'other', namespace: 'default', annotations: { 'virtwright.io/adopt': 'true' } },
    spec: { uuid, runStrategy: 'Halted', placement: { hypervisorRef: { name: 'one' } }, interfaces: [], ...spec },
  });
  await world.apply(manifest({ memory: { size: '1Gi' } }));
  const stalled = (why: RegExp) => world.until('VirtualMachine', 'other', (seen) => why.test(stalledWith(seen) ?? ''));
  await stalled(/^NotGranted: machine 11111111-\S+ may not be adopted by namespace "default" on one; name it in spec.grants\[\].machines/);
  const { spec } = (await world.get('Hypervisor', 'one')) ?? {};
  const grants = spec?.grants?.map((grant) => ({ ...grant, machines: [...(grant.machines ?? []), uuid] }));
  await patched('hypervisor/one', { spec: { grants } });
  await stalled(/^Differs: machine other on one has something else in .*spec\.memory\.size.*spec\.devices\.serial/);
  t.equal(await definition('other'), theirs);
  await world.delete('VirtualMachine', 'other');
  await lab.untilGone('VirtualMachine', 'other');
  t.equal(await definition('other'), theirs, 'deleted, too');
});

await t.test('released, they are theirs, and run on', async (t) => {
  const ran = await runProgram({ kubeconfig }, 'release', 'web', 'idle');
  t.match(ran, { code: 0, out: /virtualmachine\/web released\nvirtualmachine\/idle released\n/ });
  t.equal(await lab.qemu('web'), before.pid);
  t.equal(bare(await definition('idle')), bare(before.idle), 'to the letter');
  t.notMatch(await daemon.virsh('dumpxml', 'web'), /virtwright/);
  t.match(await daemon.virsh('dominfo', 'web'), /Autostart: +enable/, 'as it was');
  const again = await world.cluster.kubectl('apply', '-f', join(folder, 'machines/idle.yaml'));
  t.equal(again.code, 0, again.stderr);
  t.match((await lab.untilReady('idle')).status, { adopted: true, power: { state: 'Stopped' } }, 'its disk comes with it');
  t.match(await runProgram({ kubeconfig }, 'release', 'idle'), { code: 0 });
  t.equal(bare(await definition('idle')), bare(before.idle), 'to the letter');
  const volumes = (await world.kubectl('get', 'storagevolumes', '-o', 'name')).trim().split('\n');
  await world.kubectl('delete', '--wait=false', ...volumes);
  for (const name of volumes) await lab.untilGone('StorageVolume', name.slice(name.indexOf('/') + 1));
  t.equal(await lab.qemu('web'), before.pid, 'it runs on with the disks, whose objects are gone');
  t.equal((await readdir(pool)).length, 4);
});

await t.test('what virt-install makes is imported and adopted, each as it is', { skip: lacking ?? false }, async (t) => {
  const there = new Map<string, string>();
  for (const [name, asked] of Object.entries(variants)) {
    if (asked.includes('VOLUME')) await daemon.virsh('vol-create-as', 'theirs', `${name}.qcow2`, '8M', '--format', 'qcow2');
    const file = join(daemon.directory, `${name}.xml`);
    await writeFile(file, await definedBy(daemon.uri, name, asked, `theirs/${name}.qcow2`));
    await daemon.virsh('define', file);
    there.set(name, await definition(name));
  }
  const names = [...there.keys()];
  const host = await mkdtemp(join(folder, 'virt-install-'));
  const ran = await runProgram({ kubeconfig }, 'import', '--host', daemon.uri, '--hypervisor', 'one', '-o', join(host, 'host'), ...names);
  t.match(ran, { code: 0, err: '' }, `all ${names.length} of them`);
  const { code, stderr } = await world.cluster.kubectl('apply', '-R', '-f', join(host, 'host'));
  t.equal(code, 0, stderr);
  for (const name of names) {
    const { status } = await lab.untilReady(name);
    t.match(status, { adopted: true, power: { state: 'Stopped' } }, `${name} is ours`);
    t.equal(status?.pendingChanges, undefined, 'and nothing is to be done');
    t.equal(bare(await definition(name)), bare(there.get(name) ?? ''), 'it is as it was');
  }
  t.match(await runProgram({ kubeconfig }, 'release', ...names), { code: 0 });
  for (const name of names) t.equal(bare(await definition(name)), bare(there.get(name) ?? ''), `${name} is given back`);
});

await t.test('the commands of docs/why-not-terraform.md, on a machine of somebody', async (t) => {
  const uuid = '11111111-2222-4333-8444-555555555505';
  await daemon.virsh('vol-create-as', 'theirs', 'shop.qcow2', '8M', '--format', 'qcow2');
  const card = "<interface type='network'><mac address='52:54:00:aa:bb:03'/><source network='theirs'/><model type='virtio'/></interface>";
  await writeFile(join(daemon.directory, 'shop.xml'), domain('shop', uuid, disk('shop.qcow2', 'qcow2', 'vda', 'virtio') + card));
  await daemon.virsh('define', join(daemon.directory, 'shop.xml'));
  await daemon.virsh('start', 'shop');
  const page = await readFile(fileURLToPath(new URL('../../../docs/why-not-terraform.md', import.meta.url)), 'utf8');
  const kubectl = join(world.cluster.assets, 'kubectl');
  await runShown(t, shownIn(page), { folder: await mkdtemp(join(folder, 'why-')), uri: daemon.uri, kubeconfig, kubectl });
});
