import t from 'tap';
import { isReady, useLab } from './lab.js';

const lab = await useLab(t);
const { world } = lab;
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
