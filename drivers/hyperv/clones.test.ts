import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { codes } from '#simulators/hyperv/cim/codes.js';
import { hypervHost, pool, soon } from '#test/peers/hyperv-host.js';

t.setTimeout(300_000);

const mebi = 2 ** 20;

async function baseAndClone(t: Parameters<typeof hypervHost>[0], mode: 'v1' | 'v2') {
  const lab = await hypervHost(t, mode);
  const format = mode === 'v2' ? ('Vhdx' as const) : ('Vhd' as const);
  const base = await lab.disk('base', format);
  const wish = { pool, nativeName: 'clone', format, sizeBytes: 4 * mebi };
  const clone = await lab.facet('volumes').link(wish, { id: base.id, format }, soon());
  const folder = join(lab.folder, 'D/Hyper-V');
  const path = join(folder, clone.location.slice(clone.location.lastIndexOf('\\') + 1));
  /** Nothing of it can be read any more. */
  const spoil = async () => writeFile(path, Buffer.alloc((await stat(path)).size));
  return { ...lab, base, clone, path, spoil, files: async () => (await readdir(folder)).sort() };
}

for (const mode of ['v2', 'v1'] as const) {
  t.test(`${mode}: a disk that was seen to be a linked clone keeps its base, also when it cannot be read any more`, async (t) => {
    const { simulator, facet, base, clone, path, spoil, files } = await baseAndClone(t, mode);
    const volumes = facet('volumes');
    const whole = await readFile(path);
    const before = await files();
    const acts = [() => volumes.delete(base.id, soon()), () => volumes.grow(base.id, 8 * mebi, soon())];
    const words = /volume "base" has a linked clone \(d:\\hyper-v\\clone\.vhdx?\), which cannot be read now: .*32776.*Set-VHD -ParentPath/;
    await spoil();
    for (const act of acts) await t.rejects(act, { code: 'Conflict', message: words });
    t.match(await volumes.list(pool, { refresh: true }, soon()), [{}, { base: base.location }]);
    const look = mode === 'v2' ? 'GetVirtualHardDiskSettingData' : 'GetVirtualHardDiskInfo';
    for (const code of [codes.fileNotFound, codes.inUse]) {
      simulator.host.troubles.add(look, { kind: 'return', code }, 1);
      await t.rejects(volumes.delete(base.id, soon()), { code: 'Conflict', message: /which cannot be read now/ });
      simulator.host.troubles.calm();
    }
    t.same(await files(), before);
    await writeFile(path, whole);
    await t.rejects(volumes.delete(base.id, soon()), { code: 'Conflict', message: /has a linked clone \(.*\); delete that first/ });
    await volumes.delete(clone.id, soon());
    await volumes.delete(base.id, soon());
    t.same(await files(), []);
  });

  t.test(`${mode}: a broken disk of which nobody knows the base is named to whoever deletes one beside it, and keeps it`, async (t) => {
    const { simulator, connect, base, path, spoil } = await baseAndClone(t, mode);
    const { volumes } = await connect();
    await spoil();
    const isBroken = /clone\.vhdx? does not tell whether it is a linked clone of it: .*32776.*broken.*move it out of the folder/;
    const acts = [() => volumes?.delete(base.id, soon()), () => volumes?.grow(base.id, 8 * mebi, soon())];
    for (const act of acts) await t.rejects(async () => act(), { code: 'Busy', message: isBroken });
    await writeFile(path, Buffer.alloc(2000));
    await volumes?.delete(base.id, soon());
    t.same(await simulator.host.options.store.exists(base.location), false, 'what is too short for a disk names none');
  });

  t.test(`${mode}: broken disks that were seen to stand alone, or are deleted themselves, hold nobody up for good`, async (t) => {
    const { folder, facet, connect, disk } = await hypervHost(t, mode);
    const format = mode === 'v2' ? ('Vhdx' as const) : ('Vhd' as const);
    const [a, b, c, d] = [await disk('a', format), await disk('b', format), await disk('c', format), await disk('d', format)];
    const elsewhere = await disk('e', mode === 'v2' ? 'Vhd' : format);
    const spoil = async ({ location }: { readonly location: string }) => {
      const path = join(folder, 'D/Hyper-V', location.slice(location.lastIndexOf('\\') + 1));
      await writeFile(path, Buffer.alloc((await stat(path)).size));
    };
    for (const each of [a, b]) await spoil(each);
    await facet('volumes').delete(c.id, soon());
    const { volumes } = await connect();
    const isKept = { code: 'Busy', message: /a\.vhdx? does not tell whether it is a linked clone of it/ };
    await t.rejects(async () => volumes?.delete(d.id, soon()), isKept, 'by who has seen none of them');
    if (mode === 'v2') await volumes?.delete(elsewhere.id, soon());
    await volumes?.delete(a.id, soon());
    await volumes?.delete(b.id, soon());
    await volumes?.delete(d.id, soon());
  });
}
