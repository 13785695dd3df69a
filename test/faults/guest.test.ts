import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { loadAll } from 'js-yaml';
import t from 'tap';
import type { VirtualMachine } from '#crds/types.js';
import { connect } from '#drivers/connect.js';
import { condition } from '#test/cluster/world.js';
import { useLab } from './lab.js';

const lab = await useLab(t);
const { world, daemon } = lab;
const start = () =>
  world.start({
    connect,
    hypervisors: ['kvm2'],
    pace: { guests: { firstMs: 300, mostMs: 2_000, settledMs: 2_000 } },
    guestSecrets: { lookMs: 500 },
  });
const built = (await promisify(execFile)('test/peers/guest/build.sh')).stdout.trim();
const image = lab.images.put('disk.qcow2', { bytes: await readFile(join(built, 'disk.qcow2')) });
const agentInitrd = lab.images.put('initrd-agent', { bytes: await readFile(join(built, 'initrd-agent')) });

interface Manifest {
  readonly kind: string;
  readonly spec?: object;
}

/** An example as it stands, but for where the host, its folders and the images are. */
function example(name: string): readonly Manifest[] {
  const text = readFileSync(new URL(`../../../manifests/examples/libvirt/${name}.yaml`, import.meta.url), 'utf8')
    .replaceAll('qemu:///system', daemon.uri)
    .replaceAll('/var/lib/virtwright', join(daemon.directory, 'pools'))
    .replaceAll(/https:\/\/images[^"]*/g, image);
  return loadAll(text) as readonly Manifest[];
}

const grants = [{ name: 'images', namespaces: { from: 'All' }, addresses: ['127.0.0.0/8'] }];
/** The images are served on the loopback interface, which is refused unless it is granted. */
const granted = (manifest: Manifest): Manifest =>
  manifest.kind === 'Hypervisor' ? { ...manifest, spec: { ...manifest.spec, grants } } : manifest;

async function apply(name: string): Promise<void> {
  for (const manifest of example(name).map(granted)) {
    const input = JSON.stringify(manifest);
    await world.kubectl('apply', '--server-side', '-n', 'default', '-f', '-', { input });
  }
}

const addresses = ({ status }: VirtualMachine) => status?.interfaces?.flatMap(({ addresses: its = [] }) => its) ?? [];
const known = (seen: VirtualMachine) => addresses(seen).length > 0;
const untilKnown = (name: string, isSo: (seen: VirtualMachine) => boolean = known) => lab.untilReady(name, isSo);
const kept = async () => (await daemon.inside('ls', join(daemon.directory, 'pools/system'))).split('\n').filter(Boolean);
const seeds = async () => (await kept()).filter((name) => !name.endsWith('.console'));

await t.test('the smallest machine boots from its image, gets its address, is reached, and knows its name', async (t) => {
  await using operator = await start();
  await apply('host');
  await apply('smallest');
  const seen = await untilKnown('first');
  const [{ ip = '', source = '' } = {}] = addresses(seen);
  t.match(ip, /^10\.30\.0\.1\d\d$/);
  t.match(source, /^(Lease|ARP)$/);
  t.match(condition(seen, 'AddressKnown'), { status: 'True' });
  t.equal(condition(seen, 'GuestAgentConnected'), undefined, 'it has no channel for an agent');
  await lab.until('it listens', async () => (await daemon.inside('busybox', 'nc', '-w', '5', ip, '7').catch(() => '')) === 'first\n');
  t.match(await world.kubectl('get', 'vm', 'first', '-o', 'wide'), ip);

  const [seed = ''] = await seeds();
  t.match(seed, /^default\.first-[0-9a-f]{8}\.seed-[0-9a-f]{16}$/);
  t.equal((await stat(join(daemon.directory, 'pools/system', seed))).mode & 0o777, 0o600);
  const before = await daemon.virsh('dumpxml', '--inactive', 'default.first');
  const writes = operator.writes.length;
  await world.kubectl('annotate', 'vm', 'first', 'a=b');
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  t.equal(await daemon.virsh('dumpxml', '--inactive', 'default.first'), before);
  t.equal(operator.writes.length, writes, 'an unchanged machine whose guest says the same is not written');

  await t.test('a lease of the boot before is not told of the next', async (t) => {
    await world.apply({
      kind: 'VirtualMachineAction',
      metadata: { name: 'stop', namespace: 'default' },
      spec: { machineRef: { name: 'first' }, verb: 'Restart', mode: 'Hard' },
    });
    const again = await world.until(
      'VirtualMachine',
      'first',
      (one) => one.status?.run?.bootId === '2' && condition(one, 'Ready')?.status === 'True',
    );
    t.match(await daemon.virsh('net-dhcp-leases', 'default.home'), ip, 'the lease itself is there');
    t.same(addresses(again), []);
    t.same(
      addresses(await untilKnown('first')).map((one) => one.ip),
      [ip],
    );
  });

  await world.delete('VirtualMachine', 'first');
  await lab.untilGone('VirtualMachine', 'first');
  t.same(await kept(), []);
  t.ok(await world.get('StorageVolume', 'first-root'), 'the disk outlives it');
  t.same(operator.troubles, []);
});

await t.test('a machine that says more finds its Secret in its seed, and another Secret at the next boot', async (t) => {
  await using _operator = await start();
  await apply('machine');
  const seen = await untilKnown('wiki');
  const heard = await lab.told(
    seen,
    'cat /seed/meta-data /seed/user-data /seed/network-config; hostname',
    /dhcp4[\s\S]*wiki\.example\.org\r?\n/,
  );
  t.match(heard, new RegExp(`instance-id: ${seen.status?.uuid}`));
  t.match(heard, 'packages: [qemu-guest-agent]');
  t.match(condition(seen, 'GuestAgentConnected'), { status: 'False', reason: 'Disconnected' });
  t.equal((await seeds()).length, 1);
  for (const pid of await daemon.processes())
    t.notMatch(await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => ''), /a-public-key/, 'on no command line');
  await world.delete('VirtualMachine', 'wiki');
  await lab.untilGone('VirtualMachine', 'wiki');
  await lab.untilGone('StorageVolume', 'wiki-root');
  t.same(await kept(), []);
});

await t.test("Debian's agent tells addresses, host name and system; one that hangs is told as silent, and stops nobody", async (t) => {
  await using _operator = await start();
  const volume = (name: string, size: string, url: string) => lab.volume(name, { size, source: { url, format: 'Raw' } });
  const kernel = lab.images.put('vmlinuz-2', { bytes: await readFile(join(built, 'vmlinuz')) });
  await world.apply(volume('kernel', '24Mi', kernel), volume('initrd', '8Mi', agentInitrd));
  const guest = lab.guest(
    'told',
    { words: 'vw.dhcp vw.hostname=told.example' },
    { memory: { size: '160Mi' }, devices: { serial: {}, guestAgent: {} } },
  );
  await world.apply(guest);
  const seen = await untilKnown('told', (one) => addresses(one).some(({ source }) => source === 'Agent'));
  t.match(seen.status?.guest, { hostname: 'told.example', os: { id: 'debian', kernel: /^6\./ } });
  t.match(condition(seen, 'GuestAgentConnected'), { status: 'True' });
  t.match(addresses(seen), [{ ip: /^10\.30\.0\.1\d\d$/, source: 'Agent' }]);

  const pid = (await lab.qemu('default.told')) ?? 0;
  process.kill(pid, 'SIGSTOP');
  await world.until('VirtualMachine', 'told', (one) => condition(one, 'GuestAgentConnected')?.reason === 'Silent');
  await world.apply(lab.machine('other'));
  await lab.untilReady('other');
  process.kill(pid, 'SIGCONT');
  await untilKnown('told', (one) => condition(one, 'GuestAgentConnected')?.status === 'True');
  await lab.told(seen, 'busybox killall qemu-ga', /ready/);
  await world.until('VirtualMachine', 'told', (one) => condition(one, 'GuestAgentConnected')?.reason === 'Disconnected');
  await lab.remove('told', 'other');
});

await t.test('Ignition is told by the firmware device, and the answers for setup come on a CD-ROM', async (t) => {
  await using _operator = await start();
  const kernelInit = lab.images.put('initrd-2', { bytes: await readFile(join(built, 'initrd')) });
  const plain = lab.volume('plain', { size: '4Mi', source: { url: kernelInit, format: 'Raw' } });
  const commandLine = `${await readFile(join(built, 'cmdline'), 'utf8')}`.trim();
  const boot = {
    kernel: { volumeRef: { name: 'kernel' }, initrdVolumeRef: { name: 'plain' }, commandLine: `${commandLine} vw.name=core vw.seed` },
  };
  const guest = lab.guest('core', {}, { ignition: { config: '{"ignition":{"version":"3.4.0"}}' }, boot });
  await world.apply(plain, guest, lab.machine('win', { sysprep: { answerFile: '<unattend/>' } }));
  const core = await lab.untilReady('core');
  const raw = '/sys/firmware/qemu_fw_cfg/by_name/opt/com.coreos/config/raw';
  t.match(await lab.told(core, `cat ${raw}`, /"3\.4\.0"\}\}/), '{"ignition":{"version":"3.4.0"}}');
  await lab.untilReady('win');
  const [drive = ''] = /<disk type='file' device='cdrom'>[\s\S]*?<\/disk>/.exec(await daemon.virsh('dumpxml', 'default.win')) ?? [];
  t.match(drive, /bus='sata'/);
  const [, path = ''] = /<source file='([^']*)'/.exec(drive) ?? [];
  t.match(await readFile(path, 'latin1'), '<unattend/>');
  await lab.remove('core', 'win');
  t.same(await kept(), []);
});

