import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { runProgram } from '#test/cluster/program.js';
import { giveToContainers, makeContainerRoot } from '#test/peers/containers.js';
import { useLab } from './lab.js';

// Containers that others made, on a real libvirt with LXC: taken over while one runs, changed, and given back.
const lab = await useLab(t);
const { world, daemon } = lab;
const kubeconfig = world.cluster.kubeconfigPath;
const folder = await mkdtemp(join(tmpdir(), 'virtwright-import-'));
t.teardown(() => rm(folder, { recursive: true, force: true }));
const operator = await lab.start();
t.teardown(() => operator.stop());

const virsh = (...args: readonly string[]) => daemon.inside('virsh', '--connect', 'lxc:///system', ...args);
const place = (name: string) => join(daemon.directory, 'theirs', name);
/** The first of others' users: nobody on the host, and none that Virtwright gives. */
const theirs = 200_000;

const directory = (from: string, to: string, more = '') =>
  `<filesystem type='mount' accessmode='passthrough'><source dir='${from}'/><target dir='${to}'/>${more}</filesystem>`;
const domain = (name: string, uuid: string, { os = '', settings = '', devices = '' }) => `<domain type='lxc'>
  <name>${name}</name><uuid>11111111-2222-4333-8444-5555555555${uuid}</uuid><title>of others</title>
  <memory unit='MiB'>96</memory><vcpu>1</vcpu>${settings}
  <os><type arch='x86_64'>exe</type><init>/sbin/init</init><initarg>name=${name}</initarg><initarg>of=${daemon.directory}</initarg>${os}</os>
  <on_reboot>restart</on_reboot>
  <devices>${devices}<console type='pty'/></devices></domain>`;

const map = `<idmap><uid start='0' target='${theirs}' count='1000'/><gid start='0' target='${theirs}' count='1000'/></idmap>`;
const guard = "<features><privnet/><capabilities policy='default'><sys_admin state='off'/></capabilities></features>";
const card = "<interface type='network'><mac address='52:54:00:aa:bb:01'/><source network='theirs'/><guest dev='eth7'/></interface>";

const definitions = {
  box: domain('box', '01', {
    os: "<initenv name='COLOUR'>green</initenv>",
    settings: map + guard,
    devices: [
      directory(place('box'), '/'),
      directory(place('data'), '/data'),
      directory(place('media'), '/media', '<readonly/>'),
      "<filesystem type='ram'><source usage='1024' units='KiB'/><target dir='/tmp'/></filesystem>",
      card,
    ].join(''),
  }),
  plain: domain('plain', '02', { devices: directory(place('plain'), '/') }),
  image: domain('image', '03', {
    devices: `<filesystem type='file'><driver type='loop' format='raw'/><source file='${place('image.img')}'/><target dir='/'/></filesystem>`,
  }),
  host: domain('host', '04', { devices: directory('/', '/') }),
  open: domain('open', '05', { devices: directory(place('open'), '/') + directory(place('media'), '/media', '<readonly/>') }),
  mighty: domain('mighty', '08', { devices: directory(place('mighty'), '/') }).replace('<vcpu>1<', '<vcpu>512<'),
  nested: domain('nested', '06', { devices: directory(place('data/nested'), '/') }),
  somebody: domain('somebody', '07', { settings: map.replaceAll(`${theirs}`, '1000'), devices: directory(place('somebody'), '/') }),
};

async function made(): Promise<void> {
  for (const name of ['box', 'data', 'media', 'plain']) await mkdir(place(name), { recursive: true });
  for (const name of ['box', 'plain']) await makeContainerRoot(place(name));
  for (const name of ['box', 'data']) await giveToContainers(place(name), theirs);
  for (const name of ['data', 'media', 'tmp']) await mkdir(join(place('box'), name), { recursive: true });
  await writeFile(join(daemon.directory, 'network.xml'), '<network><name>theirs</name></network>');
  await virsh('net-define', join(daemon.directory, 'network.xml'));
  await virsh('net-start', 'theirs');
  for (const [name, xml] of Object.entries(definitions)) {
    await writeFile(join(daemon.directory, `${name}.xml`), xml);
    await virsh('define', join(daemon.directory, `${name}.xml`));
  }
  await virsh('autostart', 'box');
  await virsh('start', 'box');
}

/** The first process of a container, as the host knows it. */
async function initOf(name: string): Promise<number | undefined> {
  for (const pid of (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))) {
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
    const status = words.includes(`of=${daemon.directory}`) ? await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '') : '';
    if (words.includes(`name=${name}`) && /^NSpid:.*\t1$/m.test(status)) return Number(pid);
  }
  return undefined;
}

await made();
await lab.until('the first process of the container runs', async () => (await initOf('box')) !== undefined);
const definition = (name: string) => virsh('dumpxml', '--inactive', name);
const bare = (xml: string) => xml.replace(/\s*<metadata(\/>|>[\s\S]*?<\/metadata>)/, '');
const before = { box: await definition('box'), plain: await definition('plain'), init: await initOf('box') };

