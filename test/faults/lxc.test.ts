import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import t from 'tap';
import type { StorageVolume, VirtualMachine } from '#crds/types.js';
import { connect } from '#drivers/connect.js';
import type { MachineId } from '#drivers/driver.js';
import { condition } from '#test/cluster/world.js';
import { demoLife } from '#test/demo/life.js';
import { containerBanner, containerRoot, makeContainerRoot, packContainerRoot } from '#test/peers/containers.js';
import { isReady, useLab } from './lab.js';

// Containers as the examples have them, on a real libvirt with LXC, under the whole operator.

const lab = await useLab(t);
const { world, daemon } = lab;

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: Readonly<Record<string, unknown>>;
}

const examples = new URL('../../../manifests/examples/lxc/', import.meta.url);
const read = async (name: string) => loadAll(await readFile(new URL(`${name}.yaml`, examples), 'utf8')) as readonly Manifest[];

const archive = join(daemon.directory, 'root.tar.gz');
await packContainerRoot(archive, daemon.directory);
const url = lab.images.put('alpine-minirootfs.tar.gz', { bytes: await readFile(archive) });
const trees = join(daemon.directory, 'trees');

/** The examples as they are, but for where this host, its pool and the archive are. */
function here({ kind, metadata, spec }: Manifest): Manifest {
  const grants = [{ name: 'images', namespaces: { from: 'All' }, addresses: ['127.0.0.0/8'] }];
  if (kind === 'Hypervisor') return { kind, metadata: { name: 'one' }, spec: { ...spec, uri: daemon.lxcUri, grants } };
  if (kind === 'StoragePool') return { kind, metadata, spec: { directory: { path: trees } } };
  const named = { ...metadata, namespace: 'default' };
  if (kind === 'StorageVolume' && spec['source'] !== undefined)
    return { kind, metadata: named, spec: { ...spec, source: { url, format: 'Tar' } } };
  return { kind, metadata: named, spec };
}

const bird = (isSo: (seen: VirtualMachine) => boolean = () => true) => lab.untilReady('bird', isSo);
const rootOf = async () => (await world.until('StorageVolume', 'bird-root', isReady)).status?.location ?? '';

/** What the console says until it says that; `typed` is typed again and again, as a container that just started may not read yet. */
async function heard({ status }: VirtualMachine, wanted: string, typed = ''): Promise<string> {
  const signal = AbortSignal.timeout(60_000);
  await using driver = await connect({ uri: daemon.lxcUri }, signal);
  await using console = await driver.consoles?.open(status?.uuid as MachineId, signal);
  signal.addEventListener('abort', () => console?.[Symbol.asyncDispose]());
  const typing = setInterval(() => typed !== '' && console?.write(Buffer.from(typed), signal).catch(() => {}), 500);
  let text = '';
  try {
    for await (const bytes of console?.output ?? []) {
      text += Buffer.from(bytes).toString('latin1');
      if (text.includes(wanted)) return text;
    }
  } finally {
    clearInterval(typing);
  }
  throw new Error(`not heard: ${wanted}; but ${text}`);
}

const manifests = [...(await read('host')), ...(await read('machine'))].map(here);
const machine = manifests.find(({ kind }) => kind === 'VirtualMachine');
if (machine === undefined) throw new Error('the example has a machine');

const treeSpec = { size: '64Mi', source: { url, format: 'Tar' }, reclaimPolicy: 'Delete' };
const spec = (change: object): Manifest => ({ ...machine, spec: { ...machine.spec, ...change } });
const boot = ({ status }: VirtualMachine) => status?.run?.bootId;
const virsh = (...args: readonly string[]) => daemon.inside('virsh', '--connect', 'lxc:///system', ...args);

const action = (name: string, of: string, verb: string) => ({
  kind: 'VirtualMachineAction',
  metadata: { name, namespace: 'default' },
  spec: { machineRef: { name: of }, verb },
});

