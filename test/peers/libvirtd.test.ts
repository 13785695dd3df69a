import { execFile } from 'node:child_process';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import t from 'tap';
import { startLibvirtd } from './libvirtd.js';

const machine = (name: string) => `<domain type='qemu'><name>${name}</name><memory unit='MiB'>32</memory>
  <os><type arch='x86_64'>hvm</type></os></domain>`;

function isGone(pid: number): Promise<boolean> {
  return stat(`/proc/${pid}`).then(
    () => false,
    () => true,
  );
}

async function commandOf(pid: number): Promise<string> {
  return await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
}

async function writeMachine(directory: string, name: string): Promise<string> {
  const path = `${directory}/${name}.xml`;
  await writeFile(path, machine(name));
  return path;
}

t.test('private daemons run side by side, and leave nothing behind', async (t) => {
  const hostBefore = await readdir('/run/libvirt').catch(() => []);
  const [one, two] = await Promise.all([startLibvirtd(), startLibvirtd()]);
  t.teardown(() => Promise.all([one.stop(), two.stop()]));
  t.notSame(one.socketPath, two.socketPath);
  t.notSame(one.pid, two.pid);

  await one.virsh('create', await writeMachine(one.directory, 'only-in-one'), '--paused');
  t.match(await one.virsh('list', '--name'), /only-in-one/);
  t.notMatch(await two.virsh('list', '--all', '--name'), /only-in-one/);
  t.match(await one.virsh('--connect', one.testUri, 'list', '--name'), /^test$/m);
  t.match(await one.virsh('--connect', `test+unix:///default?socket=${one.readOnlySocketPath}`, 'list', '--name'), /^test$/m);
  t.same(await readdir('/run/libvirt').catch(() => []), hostBefore, 'the folders of the host are as before');

  const processes = await one.processes();
  const commands = await Promise.all(processes.map(commandOf));
  t.ok(commands.some((command) => command.includes('guest=only-in-one')));
  await one.stop();
  for (const pid of processes) t.ok(await isGone(pid), `process ${pid} is gone`);
  await t.rejects(stat(one.directory), { code: 'ENOENT' });
  t.match(await two.virsh('uri'), /qemu/, 'the other one lives on');
});

t.test('machines outlive their daemon and are found by the next one', async (t) => {
  await using daemon = await startLibvirtd();
  await daemon.virsh('create', await writeMachine(daemon.directory, 'survivor'), '--paused');
  // A QEMU whose daemon dies amid a word resets the next one's connection, now and then, and libvirt then gives it up.
  while (!/^ok/.test(await daemon.virsh('domcontrol', 'survivor'))) await new Promise((resolve) => setTimeout(resolve, 50));
  const first = daemon.pid;
  await daemon.kill9();
  t.ok(await isGone(first));
  const commands = await Promise.all((await daemon.processes()).map(commandOf));
  t.ok(commands.some((command) => command.includes('guest=survivor')));
  await t.rejects(daemon.virsh('list'), /Connection refused|Failed to connect/);

  await daemon.restart();
  t.not(daemon.pid, first);
  t.match(await daemon.virsh('list', '--name'), /survivor/);
});

t.test('a guest gets its address of a network of the daemon, and is reached there', async (t) => {
  await using daemon = await startLibvirtd();
  const write = async (name: string, content: string | Uint8Array): Promise<string> => {
    await writeFile(`${daemon.directory}/${name}`, content);
    return `${daemon.directory}/${name}`;
  };
  const built = (await promisify(execFile)('test/peers/guest/build.sh')).stdout.trim();
  const [kernel, initrd, words] = await Promise.all(['vmlinuz', 'initrd', 'cmdline'].map((name) => readFile(`${built}/${name}`)));
  const dhcp = `<dhcp><range start='10.20.0.100' end='10.20.0.200'/></dhcp>`;
  const network = `<network><name>lan</name><forward mode='nat'/><ip address='10.20.0.1' prefix='24'>${dhcp}</ip></network>`;
  await daemon.virsh('net-define', await write('lan.xml', network));
  await daemon.virsh('net-start', 'lan');
  const boot = `<kernel>${await write('vmlinuz', kernel ?? '')}</kernel><initrd>${await write('initrd', initrd ?? '')}</initrd>
    <cmdline>${`${words}`.trim()} vw.name=met vw.dhcp</cmdline>`;
  const devices = `<interface type='network'><source network='lan'/><model type='virtio'/></interface>
    <serial type='file'><source path='${daemon.directory}/serial'/></serial>`;
  const guest = `<domain type='qemu'><name>met</name><memory unit='MiB'>96</memory><os><type machine='q35'>hvm</type>${boot}</os>
    <features><acpi/></features><devices>${devices}</devices></domain>`;
  await daemon.virsh('create', await write('met.xml', guest));
  const heard = async () => await readFile(`${daemon.directory}/serial`, 'latin1');
  while (!/ready: met/.test(await heard())) await new Promise((resolve) => setTimeout(resolve, 100));
  const address = /address eth0: (10\.20\.0\.1\d\d)\/24/.exec(await heard())?.[1] ?? 'none';
  t.match(await daemon.virsh('net-dhcp-leases', 'lan'), address);
  t.match(await daemon.inside('busybox', 'ping', '-c', '1', '-w', '20', address), /1 packets received/);
});

t.test('a daemon that cannot start says why', async (t) => {
  await t.rejects(startLibvirtd({ daemonConfig: 'unheard_of = nonsense [' }), /libvirtd does not start/);
});
