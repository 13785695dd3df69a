import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { condition } from '#test/cluster/world.js';
import { isReady, stalledWith, useLab } from './lab.js';

const run = promisify(execFile);
const lab = await useLab(t);
const { world, images } = lab;
const sha256 = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const whole = (name: string) => world.until('StorageVolume', name, isReady, { timeoutMs: 120_000 });
const location = async (name: string) => (await world.get('StorageVolume', name))?.status?.location ?? '';

/** What people see, as `reason: message`. */
const said = (volume: Parameters<typeof condition>[0]) => {
  const ready = condition(volume, 'Ready');
  return `${ready?.reason}: ${ready?.message}`;
};

const MiB = 2 ** 20;
/** Large enough that half of it is more than all buffers on the way hold. */
const content = randomBytes(24 * MiB);
const heldAt = 12 * MiB;
const url = images.put('slow', { bytes: content, heldAt });
const slow = (name: string) => lab.volume(name, { size: '24Mi', source: { url, format: 'Raw', checksum: sha256(content) } });

await t.test('an upload that is cut off is never taken for whole, and is whole in the end', async (t) => {
  const controller = lab.process('controller');
  const agent = lab.process('agent');
  await world.apply(
    lab.hypervisor(),
    lab.pool(),
    slow('big'),
    lab.machine('user', { disks: [{ name: 'root', volumeRef: { name: 'big' } }] }),
  );

  const isHalf = async (times: number) => {
    await images.untilHeld('slow', times);
    await lab.until('a part is on the host', async () => (await lab.stored()).some((name) => name.endsWith('.incomplete')));
    const volume = await world.get('StorageVolume', 'big');
    t.notOk(volume !== undefined && isReady(volume), 'a part is not Ready');
    t.equal(volume?.status?.import?.completedAt, undefined);
    t.equal(await lab.qemu('default.user'), undefined, 'nothing runs from it');
  };
  await isHalf(1);
  await agent.restart();
  await isHalf(2);
  await lab.daemon.kill9();
  await lab.daemon.restart();
  await isHalf(3);
  await Promise.all([agent.kill9(), lab.daemon.kill9(), controller.kill9()]);
  await Promise.all([agent.restart(), lab.daemon.restart(), controller.restart()]);
  await isHalf(4);
  images.release('slow');
  await whole('big');
  await lab.untilReady('user');
  await lab.daemon.virsh('destroy', 'default.user').catch(() => {});
  t.equal(sha256(await readFile(await location('big'))), sha256(content), 'all of it is there, and nothing else');
  await lab.until('no mark is left', async () => (await lab.stored()).length === 1);
  await lab.remove('user');
  await Promise.all([agent.kill9(), controller.kill9()]);
});

await t.test('a bad image is refused in words, and leaves nothing that can be used', async (t) => {
  const folder = lab.daemon.directory;
  const qcow2 = async (name: string, ...words: readonly string[]) => {
    await run('qemu-img', ['create', '-f', 'qcow2', ...words], { cwd: folder });
    return images.put(name, { bytes: await readFile(join(folder, name)) });
  };
  await writeFile(join(folder, 'base.raw'), content.subarray(0, MiB));
  const bad = {
    backed: await qcow2('backed', '-b', join(folder, 'base.raw'), '-F', 'raw', 'backed', '8M'),
    outside: await qcow2('outside', '-o', `data_file=${join(folder, 'data.raw')}`, 'outside', '8M'),
    huge: await qcow2('huge', 'huge', '1T'),
    wrong: images.put('wrong', { bytes: content.subarray(0, 4 * MiB) }),
    raw: images.put('raw', { bytes: content.subarray(0, MiB) }),
    large: images.put('large', { bytes: content }),
  };
  const expected = {
    backed: /^BackingFile/,
    outside: /^DataFile/,
    huge: /^TooLarge/,
    wrong: /^ImportFailed: .*checksum/,
    raw: /^NotThisFormat/,
    large: /^TooLarge/,
  } as const;
  const asRaw = new Set(['wrong', 'large']);
  const names = Object.keys(bad) as (keyof typeof bad)[];
  const before: readonly string[] = await lab.stored();
  await using operator = await lab.start();
  await world.apply(lab.hypervisor(), lab.pool());
  await world.apply(
    ...names.map((name) =>
      lab.volume(name, {
        format: asRaw.has(name) ? 'Raw' : 'Qcow2',
        source: { url: bad[name], format: asRaw.has(name) ? 'Raw' : 'Qcow2', checksum: name === 'wrong' ? sha256(content) : undefined },
      }),
    ),
    lab.machine('victim', { disks: names.map((name) => ({ name, volumeRef: { name } })) }),
  );
  for (const name of names) {
    const refused = await world.until('StorageVolume', name, (seen) => expected[name].test(said(seen)));
    t.pass(said(refused));
    t.notOk(isReady(refused));
    t.equal(refused.status?.import?.completedAt, undefined);
  }
  await lab.until('nothing is left of them', async () =>
    (await lab.stored()).every((name) => before.includes(name) || name.endsWith('.incomplete')),
  );
  const victim = await world.until('VirtualMachine', 'victim', (seen) => condition(seen, 'Ready')?.reason === 'WaitingForVolumes');
  t.match(condition(victim, 'Ready')?.message, 'volume "huge"');
  t.equal(await lab.qemu('default.victim'), undefined);

  await lab.remove('victim');
  for (const name of names) await world.delete('StorageVolume', name);
  for (const name of names) await world.untilGone('StorageVolume', name);
  t.same(await lab.stored(), before);
  t.same(operator.troubles, []);
});

await t.test('a volume that is lost is said to be lost, and is taken up again when it is put back', async (t) => {
  await using _operator = await lab.start({ pace: { resyncMs: 2_000 } });
  await world.apply(lab.hypervisor(), lab.pool());
  const path = await location('big');
  await whole('big');
  await rm(path);
  const lost = await world.until('StorageVolume', 'big', (seen) => stalledWith(seen) !== undefined);
  t.match(stalledWith(lost), /^Lost/);
  await writeFile(path, content);
  await whole('big');
  t.equal(sha256(await readFile(path)), sha256(content), 'nothing was made in its place');
});