await t.test('what only the neighbours know is told as that, and not of a boot that began after it', async (t) => {
  await using _operator = await start();
  const quiet = {
    kind: 'VirtualNetwork',
    metadata: { name: 'quiet', namespace: 'default' },
    spec: { forward: { mode: 'None' }, ipv4: { address: '10.41.0.1/24' } },
  };
  const initrd = lab.volume('small', {
    size: '4Mi',
    source: { url: lab.images.put('initrd-3', { bytes: await readFile(join(built, 'initrd')) }), format: 'Raw' },
  });
  const commandLine = `${await readFile(join(built, 'cmdline'), 'utf8')}`.trim();
  const boot = {
    kernel: { volumeRef: { name: 'kernel' }, initrdVolumeRef: { name: 'small' }, commandLine: `${commandLine} vw.name=still` },
  };
  await world.apply(quiet, initrd, lab.guest('still', {}, { boot, interfaces: [{ name: 'lan', networkRef: { name: 'quiet' } }] }));
  const seen = await lab.untilReady('still');
  await world.until('VirtualMachine', 'still', (one) => condition(one, 'AddressKnown')?.reason === 'NoAddress');
  await lab.told(seen, 'ip link set eth0 up; ip addr replace 10.41.0.9/24 dev eth0; ip addr', /inet 10\.41\.0\.9/);
  await lab.until('it is reached', async () =>
    /1 packets received/.test(await daemon.inside('busybox', 'ping', '-c', '1', '-w', '5', '10.41.0.9').catch(() => '')),
  );
  // As on some sandboxes' kernels, whose answer libvirt does not understand.
  const blind = await daemon.virsh('domifaddr', 'default.still', '--source', 'arp').then(
    () => false,
    () => true,
  );
  if (blind) {
    await lab.remove('still');
    return void t.pass('neighbours', { skip: "libvirt cannot read this kernel's table of neighbours" });
  }
  const known = await untilKnown('still');
  t.same(addresses(known), [{ ip: '10.41.0.9', source: 'ARP' }]);
  await world.apply({
    kind: 'VirtualMachineAction',
    metadata: { name: 'still', namespace: 'default' },
    spec: { machineRef: { name: 'still' }, verb: 'Restart', mode: 'Hard' },
  });
  const next = await world.until(
    'VirtualMachine',
    'still',
    (one) => one.status?.run?.bootId === '2' && condition(one, 'AddressKnown')?.reason === 'NoAddress',
  );
  t.same(addresses(next), []);
  await lab.banner(await lab.untilReady('still'));
  t.match(await daemon.inside('ip', 'neigh'), /10\.41\.0\.9 .*lladdr/, 'the host still has its neighbour of before');
  t.same(addresses(await lab.untilReady('still')), []);
  await lab.remove('still');
});