await using operator = lab.process('operator');

await t.test('a container is made of an archive, runs, and has an address', async (t) => {
  await world.apply(...manifests);
  const running = await bird(({ status }) => status?.power?.state === 'Running');
  t.match(await heard(running, containerBanner), containerBanner);
  const addressed = await bird(({ status }) => (status?.interfaces?.[0]?.addresses ?? []).length > 0);
  t.match(addressed.status?.interfaces, [{ name: 'lan', addresses: [{ ip: /^10\.31\.0\.1\d\d$/, source: 'Lease' }] }]);
  const volume: StorageVolume = await world.until('StorageVolume', 'bird-root', isReady);
  t.equal(volume.status?.format, 'Directory');
  t.ok((await readdir(await rootOf())).includes('sbin'));
  const { uid } = await stat(await rootOf());
  t.ok(uid > containerRoot && uid < 0x8000_0000, 'who is root in it is nobody on the host, and of this namespace alone');
  t.match(await heard(addressed, `${uid}`, 'cat /proc/self/uid_map\n'), new RegExp(`0 +${uid} +65536`));
});

await t.test('what it writes to a mount is there, and is its own root’s', async (t) => {
  await heard(await bird(), 'written', 'touch /data/egg && echo writ""ten\n');
  const { location = '' } = (await world.until('StorageVolume', 'bird-data', isReady)).status ?? {};
  const egg = await stat(join(location, 'egg'));
  const { uid } = await stat(await rootOf());
  t.same([egg.uid, egg.gid], [uid, uid]);
});

await t.test('limits change while it runs, by an agent that was killed in between', async (t) => {
  const before = boot(await bird());
  await operator.restart();
  await world.apply(spec({ memory: { size: '192Mi', maxSize: '256Mi' }, cpu: { count: 2, maxCount: 2 } }));
  await lab.until('memory and time are more', async () => {
    const xml = await virsh('dumpxml', 'default.bird');
    return xml.includes('>196608</currentMemory>') && xml.includes('<quota>200000</quota>');
  });
  t.equal(boot(await bird()), before, 'without another boot');
});

await t.test('restarted by an action, it is another boot; an action that the host has no word for fails with the reason', async (t) => {
  const before = boot(await bird());
  await world.apply(action('again', 'bird', 'Restart'));
  await bird((seen) => boot(seen) !== before && seen.status?.power?.state === 'Running');
  await world.apply(action('hard', 'bird', 'Reset'));
  const failed = await world.until('VirtualMachineAction', 'hard', ({ status }) => status?.outcome !== undefined);
  t.equal(failed.status?.outcome, 'Failed');
});

await t.test('cut off behind its back, it is started again; halted, it stops by itself', async (t) => {
  const before = boot(await bird());
  await virsh('destroy', 'default.bird');
  await bird((seen) => boot(seen) !== before && seen.status?.power?.state === 'Running');
  await world.apply(spec({ runStrategy: 'Halted' }));
  await bird(({ status }) => status?.power?.state === 'Stopped');
  t.match(await virsh('domstate', 'default.bird', '--reason'), 'shut off (shutdown)', 'as it heard the word');
});

const own = join(daemon.directory, 'own');
const media = join(daemon.directory, 'media');
/** A container whose root is the host's own. */
const heron = (change: object, ...words: readonly string[]) => ({
  kind: 'VirtualMachine',
  metadata: { name: 'heron', namespace: 'default' },
  spec: {
    memory: { size: '64Mi' },
    devices: { serial: {} },
    stop: { timeoutSeconds: 30 },
    container: {
      rootHostPath: own,
      privileged: true,
      init: ['/sbin/init', 'name=heron', ...words],
      mounts: [{ path: '/media', hostPath: media, access: 'ReadOnly' }],
    },
    ...change,
  },
});
const host = manifests.find(({ kind }) => kind === 'Hypervisor');
const grant = (granted: object) => {
  const grants = [...((host?.spec['grants'] as readonly object[]) ?? []), { name: 'own', namespaces: { from: 'All' }, ...granted }];
  return { ...host, spec: { ...host?.spec, grants } } as Manifest;
};
const boots = (seen: VirtualMachine) => boot(seen) ?? '';
const said = (seen: VirtualMachine) => condition(seen, 'Ready')?.message ?? '';

