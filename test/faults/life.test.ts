import t from 'tap';
import { useLab } from './lab.js';

const lab = await useLab(t);
const { world } = lab;

await t.test('a machine boots from kernel, initrd and disk, is heard on its console, and leaves nothing behind', async (t) => {
  await using operator = await lab.start();
  await lab.furnish();
  await world.apply(lab.volume('hello'), lab.guest('hello', { disk: true, words: 'vw.lsblk' }));
  const ready = await lab.untilReady('hello');
  t.match(ready.status, { printableStatus: 'Running', nativeName: 'default.hello', power: { state: 'Running', reason: 'Booted' } });
  t.match(await lab.banner(ready), 'ready: hello');
  t.equal(await lab.untilBooted('hello', 1), 1);

  await lab.remove('hello');
  t.equal((await lab.daemon.virsh('list', '--all', '--name')).trim(), '');
  for (const name of ['hello', 'kernel', 'initrd']) await world.delete('StorageVolume', name);
  for (const name of ['hello', 'kernel', 'initrd']) await world.untilGone('StorageVolume', name);
  t.same(await lab.stored(), []);
  t.same(operator.troubles, []);
});
