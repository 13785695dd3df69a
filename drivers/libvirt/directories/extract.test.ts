import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { chown, lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { extractTar } from './extract.js';

const run = promisify(execFile);
const isRoot = process.getuid?.() === 0;
/** Only root gives files away. */
const map = { first: isRoot ? 0x7000_0000 : (process.getuid?.() ?? 0), count: isRoot ? 0x1_0000 : 1 };

interface Entry {
  readonly path: string;
  readonly type?: string;
  readonly target?: string;
  readonly content?: string;
  readonly uid?: number;
  readonly mode?: number;
  readonly claimedBytes?: number;
}

function blockOf({ path, type = '0', target = '', content = '', uid = 0, mode = 0o644, claimedBytes }: Entry): Buffer {
  const header = Buffer.alloc(512);
  const octal = (value: number, at: number, length: number) =>
    header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1');
  header.write(path, 0, 100, 'utf8');
  octal(mode, 100, 8);
  octal(uid, 108, 8);
  octal(uid, 116, 8);
  octal(claimedBytes ?? Buffer.byteLength(content), 124, 12);
  octal(1_700_000_000, 136, 12);
  header.write('        ', 148, 'latin1');
  header.write(type, 156, 'latin1');
  header.write(target, 157, 100, 'utf8');
  header.write('ustar\0' + '00', 257, 'latin1');
  octal(
    header.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  const body = Buffer.from(content);
  return Buffer.concat([header, body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
}

const archiveOf = (entries: readonly Entry[]): Buffer => Buffer.concat([...entries.map(blockOf), Buffer.alloc(1024)]);

/** As it comes from afar: in parts that care for no boundary. */
async function* inParts(bytes: Buffer, size = 700): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function folder(t: Test): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'vw-extract-'));
  t.teardown(() => rm(made, { recursive: true, force: true }));
  await mkdir(join(made, 'root'));
  await writeFile(join(made, 'outside'), 'untouched');
  return made;
}

t.test('what GNU tar packs comes out as it was, with the owners of the map', async (t) => {
  const made = await folder(t);
  const from = join(made, 'from');
  await mkdir(join(from, `deep/${'x'.repeat(80)}/${'y'.repeat(80)}`), { recursive: true });
  await writeFile(join(from, `deep/${'x'.repeat(80)}/${'y'.repeat(80)}/file`), 'far down');
  await writeFile(join(from, 'program'), '#!/bin/sh\n', { mode: 0o755 });
  await run('chmod', ['4755', join(from, 'program')]);
  await symlink('/program', join(from, 'link'));
  await run('ln', [join(from, 'program'), join(from, 'second')]);
  for (const format of ['gnu', 'posix', 'ustar']) {
    const archive = join(made, `${format}.tar`);
    const names = format === 'ustar' ? ['program', 'link', 'second'] : ['.'];
    const owner = ['--owner=0', '--group=0', '--numeric-owner'];
    await run('tar', ['-c', `--format=${format}`, ...owner, '-f', archive, '-C', from, ...names]);
    const root = join(made, `root-${format}`);
    await mkdir(root);
    await extractTar(createReadStream(archive), root, map);
    const program = await lstat(join(root, 'program'));
    t.equal(program.mode & 0o7777, 0o4755, 'with the bits above permissions');
    t.same([program.uid, program.gid], [map.first, map.first]);
    t.equal((await lstat(join(root, 'second'))).ino, program.ino);
    t.equal(await readlink(join(root, 'link')), '/program');
    if (format !== 'ustar') t.equal(await readFile(join(root, `deep/${'x'.repeat(80)}/${'y'.repeat(80)}/file`), 'utf8'), 'far down');
  }
});

t.test('what would be lost is refused by its name', async (t) => {
  const made = await folder(t);
  const [from, archive] = [join(made, 'from'), join(made, 'made.tar')];
  const pack = async (...words: readonly string[]) => {
    await run('tar', ['-c', '--format=posix', '--owner=0', '--group=0', ...words, '-f', archive, '-C', from, '.']);
    return extractTar(createReadStream(archive), join(made, 'root'), map);
  };
  await mkdir(from);
  await writeFile(join(from, 'ping'), '');
  for (const attribute of ['security.capability', 'user.note'])
    await t.rejects(pack(`--pax-option=SCHILY.xattr.${attribute}:=x`), {
      code: 'Invalid',
      message: new RegExp(`extended attribute ${attribute}.*--no-xattrs`),
    });
  await pack('--pax-option=SCHILY.xattr.security.selinux:=label');
  t.same(await readdir(join(made, 'root')), ['ping'], 'labels are the host’s affair');
  await run('sh', ['-c', `cd "$1" && touch "$(printf 'latin-\\351')"`, 'sh', from]);
  await t.rejects(pack('--format=gnu'), { code: 'Invalid', message: /no UTF-8/ });
  await run('sh', ['-c', `cd "$1" && rm -f latin* && ln -s "$(printf 'latin-\\351')" link`, 'sh', from]);
  await t.rejects(pack('--format=gnu'), { code: 'Invalid', message: /link".*no UTF-8/ });
});

t.test('nothing leaves the directory', async (t) => {
  const hostile: Readonly<Record<string, readonly Entry[]>> = {
    'a path with ..': [{ path: '../outside', content: 'evil' }],
    'a path with .. within': [{ path: 'a/../../outside', content: 'evil' }],
    'a file through a link': [
      { path: 'out', type: '2', target: '..' },
      { path: 'out/outside', content: 'evil' },
    ],
    'a file through an absolute link': [
      { path: 'out', type: '2', target: '/tmp' },
      { path: 'out/evil', content: 'evil' },
    ],
    'a directory over a link': [
      { path: 'out', type: '2', target: '..' },
      { path: 'out', type: '5' },
      { path: 'out/outside', content: 'evil' },
    ],
    'a hard link outwards': [
      { path: 'copy', type: '1', target: '../outside' },
      { path: 'copy', content: 'evil' },
    ],
    'a hard link through a link': [
      { path: 'out', type: '2', target: '..' },
      { path: 'copy', type: '1', target: 'out/outside' },
    ],
    'a hard link to what is not there': [{ path: 'copy', type: '1', target: 'etc/passwd' }],
    'a file over a directory': [
      { path: 'a', type: '5' },
      { path: 'a', content: 'x' },
    ],
    'a user beyond the map': [{ path: 'a', content: 'x', uid: 0x1_0000 }],
    'a sparse file': [{ path: 'a', type: 'S' }],
  };
  for (const [what, entries] of Object.entries(hostile)) {
    const made = await folder(t);
    await t.rejects(extractTar(inParts(archiveOf(entries)), join(made, 'root'), map), { name: 'DriverError', code: 'Invalid' }, what);
    t.equal(await readFile(join(made, 'outside'), 'utf8'), 'untouched', what);
    t.same((await readdir(made)).sort(), ['outside', 'root'], what);
  }
});

t.test('absolute names are the root’s own, and a later entry of a name takes an earlier one’s place', async (t) => {
  const made = await folder(t);
  const root = join(made, 'root');
  const entries = [
    { path: '/etc/name', content: 'first' },
    { path: './etc/name', content: 'second' },
    { path: 'etc/link', type: '2', target: '../../../outside' },
    { path: 'etc/link', content: 'no link any more' },
    { path: 'dev/null', type: '3' },
    { path: 'pipe', type: '6' },
  ];
  await extractTar(inParts(archiveOf(entries)), root, map);
  t.equal(await readFile(join(root, 'etc/name'), 'utf8'), 'second');
  t.equal(await readFile(join(root, 'etc/link'), 'utf8'), 'no link any more');
  t.equal(await readFile(join(made, 'outside'), 'utf8'), 'untouched');
  t.same((await readdir(root)).sort(), ['dev', 'etc'], 'devices and pipes are left out');
  t.same(await readdir(join(root, 'dev')), []);
});

t.test('what is cut off, or is no archive, is refused', async (t) => {
  const whole = archiveOf([
    { path: 'a', content: 'x'.repeat(2_000) },
    { path: 'b', content: 'y' },
  ]);
  for (const [what, bytes] of Object.entries({
    nothing: Buffer.alloc(0),
    'no archive': Buffer.from('<html>'.repeat(200)),
    'half a header': whole.subarray(0, 300),
    'half a file': whole.subarray(0, 1_500),
    'no end': whole.subarray(0, whole.length - 1_024),
    'a file that claims more': Buffer.concat([blockOf({ path: 'a', content: 'x', claimedBytes: 1 << 30 }), Buffer.alloc(1024)]),
    'endless words about a file': blockOf({ path: 'x', type: 'x', claimedBytes: 2 << 20 }),
  })) {
    const made = await folder(t);
    await t.rejects(extractTar(inParts(bytes), join(made, 'root'), map), { name: 'DriverError', code: 'Invalid' }, what);
  }
});

t.test('what its sender throws at the end is what is told', async (t) => {
  const made = await folder(t);
  const reason = new Error('the checksum differs');
  async function* differing() {
    yield* inParts(archiveOf([{ path: 'a', content: 'x' }]));
    throw reason;
  }
  await t.rejects(extractTar(differing(), join(made, 'root'), map), reason);
});

t.test('whatever its bytes are, an archive writes nothing outside', async (t) => {
  const made = await folder(t);
  const names = fc.constantFrom('a', 'a/b', '../outside', '/a', 'l', 'l/outside', 'l/b', '..', '.', '', 'a/../../outside');
  const entry = fc.record({
    path: names,
    target: names,
    type: fc.constantFrom('0', '1', '2', '5', '3', 'L', 'K', 'x'),
    content: fc.constantFrom('', 'evil'),
  });
  let round = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 6 }), fc.integer({ min: 1, max: 2_000 }), async (entries, size) => {
      const root = join(made, `root/${round++}`);
      await mkdir(root);
      await extractTar(inParts(archiveOf(entries), size), root, map).catch((reason) => {
        if (reason.name !== 'DriverError') throw reason;
      });
      if ((await readFile(join(made, 'outside'), 'utf8')) !== 'untouched') throw new Error('it was written to');
    }),
    { numRuns: 200 },
  );
  t.same((await readdir(made)).sort(), ['outside', 'root']);
});

