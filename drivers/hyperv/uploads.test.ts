import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { VolumeFormat, VolumeId } from '#drivers/driver.js';
import { Credentials } from '#drivers/target.js';
import { crc32c } from '#simulators/hyperv/disks/crc32c.js';
import { skipWhereMissing } from '#test/peers/build.js';
import { definition, hypervHost, hypervWithFiles, hypervWithShare, mark, pool, sharePool, soon } from '#test/peers/hyperv-host.js';
import { startSamba } from '#test/peers/samba.js';
import { administrator } from '#test/peers/samba-share.js';
import { SmbClient } from './smb/client.js';

t.setTimeout(300_000);

const mib = 2 ** 20;
const folder = mkdtempSync(join(tmpdir(), 'vw-images-'));
t.teardown(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, 'plain'), Buffer.concat([randomBytes(mib)], 8 * mib));

/** As qemu-img makes it of 8 MiB. */
function image(name: string, format: 'vpc' | 'vhdx', options: string): Buffer {
  const path = join(folder, name);
  execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', format, '-o', options, join(folder, 'plain'), path]);
  return readFileSync(path);
}
const dynamicVhd = image('dynamic.vhd', 'vpc', 'subformat=dynamic,force_size=on');
const fixedVhd = image('fixed.vhd', 'vpc', 'subformat=fixed,force_size=on');
const vhdx = image('dynamic.vhdx', 'vhdx', 'subformat=dynamic');

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function whole(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(part);
  return Buffer.concat(parts);
}

async function shelf(t: Test, mode: 'v1' | 'v2') {
  const host = await hypervWithFiles(t, mode);
  const volumes = host.facet('volumes');
  const place = join(host.folder, 'D/Hyper-V');
  return {
    ...host,
    place,
    volumes,
    files: () => readdirSync(place).sort(),
    empty: (nativeName: string, format: VolumeFormat) => volumes.create({ pool, nativeName, format, sizeBytes: 0 }, soon()),
    download: (id: VolumeId) => whole(volumes.download(id, { offset: 0, length: Number.MAX_SAFE_INTEGER }, soon())),
    find: async (nativeName: string) =>
      (await volumes.list(pool, { refresh: true }, soon())).find(({ id }) => id.nativeName === nativeName),
  };
}

for (const [mode, format, what, bytes] of [
  ['v1', 'Vhd', 'dynamic', dynamicVhd],
  ['v1', 'Vhd', 'fixed', fixedVhd],
  ['v2', 'Vhd', 'fixed', fixedVhd],
  ['v2', 'Vhdx', 'dynamic', vhdx],
] as const)
  t.test(`${mode}: a ${what} ${format} is uploaded, tells its size, grows, and is downloaded`, async (t) => {
    const { volumes, empty, files, find, download } = await shelf(t, mode);
    const ending = format.toLowerCase();
    const { id } = await empty('disk', format);
    t.match(await find('disk'), { format, sizeBytes: 0 });
    t.same(files(), [`disk.unfilled.${ending}`]);
    t.equal((await download(id)).length, 0, 'there is nothing in it yet');
    await t.rejects(volumes.grow(id, 16 * mib, soon()), { code: 'Conflict', message: /upload a disk first/ });
    await volumes.upload(id, once(bytes), soon());
    t.same(files(), [`disk.${ending}`]);
    t.match(await find('disk'), { id, format, sizeBytes: 8 * mib, location: `${pool}\\disk.${ending}` });
    t.ok((await download(id)).equals(bytes));
    await volumes.grow(id, 16 * mib, soon());
    t.match(await find('disk'), { sizeBytes: 16 * mib });
    await volumes.upload(id, once(bytes), soon());
    t.match(await find('disk'), { sizeBytes: 8 * mib }, 'it is what was uploaded last');
    await volumes.delete(id, soon());
    t.same(files(), []);
  });

t.test('a disc is uploaded, and is in the drive of a machine', async (t) => {
  const { driver, empty, volumes, files, find, read } = await shelf(t, 'v2');
  const { id } = await empty('disc', 'Raw');
  await volumes.upload(id, once(Buffer.alloc(3 * 2048, 'iso')), soon());
  t.same(files(), ['disc.raw.iso']);
  const { location } = (await find('disc')) ?? { location: '' };
  const made = await driver.machines.define({ ...definition, cdroms: [{ name: 'setup', location }] }, mark, soon());
  t.match((await read(made))?.configured, { cdroms: [{ name: 'setup', location: 'd:\\hyper-v\\disc.raw.iso' }] });
});

