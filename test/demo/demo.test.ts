import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { until } from '#test/cluster/until.js';
import { buildPeer } from '#test/peers/build.js';
import { startLibvirtd } from '#test/peers/libvirtd.js';

const run = promisify(execFile);
/** As seen from `dist/test/demo/`. */
const demo = fileURLToPath(new URL('../../../demo', import.meta.url));

interface Place {
  readonly folder: string;
  readonly state: string;
  /** What a step of the demo prints; rejects with what it complains of. */
  step(script: string, ...words: readonly string[]): Promise<string>;
}

async function place(t: Test, asked: readonly string[], wrap: readonly string[] = []): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'vw-demo-'));
  const [command = '', ...args] = [...wrap, 'env', `XDG_STATE_HOME=${folder}`, ...asked];
  const step = async (script: string, ...words: readonly string[]) =>
    (await run(command, [...args, join(demo, script), ...words], { timeout: 300_000 })).stdout;
  t.teardown(async () => {
    await step('down.sh').catch(() => {}); // where its daemon is gone, so is all of it
    await rm(folder, { recursive: true, force: true });
  });
  return { folder, state: join(folder, 'virtwright/demo'), step };
}

const pidOf = async ({ state }: Place): Promise<number> => Number((await readFile(join(state, 'standalone.pid'), 'utf8')).split(' ')[0]);
const isAlive = async (pid: number): Promise<boolean> => /\) [^ZX]/.test(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''));

t.test('in memory: up twice and down twice, and nothing is left', { timeout: 600_000 }, async (t) => {
  const here = await place(t, ['DRIVER=fake']);
  t.equal(await here.step('prepare.sh', 'say'), '');
  const first = await here.step('up.sh');
  t.match(first, /The hypervisor is one in memory: no machine runs/);
  t.match(first, /VirtualMachine hello: Running, 10\.87\.62\.100\n {2}on its console: default\.hello booted\n/);
  t.match(first, /\nvirtualmachine\.virtwright\.io\/hello +Running +True +here /);
  t.notMatch(first, 'virsh');
  const pid = await pidOf(here);
  const second = await here.step('up.sh');
  t.match(second, /run already(.|\n)*Running, 10\.87\.62\.100\n {2}on its console: default\.hello booted\n/);
  t.equal(await pidOf(here), pid, 'the same process');

  process.kill(pid, 'SIGKILL');
  await until(async () => !(await isAlive(pid)));
  t.match(await here.step('up.sh'), /starting the API server(.|\n)*on its console: /, 'begins anew: what was in memory is gone');
  const last = await pidOf(here);
  await here.step('down.sh');
  t.notOk(await isAlive(last));
  t.same(await readdir(here.folder), []);
  await here.step('down.sh');
  t.match(await here.step('down.sh'), /there is no demo to take away\n/);
});

t.test('an image that cannot be is refused before anything is begun', async (t) => {
  for (const [image, why] of [
    ['/nowhere/a.qcow2', /there is no such file; accepted is a file, or a URL of http or https/],
    ['https://example.org/latest', /its format is not told by its end; accepted: \.qcow2, \.img/],
  ] as const) {
    const here = await place(t, ['DRIVER=fake', `IMAGE=${image}`]);
    await t.rejects(here.step('up.sh'), why);
    t.notOk(existsSync(join(here.state, 'standalone.pid')));
  }
});

t.test('what cannot be is said, with what can', async (t) => {
  const here = await place(t, ['DRIVER=hyperv']);
  await t.rejects(here.step('prepare.sh', 'say'), /DRIVER=hyperv is not known; accepted: libvirt, fake/);
});

t.test('on libvirt: killed half-way, up, up again, down, and nothing is left', { timeout: 900_000 }, async (t) => {
  const guest = await buildPeer('guest');
  await using daemon = await startLibvirtd();
  // In the daemon's own mounts and network: there `qemu:///system` is this daemon.
  const here = await place(t, [], daemon.enter);
  /** There is no net in the daemon's network to fetch packages from. */
  const withGuest = async () => {
    await mkdir(join(here.state, 'guest'), { recursive: true });
    for (const file of ['vmlinuz', 'initrd']) await cp(join(guest, file), join(here.state, 'guest', file));
  };
  const nodes = async () => {
    const named = (await daemon.processes()).map(
      async (pid) => [pid, await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')] as const,
    );
    return (await Promise.all(named)).filter(([, name]) => /^(node|up\.sh)/.test(name)).map(([pid]) => pid);
  };
  const left = async () => ({
    machines: (await daemon.virsh('list', '--all', '--name')).trim(),
    networks: (await daemon.virsh('net-list', '--all', '--name')).trim(),
    pools: (await daemon.virsh('pool-list', '--all', '--name')).trim(),
    files: (await daemon.inside('ls', '/var/lib/libvirt/images')).trim(),
    processes: await nodes(),
    state: await readdir(here.folder),
  });
  const nothing = { machines: '', networks: '', pools: '', files: '', processes: [], state: [] };

  await daemon.inside('mkdir', '/var/lib/libvirt/images');
  t.match(await here.step('prepare.sh', 'say'), /libvirt answers at qemu:\/\/\/system: nothing needs to be installed/);

  await withGuest();
  const cut = here.step('up.sh').catch(() => 'killed');
  await until(async () => (await daemon.virsh('pool-list', '--name')).includes('demo'));
  for (const pid of await nodes()) process.kill(pid, 'SIGKILL');
  t.equal(await cut, 'killed');
  await here.step('down.sh');
  t.same(await left(), nothing, 'after a run that was killed');

  await withGuest();
  const up =
    /VirtualMachine hello: Running, 10\.87\.62\.(?:1\d\d|200)\n(?: {2}Virtual.*\n)* {2}on its console: virtwright guest ready: hello\n/;
  t.match(await here.step('up.sh'), up);
  t.match(await here.step('up.sh'), up);
  t.equal((await daemon.virsh('list', '--name')).trim(), 'default.hello');
  t.match(await here.step('down.sh'), /machine default\.hello\n {2}network .*\n {2}pool demo\n/);
  t.same(await left(), nothing);
  await here.step('down.sh');

  const image = join(guest, 'disk.qcow2');
  const withImage = await place(t, [`IMAGE=${image}`], daemon.enter);
  t.match(await withImage.step('up.sh'), up, 'a system of somebody’s, which takes its name from the seed');
  t.match(await here.step('down.sh'), /no demo to take away\n {2}but one of somebody else/);
  await t.rejects(here.step('up.sh'), /there is a demo on this host already/);
  await withImage.step('down.sh');
  t.equal((await daemon.virsh('pool-list', '--all', '--name')).trim(), '');
});
