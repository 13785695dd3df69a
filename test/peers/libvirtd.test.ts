import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
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

t.test('a daemon that cannot start says why', async (t) => {
  await t.rejects(startLibvirtd({ daemonConfig: 'unheard_of = nonsense [' }), /libvirtd does not start/);
});
