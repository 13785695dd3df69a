import t from 'tap';
import { demoLife } from '#test/demo/life.js';
import { useLab } from './lab.js';

// On QEMU; on LXC and on Xen the same runs in files of theirs.
const lab = await useLab(t);
const { kernel, initrd, words } = lab.guestImages;
const volume = (name: string, url: string) => lab.volume(name, { size: '24Mi', source: { url, format: 'Raw' } });

await t.test('the demo on QEMU', async (t) => {
  await using operator = await lab.start();
  await lab.world.apply(lab.hypervisor(), lab.pool(), volume('demo-kernel', kernel), volume('demo-initrd', initrd));
  const told = (...args: Parameters<typeof lab.told>) => lab.told(...args);
  await demoLife(t, { world: lab.world, block: 'qemu', words: `${words} vw.name=demo vw.dhcp`, told });
  t.same(operator.troubles, []);
});