await t.test('what is the host’s own a container has by grant alone', async (t) => {
  await makeContainerRoot(own);
  await mkdir(media);
  await writeFile(join(media, 'note'), 'of the host');
  await world.apply(heron({}));
  const refused = await world.until('VirtualMachine', 'heron', (seen) => said(seen).includes('does not grant'));
  t.match(said(refused), /rootHostPath: .*spec\.grants\[\]\.hostPaths/);
  await world.apply(grant({ hostPaths: [own, media] }));
  await world.until('VirtualMachine', 'heron', (seen) => /^((?!hostPath).)*privileged: true/s.test(said(seen)));
  await world.apply(grant({ hostPaths: [own, media], privilegedContainers: true }));
  const running = await lab.untilReady('heron', ({ status }) => status?.power?.state === 'Running');
  t.match(await heard(running, '4294967295', 'cat /proc/self/uid_map\n'), /0 +0 +4294967295/, 'who is root in it is root on the host');
  t.match(await heard(running, 'of the host', 'cat /media/note\n'), 'of the host');
  await heard(running, 'it is shut', 'touch /media/own 2>/dev/null || echo it is sh""ut\n');
  t.same(await readdir(media), ['note'], 'what it may only read it does not write');
  await world.apply(grant({}));
  await world.until('VirtualMachine', 'heron', (seen) => said(seen).includes('does not grant') && seen.status?.power?.state === 'Running');
  await virsh('destroy', 'default.heron');
  const stopped = await world.until('VirtualMachine', 'heron', ({ status }) => status?.power?.state === 'Stopped');
  t.equal(boots(stopped), boots(running), 'and with a grant that is gone nothing is started');
  await world.apply(grant({ hostPaths: [own, media], privilegedContainers: true }));
  await lab.untilReady('heron', (seen) => boots(seen) !== boots(running) && seen.status?.power?.state === 'Running');
});

await t.test('a container runs once, by hand, or until it ends, as its strategy says', async (t) => {
  const isOff = ({ status }: VirtualMachine) => status?.power?.state === 'Stopped';
  const isOn = ({ status }: VirtualMachine) => status?.power?.state === 'Running';
  await lab.remove('heron');
  await world.apply(heron({ runStrategy: 'Once' }, 'leave'));
  const once = await lab.untilReady('heron', (seen) => isOff(seen) && boots(seen) !== '');
  await operator.restart();
  await world.apply(heron({ runStrategy: 'Once', cpu: { count: 2 } }, 'leave'));
  const still = await lab.untilReady('heron', (seen) => seen.status?.observedGeneration === seen.metadata.generation && isOff(seen));
  t.equal(boots(still), boots(once), 'once, whoever comes next');
  await world.apply(heron({ runStrategy: 'Manual' }), action('start', 'heron', 'Start'));
  const started = await lab.untilReady('heron', isOn);
  t.not(boots(started), boots(once));
  await heard(started, containerBanner);
  await world.apply(action('stop', 'heron', 'Stop'));
  t.equal(boots(await lab.untilReady('heron', isOff)), boots(started), 'and it stays off that was stopped by hand');
  await world.apply(heron({ runStrategy: 'Halted' }));
  await lab.untilReady('heron', (seen) => seen.status?.observedGeneration === seen.metadata.generation && isOff(seen));
  await world.apply(heron({ runStrategy: 'RerunOnFailure' }));
  const rerun = await lab.untilReady('heron', isOn);
  await heard(rerun, containerBanner);
  await heard(rerun, '', 'kill -TERM 1\n');
  t.equal(boots(await lab.untilReady('heron', isOff)), boots(rerun), 'one that ended by itself is done');
  await lab.remove('heron');
  t.ok((await readdir(own)).includes('sbin'), 'and what is the host’s own is left to it');
});