t.test('a disc of a size is zeros, grows, and is deleted', async (t) => {
  const { volumes, files, find, download } = await shelf(t, 'v2');
  const { id, location } = await volumes.create({ pool, nativeName: 'disc', format: 'Raw', sizeBytes: mib }, soon());
  t.equal(location, 'd:\\hyper-v\\disc.raw.iso');
  await volumes.grow(id, 2 * mib, soon());
  t.match(await find('disc'), { format: 'Raw', sizeBytes: 2 * mib });
  t.ok((await download(id)).equals(Buffer.alloc(2 * mib)));
  await volumes.delete(id, soon());
  t.equal(await find('disc'), undefined);
  t.same(files(), []);
});

t.test('a disc whose making broke keeps its name, and goes with all that was written of it', async (t) => {
  const { volumes, files, find, samba, place } = await shelf(t, 'v2');
  await samba[Symbol.asyncDispose]();
  const disc = { pool, nativeName: 'disc', format: 'Raw', sizeBytes: mib } as const;
  await t.rejects(volumes.create(disc, soon()), { code: 'Unavailable' });
  t.match(await find('disc'), { format: 'Raw', sizeBytes: 0 });
  writeFileSync(join(place, 'disc.raw.iso.part'), 'half');
  await volumes.delete(disc, soon());
  t.same(files(), []);
});

/** That bytes are written in, as by who breaks an image. */
function edited(bytes: Buffer, at: number, value: Buffer | string): Buffer {
  const copy = Buffer.from(bytes);
  copy.set(Buffer.from(value), at < 0 ? copy.length + at : at);
  return copy;
}

t.test('what is no disk of the format, or has a parent, gets no name', async (t) => {
  const { volumes, empty, files, find, download } = await shelf(t, 'v2');
  const child = async (format: 'Vhd' | 'Vhdx') => {
    const base = { pool, nativeName: `base-${format.toLowerCase()}`, format, sizeBytes: 8 * mib };
    const { id } = await volumes.create(base, soon());
    const linked = await volumes.link({ ...base, nativeName: `child-${format.toLowerCase()}` }, { id, format }, soon());
    return download(linked.id);
  };
  const [childVhd, childVhdx] = [await child('Vhd'), await child('Vhdx')];
  const before = files();
  const twoTypes = edited(dynamicVhd, 0, childVhd.subarray(0, 512));
  const log = [64, 128].reduce((bytes, kib) => {
    const copy = edited(bytes, kib * 1024 + 48, randomBytes(16));
    const header = copy.subarray(kib * 1024, (kib + 4) * 1024).fill(0, 4, 8);
    header.writeUInt32LE(crc32c(header), 4);
    return copy;
  }, vhdx);
  const torn = edited(edited(vhdx, 65 * 1024, 'x'), 129 * 1024, 'x');
  const noTable = edited(edited(vhdx, 192 * 1024, 'none'), 256 * 1024, 'none');
  const secondTable = edited(
    edited(vhdx, 256 * 1024, childVhdx.subarray(256 * 1024, 320 * 1024)),
    2 * mib,
    childVhdx.subarray(2 * mib, 3 * mib),
  );
  for (const [format, bytes, why] of [
    ['Vhd', Buffer.alloc(0), /0 bytes were uploaded, and they do not end with the footer of a VHD/],
    ['Vhd', Buffer.alloc(3 * mib), /3145728 bytes were uploaded, and they do not end with the footer/],
    ['Vhd', vhdx, /footer of a VHD; .*this one is a VHDX/],
    ['Vhd', fixedVhd.subarray(0, -1), /footer/],
    ['Vhd', Buffer.concat([fixedVhd.subarray(512)]), /a fixed disk that says it has 8388608/],
    ['Vhd', edited(dynamicVhd, 512, 'nonsense'), /dynamic disk without its header/],
    ['Vhd', edited(fixedVhd, -1, 'x'), /footer/],
    ['Vhd', childVhd, /differencing disk, which has a parent/],
    ['Vhd', twoTypes, /differencing disk, which has a parent/],
    ['Vhdx', Buffer.from('vhd'), /do not begin with "vhdxfile"/],
    ['Vhdx', dynamicVhd, /"vhdxfile".*accepted: a VHDX that stands alone; this one is a VHD/],
    ['Vhdx', vhdx.subarray(0, 100_000), /without a table of its regions/],
    ['Vhdx', noTable, /without a table of its regions/],
    ['Vhdx', edited(vhdx, 200, 'x').subarray(0, 300 * 1024), /metadata are not/],
    ['Vhdx', log, /in use when it was copied/],
    ['Vhdx', torn, /without a header that is whole/],
    ['Vhdx', childVhdx, /differencing disk, which has a parent/],
    ['Vhdx', secondTable, /differencing disk, which has a parent/],
  ] as const) {
    const { id } = await empty('wrong', format);
    await t.rejects(volumes.upload(id, once(bytes), soon()), { code: 'Invalid', message: why }, String(why));
    t.match(await find('wrong'), { format, sizeBytes: 0 });
    t.same(files(), [...before, `wrong.unfilled.${format.toLowerCase()}`].sort(), 'and no part is left');
    await volumes.delete(id, soon());
  }
});

