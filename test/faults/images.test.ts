import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
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

await t.test('an import that was cut off goes on where it was, and begins anew when its source changed', async (t) => {
  const put = (bytes: Uint8Array, etag: string) => images.put('resumed', { bytes, heldAt, etag });
  const volume = (bytes: Uint8Array, etag: string) =>
    lab.volume('resumed', { size: '24Mi', source: { url: put(bytes, etag), format: 'Raw', checksum: sha256(bytes) } });
  const changed = randomBytes(24 * MiB);
  const controller = lab.process('controller');
  const agent = lab.process('agent');
  await world.apply(lab.hypervisor(), lab.pool(), volume(content, '"first"'));
  const halfStored = () =>
    lab.until('most of it is on the host', async () => {
      const file = (await lab.stored()).find((name) => /resumed-\w+$/.test(name));
      return file !== undefined && (await stat(join(lab.poolPath, file))).size > heldAt - MiB;
    });
  await images.untilHeld('resumed', 1);
  await halfStored();
  await agent.restart();
  await images.untilHeld('resumed', 2);
  const [, second = 0] = images.given('resumed');
  t.ok(second > heldAt - 4 * MiB && second < heldAt, `the second one was given it from byte ${second} on`);
  t.match(
    said(await world.until('StorageVolume', 'resumed', (seen) => /[1-9]\w* fetched/.test(said(seen)))),
    /(9|1\d)Mi fetched/,
    'what was there counts',
  );

  await Promise.all([agent.kill9(), lab.daemon.kill9()]);
  await Promise.all([agent.restart(), lab.daemon.restart()]);
  await images.untilHeld('resumed', 3);
  const third = images.given('resumed')[2] ?? 0;
  t.ok(third > heldAt - 4 * MiB && third < heldAt, `nor does the daemon's death lose it: byte ${third}`);

  await agent.kill9();
  put(changed, '"second"');
  await agent.restart();
  await images.untilHeld('resumed', 4);
  t.equal(images.given('resumed')[3], 0, 'of another image under that name all is fetched');
  await agent.kill9();
  put(content, '"first"');
  images.release('resumed');
  await agent.restart();
  await whole('resumed');
  t.equal(sha256(await readFile(await location('resumed'))), sha256(content));
  await lab.until('no mark is left', async () => !(await lab.stored()).some((name) => name.endsWith('.incomplete')));
  await world.delete('StorageVolume', 'resumed');
  await lab.untilGone('StorageVolume', 'resumed');
  await Promise.all([agent.kill9(), controller.kill9()]);
});

await t.test('what is stored and is not of the image is found at its end, and all of it fetched anew', async (t) => {
  const name = 'spoilt';
  const spoilt = lab.volume(name, {
    size: '24Mi',
    source: { url: images.put(name, { bytes: content, heldAt, etag: '"one"' }), format: 'Raw', checksum: sha256(content) },
  });
  const [controller, agent] = [lab.process('controller'), lab.process('agent')];
  await world.apply(lab.hypervisor(), lab.pool(), spoilt);
  await images.untilHeld(name, 1);
  const file = async () => (await lab.stored()).find((one) => /spoilt-\w+$/.test(one)) ?? '';
  await lab.until(
    'half of it is on the host',
    async () => (await file()) !== '' && (await stat(join(lab.poolPath, await file()))).size > 4 * MiB,
  );
  await agent.kill9();
  // As a host that lost its power may leave it.
  const hole = await open(join(lab.poolPath, await file()), 'r+');
  await hole.write(Buffer.alloc(MiB), 0, MiB, MiB);
  await hole.close();
  images.release(name);
  await agent.restart();
  await whole(name);
  const given = images.given(name);
  t.ok((given[1] ?? 0) > 0 && given.length > 2 && given.slice(2).every((from) => from === 0), `${given}`);
  t.equal(sha256(await readFile(await location(name))), sha256(content));
  await world.delete('StorageVolume', name);
  await lab.untilGone('StorageVolume', name);
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
  const left = async () => (await lab.stored()).filter((name) => !before.includes(name) && !name.endsWith('.incomplete'));
  await lab.until('nothing is left of them', async () => (await left()).length === 0);
  await sleep(1_000);
  t.same(await left(), [], 'nor is there anything a while later');
  const victim = await world.until('VirtualMachine', 'victim', (seen) => condition(seen, 'Ready')?.reason === 'WaitingForVolumes');
  t.match(condition(victim, 'Ready')?.message, 'volume "huge"');
  t.equal(await lab.qemu('default.victim'), undefined);

  await lab.remove('victim');
  for (const name of names) await world.delete('StorageVolume', name);
  for (const name of names) await world.untilGone('StorageVolume', name);
  t.same(await lab.stored(), before);
  t.match(await operator.metrics.registry.metrics(), /virtwright_volume_fills_total\{source="Image",code="ChecksumMismatch"\} \d/);
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