await t.test('a machine that is no container is not placed there, and told why', async (t) => {
  await world.apply({ kind: 'VirtualMachine', metadata: { name: 'ox', namespace: 'default' }, spec: { memory: { size: '64Mi' } } });
  const ox = await world.until('VirtualMachine', 'ox', (seen) => (condition(seen, 'Ready')?.message ?? '').includes('spec.container'));
  t.match(condition(ox, 'Ready')?.message, /spec\.container: left out/);
  await lab.remove('ox');
});

await t.test('the demo, but for the block of its hypervisor, runs here as on others', async (t) => {
  const root = { kind: 'StorageVolume', metadata: { name: 'demo-root', namespace: 'default' }, spec: treeSpec };
  await world.apply(root);
  const told = (seen: VirtualMachine, command: string, answer: RegExp) => heard(seen, answer.source, `${command}\n`);
  await demoLife(t, { world, block: 'lxc', told });
  await world.delete('StorageVolume', 'demo-root');
  await lab.untilGone('StorageVolume', 'demo-root');
});

await t.test('a tree of many files is whole, or gone, whoever dies amid it; and nothing outside goes with it', async (t) => {
  const [from, outside] = [join(daemon.directory, 'many'), join(daemon.directory, 'outside')];
  const fill = 'mkdir -p "$1" && cd "$1" && for d in $(seq 300); do mkdir d$d && (cd d$d && touch $(seq 100)); done';
  await daemon.inside('sh', '-c', fill, 'sh', from);
  await daemon.inside('tar', '-c', '--owner=0', '--group=0', '-f', join(daemon.directory, 'many.tar'), '-C', from, '.');
  const many = lab.images.put('many.tar', { bytes: await readFile(join(daemon.directory, 'many.tar')) });
  const tree = async () => (await readdir(trees)).find((name) => name.includes('.many-') && !name.endsWith('.incomplete'));
  const folders = async () => (await readdir(join(trees, (await tree()) ?? 'none')).catch(() => [])).length;
  const amid = (what: string) => lab.until(what, async () => (await folders()) > 10 && (await folders()) < 290);
  const volume = { kind: 'StorageVolume', metadata: { name: 'many', namespace: 'default' } };
  await world.apply({ ...volume, spec: { size: '64Mi', source: { url: many, format: 'Tar' }, reclaimPolicy: 'Delete' } });
  await amid('some of it is unpacked');
  await operator.restart();
  const whole = await world.until('StorageVolume', 'many', isReady, { timeoutMs: 120_000 });
  const location = whole.status?.location ?? '';
  const count = async (place: string) => (await daemon.inside('find', place, '-type', 'f', '-printf', '.')).length;
  t.equal(await count(location), 30_000);
  await mkdir(outside);
  await writeFile(join(outside, 'kept'), 'kept');
  for (const name of ['d1/out', 'd299/out', 'out']) await symlink(outside, join(location, name));
  await world.delete('StorageVolume', 'many');
  await lab.until('some of it is deleted', async () => (await folders()) < 290);
  await operator.restart();
  await lab.untilGone('StorageVolume', 'many');
  t.equal(await tree(), undefined);
  t.same([await readdir(outside), await count(from)], [['kept'], 30_000]);
});

await t.test('deleted, nothing of it is left', async (t) => {
  await operator.restart();
  await lab.remove('bird');
  for (const name of ['bird-root', 'bird-data']) await world.delete('StorageVolume', name);
  for (const name of ['bird-root', 'bird-data']) await lab.untilGone('StorageVolume', name);
  t.notMatch(await virsh('list', '--all', '--name'), /\w/);
  t.same(await readdir(trees), []);
});
