import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { codes } from '#simulators/hyperv/cim/codes.js';
import { hypervHost, pool, soon } from '#test/peers/hyperv-host.js';

t.setTimeout(300_000);

for (const mode of ['v2', 'v1'] as const)
  t.test(`${mode}: a fixed disk takes its room at once, grows, and is refused where there is not as much`, async (t) => {
    const { simulator, facet } = await hypervHost(t, mode);
    const volumes = facet('volumes');
    const { store } = simulator.host.options;
    store.disk = () => ({ capacity: 2 ** 40, free: 2 ** 39 });
    const fixed = { pool, nativeName: 'fixed', format: 'Vhd', sizeBytes: 64 << 20, allocation: 'Full' } as const;
    const free = async () => (await facet('pools').list(soon())).find(({ id }) => id === pool)?.availableBytes ?? 0;
    const before = await free();
    const made = await volumes.create(fixed, soon());
    t.match(made, { allocation: 'Full', sizeBytes: 64 << 20 });
    t.ok(made.allocationBytes >= 64 << 20);
    t.ok(before - (await free()) >= 64 << 20, 'and the pool has less');
    await volumes.grow(made.id, 128 << 20, soon());
    const source = { id: made.id, format: 'Vhd' } as const;
    const copy = await volumes.copy({ ...fixed, nativeName: 'copy', sizeBytes: 128 << 20 }, source, soon());
    t.match(copy, { allocation: 'Full', sizeBytes: 128 << 20 });
    const { allocation: _, ...thin } = fixed;
    t.equal((await volumes.copy({ ...thin, nativeName: 'thin', sizeBytes: 128 << 20 }, source, soon())).allocation, undefined);
    const linked = { ...fixed, nativeName: 'linked', sizeBytes: 128 << 20 };
    await t.rejects(volumes.link(linked, source, soon()), { code: 'Unsupported', message: /takes what differs/ });
    store.disk = () => ({ capacity: 2 ** 40, free: 2 ** 30 });
    const large = { ...fixed, nativeName: 'large', sizeBytes: 2 ** 31 };
    await t.rejects(volumes.create(large, soon()), { code: 'Exhausted', message: /not enough space/ });
    await t.rejects(volumes.grow(made.id, 2 ** 31, soon()), { code: 'Exhausted', message: /not enough space/ });
    await t.resolves(volumes.create({ ...thin, nativeName: 'large', sizeBytes: 2 ** 31 }, soon()), 'a dynamic one needs none at first');
    t.match(
      (await volumes.list(pool, { refresh: true }, soon())).map(({ id, allocation }) => [id.nativeName, allocation]),
      [
        ['copy', 'Full'],
        ['fixed', 'Full'],
        ['large', undefined],
        ['thin', undefined],
      ],
    );
  });

for (const mode of ['v2', 'v1'] as const)
  t.test(`${mode}: a fixed disk that another life still has written keeps no other one waiting`, async (t) => {
    const { simulator, facet, disk } = await hypervHost(t, mode);
    const { host } = simulator;
    const file = 'd:\\hyper-v\\large.vhd';
    await host.options.store.touch(file);
    const written = host.jobs.start('Creating large.vhd', 'Msvm_StorageJob', () => new Promise(() => {}), mode === 'v2' ? { type: 1 } : {});
    written.percent = 40;
    t.match(await disk('small'), { sizeBytes: 4 << 20 });
    const itself = { pool, nativeName: 'large', format: 'Vhd', sizeBytes: 2 ** 30, allocation: 'Full' } as const;
    await t.rejects(facet('volumes').create(itself, soon()), { code: 'Busy', message: /the host still makes it/ });
    t.equal(written.state, 'running');
  });