await t.test('what a manifest can say whole is imported, and all else left out by name, with the reason', async (t) => {
  const ran = await runProgram({ kubeconfig }, 'import', '--host', daemon.lxcUri, '--hypervisor', 'one', '-o', folder);
  t.match(ran, { code: 0, out: /^2 machines of 8 in / });
  for (const words of [
    /machine mighty: spec\.cpu\.count: 512 given, this host accepts .*at most \d/,
    /machine nested: directory \S+\/data\/nested lies in \S+\/data, which machine box has; only one of them can be granted/,
    /machine host: its root is the host’s own/,
    /machine image: its root is no directory of the host/,
    /machine open: filesystem "\/media" is only to be read, and who is root in it can mount it anew/,
    /machine somebody: its users may be somebody on the host \(idmap\)/,
  ])
    t.match(ran.err, words);
  const box = await readFile(join(folder, 'machines/box.yaml'), 'utf8');
  t.match(
    box,
    /Kept on the host as it is, and not managed: .*filesystem \/tmp \(ram\).*guest of interface nic0.*time of all CPUs.*initenv.*idmap/,
  );
  t.match(await readFile(join(folder, 'machines/plain.yaml'), 'utf8'), /the host’s network[\s\S]*privileged: true/);
  t.match(await readFile(join(folder, 'hypervisor.yaml'), 'utf8'), /is root on the host[\s\S]*privilegedContainers: true/);
});

const planned = async (...more: readonly string[]) => {
  const ran = await runProgram({ kubeconfig }, 'plan', '-R', '-f', folder, '-o', 'json', ...more);
  const { steps, troubles, calls } = JSON.parse(ran.out) as { steps: { action: string }[]; troubles: unknown[]; calls: string[] };
  return { code: ran.code, troubles, steps, calls };
};
const isChange = ({ action }: { readonly action: string }) => ['Define', 'Start', 'Stop', 'Apply', 'Restart'].includes(action);

await t.test('a plan for its host adopts, and changes nothing', async (t) => {
  const { troubles, steps, calls } = await planned('--host', daemon.lxcUri);
  t.same([troubles, steps.filter(isChange)], [[], []]);
  t.equal(steps.filter(({ action }) => action === 'Adopt').length, 2);
  t.same(
    [...new Set(calls.map((call) => call.split(' ')[0]))].filter((call) => call !== 'machines.mark'),
    ['adoption.adopt'],
  );
  t.equal(await definition('box'), before.box);
});

await t.test('applied, they are ours, and the one that runs goes on', async (t) => {
  const { code, err } = await runProgram({ kubeconfig }, 'apply', '-R', '-f', folder);
  t.equal(code, 0, err);
  const [box, plain] = [await lab.untilReady('box'), await lab.untilReady('plain')];
  t.match(
    [box.status, plain.status],
    [
      { adopted: true, power: { state: 'Running' } },
      { adopted: true, power: { state: 'Stopped' } },
    ],
  );
  t.equal(box.status?.pendingChanges, undefined);
  t.equal(await initOf('box'), before.init, 'its first process is the same');
  for (const name of ['box', 'plain'] as const) t.equal(bare(await definition(name)), bare(before[name]));
  t.match(await planned('--operator-namespace', 'default'), { code: 0, steps: [], troubles: [], calls: [] });
});

const patched = async (patch: object) => {
  const { code, stderr } = await world.cluster.kubectl('patch', 'virtualmachine/box', '--type=merge', '-p', JSON.stringify(patch));
  if (code !== 0) throw new Error(stderr);
};
const limit = () => virsh('dumpxml', 'box');

await t.test('it is changed like any other, and keeps what no manifest says', async (t) => {
  await patched({ spec: { memory: { size: '64Mi', maxSize: '96Mi' } } });
  await lab.until('its limit is less', async () => /<currentMemory unit='KiB'>65536</.test(await limit()));
  const now = await definition('box');
  for (const kept of [
    /<hard_limit unit='KiB'>65536</,
    new RegExp(`target='${theirs}' count='1000'`),
    /<initenv /,
    /type='ram'/,
    /<readonly\/>/,
  ])
    t.match(now, kept);
  t.notMatch(now, /<quota>/, 'nor is its time limited by the way');
  await patched({ spec: { memory: { size: '96Mi', maxSize: null } } });
  await lab.until('it has all again', async () => /<currentMemory unit='KiB'>98304</.test(await limit()));
  await lab.untilReady('box', ({ status, metadata }) => status?.observedGeneration === metadata.generation);
  t.equal(await initOf('box'), before.init);
});

await t.test('given back, they are as they were', async (t) => {
  t.match(await runProgram({ kubeconfig }, 'release', 'box', 'plain'), { code: 0, out: /box released\n.*plain released\n/ });
  t.equal(await initOf('box'), before.init);
  for (const name of ['box', 'plain'] as const) {
    t.equal(bare(await definition(name)), bare(before[name]), 'to the letter');
    t.notMatch(await definition(name), /virtwright/);
  }
  t.match(await virsh('dominfo', 'box'), /Autostart: +enable/);
  await virsh('destroy', 'box');
});