t.test('a sender is let go of when its archive is refused', async (t) => {
  const made = await folder(t);
  let left = false;
  async function* sender() {
    try {
      yield* inParts(archiveOf([{ path: '../outside', content: 'evil' }]));
    } finally {
      left = true;
    }
  }
  await t.rejects(extractTar(sender(), join(made, 'root'), map), { code: 'Invalid' });
  t.equal(left, true);
});

t.test('what would be made in great numbers, or as something else, is refused', async (t) => {
  const made = await folder(t);
  const root = join(made, 'root');
  const deep = Array.from({ length: 40 }, () => 'a').join('/');
  await extractTar(inParts(archiveOf([{ path: `${deep}/b`, content: 'x' }])), root, map);
  const long = Buffer.concat([
    blockOf({ path: 'x', type: 'L', content: `${'a/'.repeat(200)}b` }),
    blockOf({ path: 'x', content: 'x' }),
    Buffer.alloc(1024),
  ]);
  await t.rejects(extractTar(inParts(long), root, map), { code: 'Invalid', message: /at most 128 parts/ });
  const from = join(made, 'from');
  await mkdir(from);
  await run('truncate', ['--size=4M', join(from, 'sparse')]);
  for (const format of ['posix', 'gnu']) {
    const archive = join(made, `${format}.tar`);
    await run('tar', ['-c', '--sparse', `--format=${format}`, '--owner=0', '--group=0', '-f', archive, '-C', from, 'sparse']);
    await t.rejects(extractTar(createReadStream(archive), root, map), { code: 'Invalid', message: /sparse/ }, format);
  }
});

t.test('the directory itself stays whose it is', { skip: !isRoot && 'only root gives files away' }, async (t) => {
  const made = await folder(t);
  const root = join(made, 'root');
  await chown(root, map.first, map.first);
  await extractTar(
    inParts(
      archiveOf([
        { path: './', type: '5', uid: 1_000, mode: 0o750 },
        { path: './a', uid: 1_000 },
      ]),
    ),
    root,
    map,
  );
  const top = await lstat(root);
  t.same([top.uid, top.mode & 0o777, (await lstat(join(root, 'a'))).uid], [map.first, 0o750, map.first + 1_000]);
});