t.test('what Hyper-V says of a disk that it does not take is told to who uploaded it', async (t) => {
  const { volumes, empty, find } = await shelf(t, 'v2');
  const { id } = await empty('disk', 'Vhdx');
  const virtualDiskId = Buffer.from('ab12cabee6b22345', 'hex');
  const broken = edited(vhdx, vhdx.indexOf(virtualDiskId), 'x');
  await volumes.upload(id, once(broken), soon());
  const told = { code: 'Invalid', message: /^volume "disk": .*32776/ };
  await t.rejects(volumes.grow(id, 16 * mib, soon()), told);
  t.match(await find('disk'), { unread: /32776/ });
});

t.test('what is left by who died amid an upload is no whole volume, is filled again, and goes with the volume', async (t) => {
  const { volumes, empty, files, find, place } = await shelf(t, 'v2');
  for (const [format, part, bytes] of [
    ['Vhdx', 'disk.vhdx.part', vhdx],
    ['Vhd', 'disk.vhd.part', fixedVhd],
    ['Raw', 'disk.raw.iso.part', Buffer.alloc(4096)],
  ] as const) {
    const { id } = await empty('disk', format);
    const [placeholder = ''] = files();
    const held = readFileSync(join(place, placeholder));
    writeFileSync(join(place, part), bytes.subarray(0, 100));
    t.match(await find('disk'), { format, sizeBytes: 0 });
    await volumes.upload(id, once(bytes), soon());
    t.same(files(), [part.replace('.part', '')]);
    // Renamed, and nothing after that.
    writeFileSync(join(place, placeholder), held);
    t.match(await find('disk'), { format, sizeBytes: format === 'Raw' ? 4096 : 8 * mib });
    await t.rejects(empty('disk', format), { code: 'Conflict' });
    writeFileSync(join(place, part), bytes.subarray(0, 100));
    await volumes.delete(id, soon());
    t.same(files(), [], `${format}: nothing is left`);
  }
  writeFileSync(join(place, 'theirs.vhdx.part'), 'theirs');
  await volumes.delete({ pool, nativeName: 'theirs' }, soon());
  t.same(files(), ['theirs.vhdx.part'], 'what is no volume is nobody’s');
});

t.test('what others have open is Busy, and what others are made of stays', async (t) => {
  const { volumes, empty, samba, download, disk } = await shelf(t, 'v2');
  const { id } = await empty('disk', 'Vhdx');
  await volumes.upload(id, once(vhdx), soon());
  {
    await using theirs = await SmbClient.connect({ host: '127.0.0.1', port: samba.port }, administrator, soon());
    await using _open = await (await theirs.share('d$', soon())).open('hyper-v\\disk.vhdx', 'write', soon());
    await t.rejects(download(id), { code: 'Busy', message: /open elsewhere, as by a machine that runs/ });
    await t.rejects(volumes.upload(id, once(vhdx), soon()), { code: 'Busy' });
  }
  t.ok((await download(id)).equals(vhdx));
  const base = await disk('base');
  await volumes.link({ pool, nativeName: 'child', format: 'Vhd', sizeBytes: 4 * mib }, { id: base.id, format: 'Vhd' }, soon());
  await t.rejects(volumes.upload(base.id, once(fixedVhd), soon()), { code: 'Conflict', message: /linked clone/ });
});

