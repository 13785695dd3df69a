import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { first, second, told, withDiscs } from '#test/peers/hyperv-discs.js';
import { servedDrives } from '#test/peers/hyperv-files.js';
import { soon } from '#test/peers/hyperv-host.js';
import { rightsOf } from '#test/peers/samba-share.js';

t.setTimeout(300_000);

const guestsAlone = {
  isProtected: true,
  entries: ['S-1-5-18 0x1f01ff', 'S-1-5-32-544 0x1f01ff', 'S-1-3-4 0x1f01ff', 'S-1-5-83-0 0x120089'],
};
const inFolder = (name: string) => `Hyper-V\\Virtual Hard Disks\\${name}`;

for (const mode of ['v2', 'v1'] as const) {
  t.test(`${mode}: a disc is nobody's to read but administrators' and machines', also where a half of one had other rights`, async (t) => {
    const { tell, files, disks, samba, discs } = await withDiscs(t, mode);
    await tell(told('one', first));
    const [name = ''] = await files();
    t.same(await rightsOf(samba, inFolder(name)), guestsAlone);
    await tell(told('two', second));
    const [other = ''] = await files();
    await writeFile(join(disks, `${name}.part`), 'half, and for all to read');
    t.match(await rightsOf(samba, inFolder(`${name}.part`)), { isProtected: false });
    await tell(told('one', first));
    t.not(other, name);
    t.same([await files(), await discs()], [[name], [first]]);
    t.same(await rightsOf(samba, inFolder(name)), guestsAlone);
    t.ok((await readFile(join(disks, name))).equals(first));
  });

  const keepers = { 'keeps no rights': ['nt acl support = no'], 'knows no such accounts': [] };
  for (const [what, lines] of Object.entries(keepers))
    t.test(`${mode}: nothing is written where the file system ${what}, and its machine has half a seed`, async (t) => {
      const host = await withDiscs(t, mode);
      const open = await servedDrives(host.folder, { name: 'Administrator', password: 'secret' }, lines);
      t.teardown(() => open[Symbol.asyncDispose]());
      const driver = await host.connectBy(open.port);
      await t.rejects(host.tell(told('one', first), driver), {
        code: /^(Unsupported|Denied)$/,
        message:
          /^cloudInit: its disc is not written: .*(does not keep it from others; put the host's disks on NTFS or ReFS|may not do this there)/,
      });
      t.same(await host.files(), [], 'nor is a part left');
      const [id = ''] = host.simulator.host.machines.keys();
      t.match(await host.read(id), { halfSeed: true });
      await host.tell(told('one', first));
      t.same(await host.discs(), [first]);
      await host.driver.power.start(id as never, { paused: false }, soon());
    });
}
