import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { crc32c } from '#simulators/hyperv/disks/crc32c.js';
import { type ConvertedFormat, convert, type DiskFormat } from './convert.js';
import { headBytes, inspectHeader } from './header.js';
import { inspectVhdx } from './vhdx.js';

const folder = mkdtempSync(join(tmpdir(), 'virtwright-test-'));
process.env['TMPDIR'] = folder;
// Who converts is not who runs this.
chmodSync(folder, 0o755);
t.teardown(() => execFileSync('rm', ['-r', folder]));
const MiB = 2 ** 20;
const limits = { virtualSizeBytes: 64 * MiB };
const signal = AbortSignal.timeout(120_000);
const file = (name: string) => join(folder, name);
const qemuImg = (...args: readonly string[]) =>
  execFileSync('qemu-img', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const content = Buffer.concat([randomBytes(3 * MiB), Buffer.alloc(5 * MiB), randomBytes(MiB)], 16 * MiB);
writeFileSync(file('plain.raw'), content);

/** As qemu-img makes it. */
function image(name: string, format: string, ...options: readonly string[]): Buffer {
  qemuImg('convert', '-f', 'raw', '-O', format, ...options, 'plain.raw', name);
  return readFileSync(file(name));
}
const sources: Readonly<Record<DiskFormat, Buffer>> = {
  Raw: content,
  Qcow2: image('a.qcow2', 'qcow2'),
  Vmdk: image('a.vmdk', 'vmdk'),
  Vhdx: image('a.vhdx', 'vhdx'),
};
const streamed = image('s.vmdk', 'vmdk', '-o', 'subformat=streamOptimized');

async function* once(bytes: Uint8Array) {
  yield bytes;
}
const opened = (bytes: Uint8Array) => ({ content: once(bytes), progressBytes: 0, [Symbol.asyncDispose]: async () => {} });
async function converted(from: DiskFormat, to: ConvertedFormat, bytes: Uint8Array): Promise<Buffer> {
  await using result = await convert(opened(bytes), { from, to, ...limits }, signal);
  const parts: Uint8Array[] = [];
  for await (const part of result.content) parts.push(part);
  return Buffer.concat(parts);
}
const verdictOf = (format: DiskFormat, bytes: Uint8Array, most = limits) => {
  const verdict = inspectHeader(format, bytes.subarray(0, headBytes), most);
  return verdict.kind === 'accepted' ? `accepted ${verdict.virtualSizeBytes}` : `${verdict.reason} ${verdict.message}`;
};
const vhdxVerdict = async (bytes: Uint8Array, most = limits) => {
  const verdict = await inspectVhdx(async (offset, length) => bytes.subarray(offset, offset + length), most);
  return verdict.kind === 'accepted' ? `accepted ${verdict.virtualSizeBytes}` : `${verdict.reason} ${verdict.message}`;
};
const edited = (bytes: Uint8Array, at: number, replacement: string | Uint8Array) => {
  const copy = Buffer.from(bytes);
  copy.set(typeof replacement === 'string' ? Buffer.from(replacement, 'latin1') : replacement, at);
  return copy;
};

/** With a log named by the header that is so many KiB behind the start, and its checksum as it is then. */
function logged(vhdx: Buffer, kib: number): Buffer {
  const copy = edited(vhdx, kib * 1024 + 48, Buffer.from([1]));
  const header = copy.subarray(kib * 1024, (kib + 4) * 1024).fill(0, 4, 8);
  header.writeUInt32LE(crc32c(header), 4);
  return copy;
}

t.test('an image is converted from each format into each, and nothing is left behind', async (t) => {
  for (const from of Object.keys(sources) as DiskFormat[])
    for (const to of ['Raw', 'Qcow2', 'Vhdx', 'Vhd'] as const) {
      const result = await converted(from, to, sources[from]);
      writeFileSync(file('result'), result);
      const native = to === 'Vhd' ? 'vpc' : to.toLowerCase();
      t.equal(JSON.parse(qemuImg('info', '--output=json', '-f', native, 'result'))['virtual-size'], content.length);
      qemuImg('convert', '-f', native, '-O', 'raw', 'result', 'back.raw');
      t.ok(readFileSync(file('back.raw')).equals(content), `${from} to ${to}`);
    }
  t.ok((await converted('Vmdk', 'Raw', streamed)).equals(content), 'streamOptimized');
  t.notOk(readdirSync(folder).some((name) => name.startsWith('virtwright-image-')));
});

t.test('what cannot be converted says so, and leaves nothing', async (t) => {
  await t.rejects(converted('Vhdx', 'Raw', sources.Vhdx.subarray(0, 200_000)), { name: 'ImageError', code: 'Corrupt' });
  const small = convert(opened(sources.Qcow2), { from: 'Qcow2', to: 'Raw', virtualSizeBytes: MiB }, signal);
  await t.rejects(small, { code: 'TooLarge' });
  const path = process.env['PATH'];
  process.env['PATH'] = folder;
  await t.rejects(converted('Qcow2', 'Raw', sources.Qcow2), { code: 'NoConverter', message: /install qemu-utils/ });
  process.env['PATH'] = path;
  t.notOk(readdirSync(folder).some((name) => name.startsWith('virtwright-image-')));
});

t.test('a folder that the converter may not reach is named', { skip: process.getuid?.() === 0 ? false : 'needs root' }, async (t) => {
  chmodSync(folder, 0o700);
  await t.rejects(converted('Qcow2', 'Raw', sources.Qcow2), { code: 'NoConverter', message: /may not reach .*set TMPDIR/ });
  chmodSync(folder, 0o755);
});

t.test('what an agent that died left is swept away; what one that lives has is not', async (t) => {
  execFileSync('mkdir', [file('virtwright-image-4194303-dead'), file(`virtwright-image-${process.pid}-mine`)]);
  await converted('Qcow2', 'Raw', sources.Qcow2);
  t.same(
    readdirSync(folder).filter((name) => name.startsWith('virtwright-image-')),
    [`virtwright-image-${process.pid}-mine`],
  );
});

t.test('a VMDK is accepted that is one file, and refused when it reaches for others', async (t) => {
  t.equal(verdictOf('Vmdk', sources.Vmdk), `accepted ${16 * MiB}`);
  t.equal(verdictOf('Vmdk', streamed), `accepted ${16 * MiB}`);
  const text = sources.Vmdk.toString('latin1', 512, 1536);
  const describe = (from: string | RegExp, to: string) =>
    edited(sources.Vmdk, 512, text.replace(from, to).padEnd(1024, '\0').slice(0, 1024));
  t.match(text, /parentCID=ffffffff/);
  const rows: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ['a parent', describe('parentCID=ffffffff', 'parentCID=12345678'), /^BackingFile/],
    ['the name of a parent', describe(/createType/, 'parentFileNameHint="/etc/shadow"\ncreateType'), /^BackingFile .*shadow/],
    ['a parent behind the end', edited(sources.Vmdk, 512 + 9000, 'parentFileNameHint="/etc/shadow"'), /^BackingFile/],
    ['an extent elsewhere', describe(/SPARSE "[^"]*"/, 'SPARSE "/etc/shadow"'), /^DataFile/],
    ['a flat extent', describe(/SPARSE "[^"]*"/, 'FLAT "shadow" 0'), /^DataFile/],
    ['two extents', describe(/(RW .*)\n/, '$1\n$1\n'), /^DataFile/],
    ['split', describe('monolithicSparse', 'twoGbMaxExtentSparse'), /^DataFile .*one file/],
    ['no capacity, so that the description counts', edited(sources.Vmdk, 12, Buffer.alloc(8)), /^DataFile/],
    ['a description elsewhere', edited(sources.Vmdk, 28, Buffer.from([3, 0, 0, 0, 0, 0, 0, 0])), /^Corrupt/],
    ['a version of tomorrow', edited(sources.Vmdk, 4, Buffer.from([9, 0, 0, 0])), /^UnknownVersion/],
    ['a description alone', Buffer.from('# Disk DescriptorFile\nversion=1\n'.padEnd(600, '\n')), /^NotThisFormat .*one file/],
    ['another format', sources.Qcow2, /^NotThisFormat .*qcow/],
    ['nothing', Buffer.alloc(0), /^NotThisFormat/],
  ];
  for (const [name, bytes, expected] of rows) t.match(verdictOf('Vmdk', bytes), expected, name);
  t.match(verdictOf('Vmdk', sources.Vmdk, { virtualSizeBytes: MiB }), /^TooLarge/);
});

t.test('a VHDX is accepted that stands alone, and refused with a parent or a log', async (t) => {
  t.equal(verdictOf('Vhdx', sources.Vhdx), 'accepted undefined');
  t.equal(await vhdxVerdict(sources.Vhdx), `accepted ${16 * MiB}`);
  t.match(await vhdxVerdict(sources.Vhdx, { virtualSizeBytes: MiB }), /^TooLarge/);
  t.match(verdictOf('Vhdx', sources.Vmdk), /^NotThisFormat .*VMDK/);
  const at = (text: string) => sources.Vhdx.indexOf(Buffer.from(text, 'hex'));
  // GUIDs as they are stored: the first three parts little-endian.
  const [parameters, regions] = [at('3767a1ca36fa434db3b633f0aa44e76b'), at('06a27c8b90479a4bb8fe575f050f886e')];
  const metadata = sources.Vhdx.indexOf('metadata');
  const value = metadata + sources.Vhdx.readUInt32LE(parameters + 16);
  t.match(await vhdxVerdict(edited(sources.Vhdx, value + 4, Buffer.from([2, 0, 0, 0]))), /^BackingFile/);
  t.match(
    await vhdxVerdict(edited(sources.Vhdx, parameters, Buffer.from('2d5fd3a80bb34d45abf7d3d84834ab0c', 'hex'))),
    /^(BackingFile|Corrupt)/,
  );
  const stale = sources.Vhdx.readBigUInt64LE(64 * 1024 + 8) < sources.Vhdx.readBigUInt64LE(128 * 1024 + 8) ? 64 : 128;
  t.match(await vhdxVerdict(logged(sources.Vhdx, stale)), /^accepted/, 'a header that does not count may name a log');
  t.match(await vhdxVerdict(logged(sources.Vhdx, 192 - stale)), /^Dirty/);
  const torn = edited(edited(sources.Vhdx, 65 * 1024, 'x'), 129 * 1024, 'x');
  t.match(await vhdxVerdict(torn), /^Corrupt .*neither is whole/);
  t.match(await vhdxVerdict(edited(sources.Vhdx, regions, Buffer.alloc(16))), /^Corrupt/);
  t.match(await vhdxVerdict(edited(sources.Vhdx, metadata, 'x')), /^Corrupt/);
  t.match(await vhdxVerdict(sources.Vhdx.subarray(0, 100)), /^Corrupt/);
});

t.test('no bytes whatever make an inspection fail in another way than by refusing', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('Vmdk' as const, 'Vhdx' as const),
      fc.array(fc.tuple(fc.nat(1_200_000), fc.uint8Array({ minLength: 1, maxLength: 64 })), { maxLength: 8 }),
      fc.nat(1_200_000),
      async (format, edits, length) => {
        const bytes = Buffer.from(sources[format].subarray(0, length));
        for (const [offset, replacement] of edits) if (offset + replacement.length < bytes.length) bytes.set(replacement, offset);
        t.type(format === 'Vmdk' ? verdictOf(format, bytes) : await vhdxVerdict(bytes), 'string');
      },
    ),
    { numRuns: 200 },
  );
  t.end();
});
