import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { crc32c } from './crc32c.js';
import { Store } from './store.js';

const run = promisify(execFile);
const folder = await mkdtemp(join(tmpdir(), 'vw-disks-'));
t.teardown(() => rm(folder, { recursive: true }));
const store = new Store(folder);
await store.makeFolder('C:\\vms');
const gib = 2 ** 30;

const hasQemu = await run('qemu-img', ['--version']).then(
  () => true,
  () => false,
);
if (!hasQemu && process.env['CI'] === 'true') throw new Error('qemu-img is missing: install qemu-utils');

t.test('CRC32C is the one that everybody has', async (t) => t.equal(crc32c(Buffer.from('123456789')), 0xe3069283));

for (const [name, format, type, qemu] of [
  ['a.vhdx', 'VHDX', 'Dynamic', 'vhdx'],
  ['b.vhdx', 'VHDX', 'Fixed', 'vhdx'],
  ['c.vhd', 'VHD', 'Dynamic', 'vpc'],
  ['d.vhd', 'VHD', 'Fixed', 'vpc'],
] as const)
  t.test(`a ${type} ${format} is one to QEMU, and takes no room`, { skip: !hasQemu && 'install qemu-utils' }, async (t) => {
    const path = `C:\\vms\\${name}`;
    await store.create(path, { format, type, sizeBytes: gib });
    const place = join(folder, 'C/vms', name);
    const { stdout } = await run('qemu-img', ['info', '--output=json', '-f', qemu, place]);
    t.match(JSON.parse(stdout), { format: qemu, 'virtual-size': gib });
    if (format === 'VHDX') t.match((await run('qemu-img', ['check', place])).stdout, /No errors/);
    // A whole table of blocks is all that a fixed disk has more.
    t.ok((await stat(place)).blocks * 512 < 4 << 20);
    await run('qemu-io', ['-f', qemu, '-c', 'read 0 64k', place]);
    t.match(await store.image(path.toUpperCase()), { format, type, sizeBytes: gib }, 'in whatever case it is asked for');
    await store.resize(path, 2 * gib);
    t.match(await store.image(path), { format, type, sizeBytes: 2 * gib });
    await t.rejects(store.create(path, { format, type, sizeBytes: gib }), { name: 'Refusal', message: /exists/ });
  });

t.test('what QEMU makes is read as well', { skip: !hasQemu && 'install qemu-utils' }, async (t) => {
  await mkdir(join(folder, 'C/qemu'));
  await run('qemu-img', ['create', '-q', '-f', 'vhdx', join(folder, 'C/qemu/q.vhdx'), '1G']);
  await run('qemu-img', ['create', '-q', '-f', 'vpc', '-o', 'force_size=on', join(folder, 'C/qemu/q.vhd'), '1G']);
  t.match(await store.image('C:\\qemu\\q.vhdx'), { format: 'VHDX', type: 'Dynamic', sizeBytes: gib });
  t.match(await store.image('C:\\qemu\\q.vhd'), { format: 'VHD', type: 'Dynamic', sizeBytes: gib });
});

t.test('a differencing disk knows its parent, and has its size', async (t) => {
  await store.create('C:\\vms\\base.vhdx', { format: 'VHDX', type: 'Dynamic', sizeBytes: gib });
  await store.create('C:\\vms\\child.vhdx', { format: 'VHDX', type: 'Differencing', sizeBytes: 0, parent: 'C:\\vms\\base.vhdx' });
  t.match(await store.image('C:\\vms\\child.vhdx'), { type: 'Differencing', sizeBytes: gib, parent: 'C:\\vms\\base.vhdx' });
});

for (const path of [
  'C:\\..\\..\\etc\\passwd',
  '/etc/passwd',
  'vms\\a.vhdx',
  'C:\\vms\\a/../../b.vhdx',
  'C:\\vms\\a?.vhdx',
  '\\\\.\\PhysicalDrive0\\x',
])
  t.test(`${path} leads nowhere`, async (t) =>
    t.rejects(store.create(path, { format: 'VHDX', type: 'Dynamic', sizeBytes: gib }), { name: 'Refusal' }),
  );

t.test('sizes that cannot be, and folders that are not there, are refused', async (t) => {
  for (const sizeBytes of [0, 1000, gib + 1, 65 * 2 ** 40])
    await t.rejects(store.create('C:\\vms\\s.vhdx', { format: 'VHDX', type: 'Dynamic', sizeBytes }), { name: 'Refusal' });
  await t.rejects(store.create('C:\\nowhere\\s.vhdx', { format: 'VHDX', type: 'Dynamic', sizeBytes: gib }), {
    message: /cannot find the path/,
  });
  await t.rejects(store.image('C:\\vms\\s.vhdx'), { message: /cannot find the file/ });
});

t.test('a folder is one and the same in whatever case it is asked for', async (t) => {
  await store.makeFolder('C:\\Discs\\A');
  await store.touch('c:\\discs\\a\\one.iso');
  await store.touch('c:\\DISCS\\two.iso');
  const folders = store.folders().filter((path) => /discs/i.test(path));
  t.same(folders.sort(), ['C:\\Discs', 'C:\\Discs\\A']);
  t.ok(await store.exists('C:\\Discs\\A\\one.iso'));
});
