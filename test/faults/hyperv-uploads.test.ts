import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { StorageVolume } from '#crds/types.js';
import { until } from '#test/cluster/until.js';
import { condition, useWorld } from '#test/cluster/world.js';
import { HypervLab, namespace } from './hyperv-lab.js';
import { volume } from './hyperv-stage.js';
import { ImageServer } from './images.js';
import { isReady } from './lab.js';
import { OperatorProcess } from './operator-process.js';

const world = await useWorld(t);
t.setTimeout(15 * 60_000);
await world.kubectl('create', 'namespace', namespace);
const images = await ImageServer.start();
t.teardown(() => images[Symbol.asyncDispose]());
const folder = mkdtempSync(join(tmpdir(), 'vw-images-'));
t.teardown(() => rmSync(folder, { recursive: true }));

const mib = 2 ** 20;
const content = Buffer.concat([randomBytes(24 * mib)], 32 * mib);
const path = (name: string) => join(folder, name);
writeFileSync(path('raw'), content);
const qemuImg = (...args: readonly string[]) => execFileSync('qemu-img', args, { cwd: folder });

/** What a guest sees of a disk that the host has. */
function seenOf(file: string): Buffer {
  qemuImg('convert', '-O', 'raw', '-f', file.endsWith('.vhd') ? 'vpc' : 'vhdx', file, 'back');
  return readFileSync(path('back'));
}

qemuImg('convert', '-f', 'raw', '-O', 'qcow2', 'raw', 'qcow2');
qemuImg('convert', '-f', 'raw', '-O', 'vhdx', '-o', 'subformat=dynamic', 'raw', 'vhdx');
const disc = Buffer.alloc(200 * 2048, 'a disc');
const grants = [
  { name: 'lan', namespaces: { from: 'All' }, networks: ['LAN'] },
  { name: 'images', namespaces: { from: 'All' }, addresses: ['127.0.0.0/8'] },
];

for (const mode of ['v2', 'v1'] as const)
  await t.test(
    `${mode}: a disk and a disc are filled from images, have a machine, and go; no agent that dies leaves a half of one`,
    async (t) => {
      await using lab = await HypervLab.open({ mode, files: true });
      const part = (command: 'controller' | 'agent') => new OperatorProcess(command, ['hv1'], world.cluster.kubeconfigPath, lab.folder);
      await using _controller = part('controller');
      await using agent = part('agent');
      await world.apply(
        lab.secret(),
        lab.hypervisor({ grants }),
        ...['StoragePool', 'VirtualNetwork'].flatMap((kind) => lab.example(kind)),
      );
      const place = join(lab.folder, 'D/Hyper-V');
      const fileOf = async (name: string) =>
        join(place, (await readdir(place)).find((each) => each.startsWith(`default.${name}-`)) ?? 'none');
      const ready = (name: string) => world.until('StorageVolume', name, isReady, { timeoutMs: 120_000 });

      const ending = mode === 'v2' ? 'vhdx' : 'vhd';
      await world.apply(
        ...(await lab.images(images.put('qcow2', { bytes: readFileSync(path('qcow2')) }), images.put('disc', { bytes: disc }))).map(
          (one) => (one.metadata.name === 'image-root' ? { ...one, spec: { ...one.spec, size: '64Mi' } } : one),
        ),
      );
      await world.until('VirtualMachine', 'image', (seen) => isReady(seen) && seen.status?.power?.state === 'Running', {
        timeoutMs: 120_000,
      });
      t.match((await ready('image-root')).status, { format: mode === 'v2' ? 'Vhdx' : 'Vhd', virtualSize: '64Mi' });
      t.match((await ready('image-disc')).status, { format: 'Raw', virtualSize: '1Gi' });
      await until(async () => !(await lab.files()).some((name) => name.includes('.incomplete')));
      t.same(await lab.files(), ['default.image-disc.raw.iso', `default.image-root.${ending}`]);
      t.ok(
        readFileSync(await fileOf('image-disc'))
          .subarray(0, disc.length)
          .equals(disc),
      );
      await world.remove('VirtualMachine', 'image');

      const slow = `slow-${mode}`;
      const bytes = readFileSync(path(mode === 'v2' ? 'vhdx' : 'qcow2'));
      // By version 1 it is converted first, so that what is on its way to the host cannot be held.
      const spec = {
        size: '32Mi',
        source: { url: images.put(slow, { bytes, heldAt: 16 * mib }), format: mode === 'v2' ? 'Vhdx' : 'Qcow2' },
      };
      await world.apply(volume('slow', spec));
      const isHalf = async (times: number) => {
        await images.untilHeld(slow, times);
        if (mode === 'v2')
          await until(async () => {
            const [found] = (await readdir(place)).filter((name) => name.endsWith('.part'));
            return found !== undefined && (await stat(join(place, found))).size > 4 * mib;
          });
        const found: StorageVolume | undefined = await world.get('StorageVolume', 'slow');
        t.notOk(found !== undefined && isReady(found), 'a half is not Ready');
        t.equal(found?.status?.import?.completedAt, undefined);
        t.notOk((await lab.files()).includes(`default.slow.${ending}`), 'nor has it its name');
      };
      await isHalf(1);
      await agent.kill9();
      await agent.restart();
      await isHalf(2);
      await agent.kill9();
      images.release(slow);
      await agent.restart();
      const whole = await ready('slow');
      t.match(whole.status, { virtualSize: '32Mi' });
      await until(async () => !(await lab.files()).some((name) => name.includes('.incomplete')));
      t.ok(seenOf(await fileOf('slow')).equals(content), 'all of it is there');
      t.same(
        (await lab.files()).filter((name) => name.includes('slow')),
        [`default.slow.${ending}`],
      );

      const never = `never-${mode}`;
      await world.apply(volume('never', { ...spec, source: { ...spec.source, url: images.put(never, { bytes, heldAt: 16 * mib }) } }));
      await images.untilHeld(never, 1);
      await agent.kill9();
      await world.kubectl('delete', 'storagevolume', 'never', '--wait=false');
      await agent.restart();
      await world.untilGone('StorageVolume', 'never');
      t.notOk(
        (await lab.files()).some((name) => name.includes('never')),
        'a half goes with its volume',
      );

      const wrong = images.put('wrong', { bytes: Buffer.concat([Buffer.from('vhdxfile'), Buffer.alloc(mib)]) });
      if (mode === 'v2') {
        await world.apply(volume('wrong', { size: '32Mi', source: { url: wrong, format: 'Vhdx' } }));
        const refused = await world.until('StorageVolume', 'wrong', (seen) =>
          /header is broken/.test(condition(seen, 'Ready')?.message ?? ''),
        );
        t.match(condition(refused, 'Ready')?.message, /publish a good copy/);
      }
      await world.remove('StorageVolume', 'image-root', 'image-disc', 'slow', ...(mode === 'v2' ? ['wrong'] : []));
      t.same(await lab.files(), []);
      t.notMatch(await agent.log(), /w0rd/);
      for (const [kind, name] of [
        ['StoragePool', 'hyper-v'],
        ['VirtualNetwork', 'hyperv-lan'],
        ['VirtualNetwork', 'hyperv-rear'],
        ['VirtualNetwork', 'hyperv-outside'],
        ['Hypervisor', 'hv1'],
      ] as const) {
        await world.delete(kind, name).catch(() => {});
        await world.untilGone(kind, name);
      }
    },
  );