for (const mode of ['v2', 'v1'] as const)
  t.test(`${mode}: a file that others put beside ours under its name is neither taken for it, nor deleted with it`, async (t) => {
    const { folder, simulator, facet, disk } = await hypervHost(t, mode);
    const volumes = facet('volumes');
    const { store } = simulator.host.options;
    const files = async () => (await readdir(join(folder, 'D/Hyper-V'))).sort();
    const { id } = await disk('web');
    const theirs = ['web.vhdx', 'web.raw.iso'];
    for (const file of theirs) {
      if (/x$/.test(file)) await store.create(`d:\\hyper-v\\${file}`, { format: 'VHDX', type: 'Dynamic', sizeBytes: 8 << 20 });
      else await store.touch(`d:\\hyper-v\\${file}`);
      const listed = await volumes.list(pool, { refresh: true }, soon());
      t.match(listed, [{ id, unread: /there are two files of that name, .*; move or rename the one that is not the volume's/ }]);
      t.equal(listed.length, 1);
      const copy = { pool, nativeName: 'copy', format: 'Vhd', sizeBytes: 16 << 20 } as const;
      const source = { id, format: 'Vhd' } as const;
      const acts = [
        () => volumes.delete(id, soon()),
        () => volumes.grow(id, 16 << 20, soon()),
        () => volumes.upload(id, nothing(), soon()),
        () => volumes.copy(copy, source, soon()),
        () => volumes.link(copy, source, soon()),
      ];
      for (const act of acts)
        await t.rejects(async () => void (await act()), { code: 'Conflict', message: /volume "web": there are two files of that name/ });
      t.same(await files(), ['web.vhd', file].sort());
      await store.delete(`d:\\hyper-v\\${file}`);
    }
    await store.touch('d:\\hyper-v\\web.vhdx.part');
    t.match(await volumes.list(pool, { refresh: true }, soon()), [{ id, location: 'd:\\hyper-v\\web.vhd', unread: undefined }]);
    await volumes.delete(id, soon());
    t.same(await files(), ['web.vhdx.part'], 'what others have begun is theirs');
    const empty = { pool, nativeName: 'disc', format: 'Raw', sizeBytes: 0 } as const;
    await volumes.create(empty, soon());
    await store.create('d:\\hyper-v\\disc.vhd', { format: 'VHD', type: 'Dynamic', sizeBytes: 8 << 20 });
    await t.rejects(volumes.delete(empty, soon()), { code: 'Conflict', message: /disc\.vhd and .*disc\.empty\.vhdx?;/ });
  });

for (const mode of ['v2', 'v1'] as const)
  t.test(`${mode}: a disk that others put in the place of one as long is asked for before its base goes`, async (t) => {
    const { folder, simulator, facet, disk } = await hypervHost(t, mode);
    const volumes = facet('volumes');
    const { store } = simulator.host.options;
    const [base, another] = [await disk('base'), await disk('bare')];
    const theirs = 'd:\\hyper-v\\theirs.vhd';
    const link = (parent: string) => store.create(theirs, { format: 'VHD', type: 'Differencing', sizeBytes: 0, parent });
    const bytes = async () => (await stat(join(folder, 'D/Hyper-V/theirs.vhd'))).size;
    await link(another.location);
    const before = await bytes();
    t.match(await volumes.list(pool, { refresh: true }, soon()), [{}, {}, { base: another.location }]);
    await store.delete(theirs);
    await link(base.location);
    t.equal(await bytes(), before);
    t.match(await volumes.list(pool, { refresh: false }, soon()), [{}, {}, { base: another.location }], 'as it was known');
    const isLinked = { code: 'Conflict', message: /volume "base" has a linked clone/ };
    await t.rejects(volumes.delete(base.id, soon()), isLinked);
    await t.rejects(volumes.grow(base.id, 8 << 20, soon()), isLinked);
    await volumes.delete(another.id, soon());
  });

for (const mode of ['v2', 'v1'] as const)
  t.test(`${mode}: a disk that its folder shows and the host does not find is not gone`, async (t) => {
    const { simulator, connect, disk } = await hypervHost(t, mode);
    const { store } = simulator.host.options;
    const { troubles } = simulator.host;
    const [gold, other] = [await disk('gold'), await disk('other')];
    const look = mode === 'v2' ? 'GetVirtualHardDiskSettingData' : 'GetVirtualHardDiskInfo';
    const volumes = (await connect()).volumes;
    const list = () => volumes?.list(pool, { refresh: true }, soon());
    troubles.add(look, { kind: 'return', code: codes.fileNotFound });
    const { id, location } = gold;
    t.match(await list(), [
      { id, location, unread: /not found/ },
      { id: other.id, unread: /not found/ },
    ]);
    await t.rejects(async () => volumes?.delete(id, soon()), {
      code: 'Busy',
      message: /other\.vhd does not tell whether .*file not found.*move it out of the folder/,
    });
    troubles.calm();
    troubles.add(look, { kind: 'meet', act: async () => void (await store.delete(other.location)) }, 2);
    const listed = await list();
    t.match(listed, [{ id, unread: undefined }], 'one that is deleted meanwhile is gone');
    t.equal(listed?.length, 1);
    await volumes?.delete(id, soon());
  });

for (const mode of ['v2', 'v1'] as const)
  t.test(`${mode}: a disk is refused that is larger than its format allows, before the host is asked`, async (t) => {
    const { simulator, facet, disk } = await hypervHost(t, mode);
    const volumes = facet('volumes');
    const { id } = await disk('web');
    const most =
      mode === 'v2'
        ? ([
            ['Vhd', 2040],
            ['Vhdx', 65_536],
          ] as const)
        : ([['Vhd', 2040]] as const);
    for (const [format, gib] of most) {
      const large = { pool, nativeName: `large-${format.toLowerCase()}`, format, sizeBytes: gib * 2 ** 30 };
      const words = { code: 'Invalid', message: new RegExp(`size of \\d+ bytes was given; .*at most ${gib} GiB as a ${format}`) };
      const before = simulator.host.asked.filter((what) => /Create|Resize|Expand/.test(what)).length;
      await t.rejects(volumes.create({ ...large, sizeBytes: large.sizeBytes + 4096 }, soon()), words);
      if (format === 'Vhd') await t.rejects(volumes.grow(id, large.sizeBytes + 4096, soon()), words);
      t.equal(simulator.host.asked.filter((what) => /Create|Resize|Expand/.test(what)).length, before);
      t.match(await volumes.create(large, soon()), { sizeBytes: large.sizeBytes });
    }
  });

async function* nothing(): AsyncGenerator<Uint8Array> {}