t.test('where files are not reached, so is said by name, and only an empty volume is made', async (t) => {
  const { driver, facet } = await hypervHost(t, 'v2');
  const [volumes, why] = [facet('volumes'), /smb=off in the host's URI/];
  const found = (await facet('pools').list(soon())).find(({ id }) => id === pool);
  t.match(found, { formats: ['Vhdx', 'Vhd'], can: ['create', 'delete', 'grow'], noStream: why });
  const { capabilities } = await driver.host.describe(soon());
  t.match(
    capabilities.find(({ field }) => field === 'volumes.format'),
    { values: ['Vhdx', 'Vhd'], reason: why },
  );
  const named = { pool, nativeName: 'disk' };
  for (const asked of [
    { format: 'Vhdx', sizeBytes: 0 },
    { format: 'Raw', sizeBytes: mib },
  ] as const)
    await t.rejects(volumes.create({ ...named, ...asked }, soon()), { code: 'Unsupported', message: why });
  const { id } = await volumes.create({ ...named, format: 'Raw', sizeBytes: 0 }, soon());
  await t.rejects(volumes.upload(id, once(Buffer.from('x')), soon()), { code: 'Unsupported', message: why });
  await t.rejects(whole(volumes.download(id, { offset: 0, length: 1 }, soon())), { code: 'Unsupported', message: why });
  await t.rejects(volumes.grow(id, mib, soon()), { code: 'Unsupported', message: why });
});

t.test('a disk on a share is uploaded to the server that has it, as the account of the pool', async (t) => {
  const drives = mkdtempSync(join(tmpdir(), 'vw-server-'));
  t.teardown(() => rmSync(drives, { recursive: true, force: true }));
  const place = join(drives, 'D/Shares/VMs');
  mkdirSync(join(place, 'Disks'), { recursive: true });
  const of = {
    shares: [{ name: 'VMs', folder: place }],
    users: [{ name: administrator.username, password: administrator.password }],
    lines: ['interfaces = 127.0.0.1/8 127.0.0.2/8'],
  };
  const samba = await startSamba(of).catch((reason) => skipWhereMissing(t, reason));
  t.teardown(() => samba[Symbol.asyncDispose]());
  const { facet } = await hypervWithShare(t, { folder: drives }, samba.port);
  const [pools, volumes] = [facet('pools'), facet('volumes')];
  const own = new Credentials((['username', 'password'] as const).map((key) => [key, Buffer.from(administrator[key])] as const));
  const id = await pools.define({ ...sharePool, credentials: own }, soon());
  await pools.start(id, soon());
  t.match(
    (await pools.list(soon())).find((each) => each.id === id),
    { formats: ['Vhdx', 'Vhd', 'Raw'], can: ['create', 'delete', 'grow', 'stream'] },
  );
  const { id: disk } = await volumes.create({ pool: id, nativeName: 'disk', format: 'Vhdx', sizeBytes: 0 }, soon());
  await volumes.upload(disk, once(vhdx), soon());
  t.match(await volumes.list(id, { refresh: true }, soon()), [{ location: `${id}\\disk.vhdx`, sizeBytes: 8 * mib }]);
  t.ok((await whole(volumes.download(disk, { offset: 0, length: Number.MAX_SAFE_INTEGER }, soon()))).equals(vhdx));
  await volumes.delete(disk, soon());
  t.same(readdirSync(join(place, 'Disks')), []);
});

t.test('a port that nobody listens at is named, with what opens it, and before there is anything to upload', async (t) => {
  const { samba, volumes, empty, files } = await shelf(t, 'v2');
  const { id } = await empty('disk', 'Vhdx');
  await samba[Symbol.asyncDispose]();
  // The break may be told but by the first who asks.
  await empty('another', 'Vhdx').catch((reason) => t.match(reason, { code: 'Unavailable' }));
  await t.rejects(empty('another', 'Vhdx'), { code: 'Unavailable', message: /File and Printer Sharing \(SMB-In\)/ });
  t.same(files(), ['disk.unfilled.vhdx'], 'nothing is left of what could not be filled');
  await volumes.delete((await empty('mark', 'Raw')).id, soon());
  await t.rejects(volumes.upload(id, once(vhdx), soon()), { code: 'Unavailable', message: /File and Printer Sharing \(SMB-In\)/ });
  await volumes.delete(id, soon());
  t.same(files(), []);
});
