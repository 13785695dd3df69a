import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { link, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import t from 'tap';
import { condition } from '#test/cluster/world.js';
import { isReady, useLab } from './lab.js';

const run = promisify(execFile);
const lab = await useLab(t);
const { world, images } = lab;
const MiB = 2 ** 20;

const grow = (name: string, size: string) =>
  world.kubectl('patch', 'storagevolume', name, '--type=merge', '-p', JSON.stringify({ spec: { size } }));

await t.test('a disk grows while its guest runs, which sees it at once, and nothing is made anew', async (t) => {
  await using operator = await lab.start();
  await lab.furnish();
  await world.apply(lab.volume('growing', { format: 'Qcow2' }), lab.guest('growing', { disk: true }));
  const before = await lab.untilReady('growing');
  await lab.banner(before);
  const pid = await lab.qemu('default.growing');
  const { uid } = (await world.get('StorageVolume', 'growing'))?.metadata ?? {};
  const size = 'cat /sys/block/vda/size';
  await lab.told(before, size, new RegExp(`^${(8 * MiB) / 512}\\s`, 'm'));
  await grow('growing', '24Mi');
  await world.until('StorageVolume', 'growing', (seen) => seen.status?.virtualSize === '24Mi' && isReady(seen));
  await lab.told(before, size, new RegExp(`^${(24 * MiB) / 512}\\s`, 'm'));
  t.equal(await lab.qemu('default.growing'), pid, 'the same process');
  const after = await world.get('VirtualMachine', 'growing');
  t.equal(after?.status?.run?.bootId, '1');
  const volume = await world.get('StorageVolume', 'growing');
  t.equal(volume?.metadata.uid, uid);
  await grow('growing', '32Mi');
  await world.until('StorageVolume', 'growing', (seen) => seen.status?.virtualSize === '32Mi');
  await lab.remove('growing');
  t.same(operator.troubles, []);
});

const content = randomBytes(48 * MiB);
const url = images.put('golden', { bytes: content });
const golden = (name: string) => lab.volume(name, { size: '48Mi', source: { url, format: 'Raw' } });
const cloneOf = (name: string, how: 'Full' | 'Linked', spec: object = {}) => {
  const { format: _, ...bare } = lab.volume(name).spec as { format?: string };
  return { ...lab.volume(name), spec: { ...bare, size: '64Mi', source: { volumeRef: { name: 'golden' }, clone: how }, ...spec } };
};
const whole = (name: string) => world.until('StorageVolume', name, isReady, { timeoutMs: 120_000 });
const location = async (name: string) => (await world.get('StorageVolume', name))?.status?.location ?? '';
const qemuImg = async (...args: readonly string[]) => (await run('qemu-img', [...args])).stdout;
/** What a guest would read at the beginning of its disk. */
async function seen(path: string, format: string): Promise<Buffer> {
  const raw = join(lab.daemon.directory, 'seen.raw');
  await qemuImg('convert', '-U', '-f', format, '-O', 'raw', path, raw);
  return readFile(raw);
}

await t.test('a clone holds what its source holds; a linked one stores what differs, and its guest boots', async (t) => {
  await using operator = await lab.start();
  await lab.furnish();
  await world.apply(golden('golden'));
  await whole('golden');
  await world.apply(cloneOf('full', 'Full', { format: 'Qcow2' }), cloneOf('same', 'Full'), cloneOf('linked', 'Linked'));
  for (const [name, format] of [
    ['full', 'qcow2'],
    ['same', 'raw'],
    ['linked', 'qcow2'],
  ] as const) {
    const volume = await whole(name);
    t.match(volume.status, { virtualSize: '64Mi' });
    const path = await location(name);
    t.ok((await seen(path, format)).equals(Buffer.concat([content], 64 * MiB)), name);
    const { 'backing-filename': backing, 'backing-filename-format': backingFormat } = JSON.parse(
      await qemuImg('info', '-U', '--output=json', path),
    );
    t.same([backing, backingFormat], name === 'linked' ? [await location('golden'), 'raw'] : [undefined, undefined]);
  }
  t.ok((await stat(await location('linked'))).blocks * 512 < 4 * MiB, 'stored is next to nothing');
  await world.apply(lab.guest('linked', { disk: true }));
  await lab.banner(await lab.untilReady('linked'));
  await lab.remove('linked');
  t.ok((await readFile(await location('golden'))).equals(content), 'the guest wrote into its clone, not into the base');
  t.match((await seen(await location('linked'), 'qcow2')).subarray(0, 64).toString('latin1'), /^virtwright-boots 1/);
  await world.delete('StorageVolume', 'golden');
  await world.until('StorageVolume', 'golden', (one) => /needed by StorageVolume "linked"/.test(condition(one, 'Ready')?.message ?? ''));
  for (const name of ['linked', 'full', 'same']) await world.delete('StorageVolume', name);
  for (const name of ['linked', 'golden', 'full', 'same']) await lab.untilGone('StorageVolume', name);
  t.same(operator.troubles, []);
});

await t.test('an image of another format is converted, and one that reaches for other files is not even fetched', async (t) => {
  await using operator = await lab.start();
  const folder = lab.daemon.directory;
  await writeFile(join(folder, 'plain.raw'), content);
  const imageOf = async (name: string, format: string, ...options: readonly string[]) => {
    await qemuImg('convert', '-f', 'raw', '-O', format, ...options, join(folder, 'plain.raw'), join(folder, name));
    return images.put(name, { bytes: await readFile(join(folder, name)) });
  };
  const made = {
    'from-vmdk': {
      size: '64Mi',
      format: undefined,
      source: { url: await imageOf('a.vmdk', 'vmdk', '-o', 'subformat=streamOptimized'), format: 'Vmdk' },
    },
    'from-vhdx': { size: '64Mi', format: 'Qcow2', source: { url: await imageOf('a.vhdx', 'vhdx'), format: 'Vhdx' } },
    'to-raw': { size: '64Mi', format: 'Raw', source: { url: await imageOf('a.qcow2', 'qcow2'), format: 'Qcow2' } },
  };
  const split = await imageOf('split.vmdk', 'vmdk', '-o', 'subformat=twoGbMaxExtentSparse');
  await world.apply(
    ...Object.entries(made).map(([name, spec]) => lab.volume(name, spec)),
    lab.volume('split', { size: '64Mi', format: 'Qcow2', source: { url: split, format: 'Vmdk' } }),
  );
  for (const name of Object.keys(made)) {
    const { status } = await whole(name);
    t.equal(status?.virtualSize, '64Mi');
    const format = status?.format === 'Raw' ? 'raw' : 'qcow2';
    t.ok((await seen(await location(name), format)).equals(Buffer.concat([content], 64 * MiB)), `${name} as ${format}`);
  }
  const refused = await world.until('StorageVolume', 'split', (one) => condition(one, 'Stalled')?.status === 'True');
  t.match(condition(refused, 'Stalled')?.message, /one file/);
  for (const name of [...Object.keys(made), 'split']) await world.delete('StorageVolume', name);
  for (const name of [...Object.keys(made), 'split']) await lab.untilGone('StorageVolume', name);
  t.same(operator.troubles, []);
});

await t.test('killing agent and daemon amid a copy leaves neither a half one that looks whole, nor a lost one', async (t) => {
  const [controller, agent] = [lab.process('controller'), lab.process('agent')];
  await world.apply(golden('golden'));
  await whole('golden');
  const names = ['copy-0', 'copy-1', 'copy-2', 'copy-3'];
  for (const [round, name] of names.entries()) {
    await world.apply(cloneOf(name, 'Full', { format: 'Qcow2' }));
    await world.until('StorageVolume', name, ({ status }) => status?.import?.startedAt !== undefined);
    await sleep(Math.random() * 150);
    await agent.kill9();
    if (round % 2 === 1) await lab.daemon.kill9();
    const there = (await lab.stored()).filter((file) => file.includes(name));
    const done = (await world.get('StorageVolume', name))?.status?.import?.completedAt !== undefined;
    t.ok(done || there.length === 0 || there.some((file) => file.endsWith('.incomplete')), `${name}: ${done} ${there}`);
    if (round % 2 === 1) await lab.daemon.restart();
    await agent.restart();
  }
  for (const name of names) {
    await whole(name);
    t.ok((await seen(await location(name), 'qcow2')).equals(Buffer.concat([content], 64 * MiB)), name);
  }
  await lab.until('no mark is left', async () => !(await lab.stored()).some((file) => file.endsWith('.incomplete')));
  for (const name of [...names, 'golden']) await world.delete('StorageVolume', name);
  for (const name of [...names, 'golden']) await lab.untilGone('StorageVolume', name);
  await Promise.all([agent.kill9(), controller.kill9()]);
});

const example = new URL('../../../manifests/examples/libvirt/storage.yaml', import.meta.url);

await t.test('manifests/examples/libvirt/storage.yaml does what it says, and a wiped disk leaves nothing', async (t) => {
  await using operator = await lab.start();
  const folder = lab.daemon.directory;
  await writeFile(join(folder, 'small.raw'), content.subarray(0, 2 * MiB));
  await qemuImg('convert', '-f', 'raw', '-O', 'vmdk', join(folder, 'small.raw'), join(folder, 'appliance.vmdk'));
  const image = images.put('appliance.vmdk', { bytes: await readFile(join(folder, 'appliance.vmdk')) });
  const text = (await readFile(example, 'utf8'))
    .replace('https://images.example.org/appliance.vmdk', image)
    .replaceAll(/\b1[02]Gi/g, '16Mi');
  await world.apply(lab.hypervisor(), lab.pool());
  await world.kubectl('apply', '--server-side', '-f', '-', { input: text });
  await lab.untilReady('worker');
  t.match((await whole('golden')).status, { format: 'Qcow2' });
  t.match((await whole('copy')).status, { format: 'Raw', virtualSize: '16Mi' });
  const path = await location('copy');
  t.ok((await readFile(path)).subarray(0, 2 * MiB).equals(content.subarray(0, 2 * MiB)));
  // A second name of the file shows what is left of it.
  await link(path, join(folder, 'kept'));
  await world.delete('StorageVolume', 'copy');
  await lab.untilGone('StorageVolume', 'copy');
  t.ok((await readFile(join(folder, 'kept'))).every((byte) => byte === 0));
  await lab.remove('worker');
  await lab.untilGone('StorageVolume', 'worker-root');
  await world.kubectl('patch', 'storagevolume', 'golden', '--type=merge', '-p', '{"spec":{"reclaimPolicy":"Delete"}}');
  await world.delete('StorageVolume', 'golden');
  await lab.untilGone('StorageVolume', 'golden');
  t.same(operator.troubles, []);
});
