import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { type HeaderRefusal, headBytes, inspectHeader } from './header.js';

const folder = mkdtempSync(join(tmpdir(), 'virtwright-image-'));
const mebi = 2 ** 20;
const limits = { virtualSizeBytes: 64 * mebi };
const file = (name: string): string => join(folder, name);
const head = (name: string): Uint8Array => readFileSync(file(name)).subarray(0, headBytes);

function qemuImg(...args: readonly string[]): string {
  return execFileSync('qemu-img', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function create(name: string, options: string, ...more: readonly string[]): Uint8Array {
  qemuImg('create', '-q', '-f', 'qcow2', '-o', options, ...more, file(name), '16M');
  return head(name);
}

/** qemu-img measures how fast it is, and gives up when its clock has not moved meanwhile: then it is asked again. */
function createEncrypted(name: string): Uint8Array {
  for (let tries = 50; ; tries--) {
    try {
      return create(name, 'encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10', '--object', 'secret,id=s,data=x');
    } catch (reason) {
      if (tries === 1 || !/accurate CPU usage/.test(String(reason))) throw reason;
    }
  }
}

const plain = create('plain.qcow2', 'compat=1.1');

/** A copy of an image's head with some bytes replaced. */
function edited(base: Uint8Array, at: number, bytes: readonly number[]): Uint8Array {
  const copy = Uint8Array.from(base);
  copy.set(bytes, at);
  return copy;
}

function refusal(image: Uint8Array): readonly [HeaderRefusal | 'accepted', string] {
  const verdict = inspectHeader('Qcow2', image, limits);
  return verdict.kind === 'accepted' ? ['accepted', ''] : [verdict.reason, verdict.message];
}

t.teardown(() => execFileSync('rm', ['-r', folder]));

t.test('images that stand alone are accepted in every variant that qemu-img makes', async (t) => {
  const variants = [
    'compat=0.10',
    'compat=1.1',
    'cluster_size=512',
    'cluster_size=2M',
    'extended_l2=on,cluster_size=16k',
    'compression_type=zstd',
    'lazy_refcounts=on',
    'refcount_bits=1',
    'refcount_bits=64',
    'preallocation=metadata',
    'compat=0.10,preallocation=full',
  ];
  for (const [index, variant] of variants.entries())
    t.strictSame(
      inspectHeader('Qcow2', create(`v${index}.qcow2`, variant), limits),
      { kind: 'accepted', virtualSizeBytes: 16 * mebi },
      variant,
    );
});

t.test('an image freed of its backing file is accepted', async (t) => {
  qemuImg('create', '-q', '-f', 'raw', file('base.raw'), '16M');
  create('freed.qcow2', 'compat=1.1', '-b', file('base.raw'), '-F', 'raw');
  t.equal(refusal(head('freed.qcow2'))[0], 'BackingFile');
  qemuImg('rebase', '-u', '-b', '', file('freed.qcow2'));
  t.equal(refusal(head('freed.qcow2'))[0], 'accepted');
});

t.test('bitmaps are accepted, and refused when their announcement is broken', async (t) => {
  create('bitmaps.qcow2', 'compat=1.1');
  qemuImg('bitmap', '--add', file('bitmaps.qcow2'), 'nightly');
  t.equal(refusal(head('bitmaps.qcow2'))[0], 'accepted');
  const at = Buffer.from(head('bitmaps.qcow2')).indexOf(Buffer.from('23852875', 'hex'));
  t.match(refusal(edited(head('bitmaps.qcow2'), at + 8, [0, 0, 0, 0])), ['Corrupt', /0 bitmaps/]);
  t.match(refusal(edited(head('bitmaps.qcow2'), at + 31, [1])), ['Corrupt', /bitmap directory/]);
  t.match(refusal(edited(head('bitmaps.qcow2'), at + 7, [16])), ['Corrupt', /16 bytes, not 24/]);
});

t.test('an image that reaches beyond itself is refused, and told how to mend it', async (t) => {
  const backed = create('backed.qcow2', 'compat=1.1,backing_file=/etc/passwd,backing_fmt=raw', '-u');
  t.match(refusal(backed), [
    'BackingFile',
    'names a backing file "/etc/passwd"; only images that stand alone are accepted: flatten it with "qemu-img convert',
  ]);
  t.match(refusal(create('old.qcow2', 'compat=0.10,backing_file=/etc/shadow,backing_fmt=raw', '-u')), ['BackingFile', '"/etc/shadow"']);
  t.match(refusal(create('json.qcow2', 'backing_fmt=raw', '-u', '-b', 'json:{"driver":"nbd"}')), ['BackingFile', 'json:{\\"driver\\"']);
  t.match(refusal(create('split.qcow2', `data_file=${file('split.data')}`)), ['DataFile', 'split.data"']);
  t.match(refusal(create('rawsplit.qcow2', `data_file=${file('r.data')},data_file_raw=on`)), ['DataFile', 'r.data"']);
  t.match(refusal(edited(plain, 95, [2])), ['DataFile', 'in another file;'], 'the raw external data bit alone');
  t.match(refusal(edited(backed, 19, [0])), ['BackingFile', 'has a backing file'], 'an empty name');
  t.match(refusal(edited(backed, 8, [0, 0, 0, 0, 0, 0, 0, 0])), ['BackingFile', 'format of a backing file, "raw"'], 'a format alone');
  t.match(refusal(edited(backed, 8, [255, 255])), ['BackingFile', 'has a backing file'], 'a name beyond the head');
});

t.test('an encrypted image is refused', async (t) => {
  const luks = createEncrypted('luks.qcow2');
  t.match(refusal(luks), ['Encrypted', 'LUKS']);
  t.match(refusal(edited(luks, 35, [0])), ['Encrypted', 'an encryption header'], 'without the method');
  t.match(refusal(edited(plain, 35, [1])), ['Encrypted', 'AES']);
  t.match(refusal(edited(plain, 35, [9])), ['Encrypted', 'method 9']);
});

t.test('names from the image cannot act on a terminal', async (t) => {
  const hostile = create('hostile.qcow2', 'backing_fmt=raw', '-u', '-b', `\u001b[2J\n\u202e"x${'y'.repeat(500)}`);
  const [, message] = refusal(hostile);
  t.match(message, `"\\u{1b}[2J\\u{a}\\u{202e}\\"x${'y'.repeat(72)}…"`);
});

t.test('a virtual size over the volume is refused, one byte or an exbibyte', async (t) => {
  qemuImg('create', '-q', '-f', 'qcow2', file('big.qcow2'), '32T');
  t.match(refusal(head('big.qcow2')), ['TooLarge', /virtual size is 32 TiB \(35184372088832 bytes\), the volume's 64 MiB/]);
  const exact = { virtualSizeBytes: 16 * mebi };
  t.equal(inspectHeader('Qcow2', plain, exact).kind, 'accepted');
  t.equal(inspectHeader('Qcow2', plain, { virtualSizeBytes: 16 * mebi - 1 }).kind, 'refused');
  t.equal(refusal(edited(plain, 24, [255, 255, 255, 255]))[0], 'Corrupt', 'more than the L1 table holds');
});

t.test('snapshots, an open image and a corrupt one are refused', async (t) => {
  create('snapshots.qcow2', 'compat=1.1');
  qemuImg('snapshot', '-c', 'one', file('snapshots.qcow2'));
  t.match(refusal(head('snapshots.qcow2')), ['Snapshots', /1 internal snapshots/]);
  t.match(refusal(edited(plain, 79, [1])), ['Dirty', /check -r all/]);
  t.match(refusal(edited(plain, 79, [3])), ['Corrupt', /marked as corrupt/]);
});

t.test('what is not known is refused by name', async (t) => {
  t.match(refusal(edited(plain, 79, [0x20])), ['UnknownFeature', 'incompatible feature 5;']);
  t.match(refusal(edited(plain, 72, [0x80])), ['UnknownFeature', 'incompatible feature 63;']);
  const names = Buffer.from(plain).indexOf('dirty bit') - 2;
  t.match(refusal(edited(edited(plain, 79, [0x20]), names + 1, [5])), ['UnknownFeature', 'feature 5, which it calls "dirty bit"']);
  t.match(refusal(edited(edited(plain, 79, [8]), 104, [2])), ['UnknownFeature', 'compressed by method 2']);
  t.match(refusal(edited(plain, 79, [8])), ['Corrupt', 'do not agree']);
  t.match(refusal(edited(plain, 104, [1])), ['Corrupt', 'do not agree']);
  t.match(refusal(edited(plain, 7, [4])), ['UnknownVersion', 'qcow2 version 4; versions 2 and 3']);
});

t.test('headers that cannot be true are refused as corrupt', async (t) => {
  const cases: readonly (readonly [at: number, bytes: readonly number[], says: RegExp])[] = [
    [23, [8], /cluster_bits is 8, not 9 to 21/],
    [20, [255, 255, 255, 255], /cluster_bits is 4294967295/],
    [103, [96], /header_length is 96/],
    [103, [113], /header_length is 113/],
    [101, [2], /header_length is 131/],
    [99, [7], /refcount_order is 7/],
    [39, [0], /L1 table has 0 entries, its virtual size needs 1/],
    [36, [1], /at most 4194304/],
    [47, [1], /L1 table is at offset 196609/],
    [40, [0, 0, 0, 0, 0, 0, 0, 0], /L1 table is at offset 0/],
    [40, [1], /L1 table is at offset/],
    [59, [0], /refcount table takes 0 clusters/],
    [56, [1], /refcount table takes 16777217 clusters/],
    [55, [1], /refcount table is at offset/],
    [116, [255], /claims 4278190464 bytes/],
    [112, [1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0], /appears twice/],
  ];
  for (const [at, bytes, says] of cases) t.match(refusal(edited(plain, at, bytes)), ['Corrupt', says], `${at}: ${bytes.join()}`);
  t.match(refusal(edited(edited(plain, 23, [13]), 79, [16])), ['Corrupt', /cluster_bits is 13, not 14/], 'extended L2');
});

t.test('header extensions are bounded', async (t) => {
  const many = edited(plain, 112, Array.from({ length: 65 }, (_, index) => [0, 0, 1, index, 0, 0, 0, 0]).flat());
  t.match(refusal(many), ['Corrupt', /more than 64/]);
  t.match(refusal(plain.subarray(0, 504)), ['Corrupt', /no end/], 'the file ends before they do');
  t.match(refusal(plain.subarray(0, 500)), ['Corrupt', /claims/]);
});

t.test('what is no qcow2 image is refused with a hint at what it may be', async (t) => {
  t.match(refusal(Buffer.from('<!DOCTYPE html><title>Not found')), [
    'NotThisFormat',
    'begins with 3c21444f, not 514649fb (it looks like an HTML page)',
  ]);
  t.match(refusal(Buffer.from('\x1f\x8b\x08\0\0\0\0\0', 'latin1')), ['NotThisFormat', 'a gzip archive']);
  t.match(refusal(new Uint8Array(512)), ['NotThisFormat', 'begins with 00000000, not 514649fb;']);
  t.match(refusal(new Uint8Array()), ['NotThisFormat', 'begins with nothing']);
  t.match(refusal(plain.subarray(0, 103)), ['Truncated', '103 bytes in all, its header alone takes 104']);
  t.match(refusal(head('old.qcow2').subarray(0, 71)), ['Truncated', 'takes 72']);
});

t.test('a Raw image may hold anything', async (t) => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => inspectHeader('Raw', bytes, limits).kind === 'accepted'));
  t.strictSame(inspectHeader('Raw', head('backed.qcow2'), limits), { kind: 'accepted' });
});

/** Some real header, with a few of its bytes changed. */
const bases = ['plain.qcow2', 'v0.qcow2', 'v2.qcow2', 'v4.qcow2', 'v5.qcow2', 'backed.qcow2', 'luks.qcow2', 'bitmaps.qcow2'];
const heads = new Map<string, Uint8Array>();

function beginning(base: string): Uint8Array {
  const found = heads.get(base) ?? head(base).subarray(0, 1024);
  heads.set(base, found);
  return found;
}

const mutants = fc
  .record({
    base: fc.constantFrom(...bases),
    edits: fc.array(fc.tuple(fc.oneof(fc.nat(127), fc.nat(600)), fc.oneof(fc.constantFrom(0, 1, 2, 255), fc.nat(255))), { maxLength: 6 }),
    length: fc.oneof(fc.constant(1024), fc.nat(700)),
  })
  .map(({ base, edits, length }) => {
    const bytes = Uint8Array.from(beginning(base));
    for (const [at, value] of edits) bytes[at] = value;
    return { base, edits, bytes: bytes.subarray(0, length) };
  });

t.test('no header makes the inspection throw, or say more than a short line', async (t) => {
  const bounded = (bytes: Uint8Array): boolean => {
    const [, message] = refusal(bytes);
    return message.length < 900 && !/\p{C}/u.test(message);
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), bounded), { numRuns: 2000 });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (tail) => bounded(Buffer.concat([plain.subarray(0, 8), tail]))),
    { numRuns: 5000 },
  );
  fc.assert(
    fc.property(mutants, ({ bytes }) => bounded(bytes)),
    { numRuns: 5000 },
  );
  t.pass();
});

interface Info {
  readonly 'virtual-size': number;
  readonly 'backing-filename'?: string;
  readonly encrypted?: boolean;
  readonly 'format-specific'?: { readonly data: { readonly 'data-file'?: string; readonly corrupt?: boolean } };
  readonly snapshots?: readonly unknown[];
}

t.test('whatever is accepted stands alone in the eyes of qemu-img, too', async (t) => {
  let opened = 0;
  const harmless = ({ base, bytes, edits }: { base: string; bytes: Uint8Array; edits: readonly unknown[] }): boolean => {
    const verdict = inspectHeader('Qcow2', bytes, limits);
    if (verdict.kind === 'refused' || bytes.length < 1024 || edits.length === 0) return true;
    const info = qemuInfo(Buffer.concat([bytes, readFileSync(file(base)).subarray(bytes.length)]));
    if (info === undefined) return true;
    opened++;
    const { data } = info['format-specific'] ?? { data: {} };
    const alone = info['backing-filename'] === undefined && data['data-file'] === undefined && info.encrypted !== true;
    return alone && info.snapshots === undefined && data.corrupt !== true && info['virtual-size'] <= (verdict.virtualSizeBytes ?? 0) + 511;
  };
  fc.assert(fc.property(mutants, harmless), { numRuns: 400 });
  t.ok(opened > 5, `qemu-img opened ${opened} accepted mutants`);
});

function qemuInfo(image: Uint8Array): Info | undefined {
  writeFileSync(file('mutant.qcow2'), image);
  try {
    return JSON.parse(qemuImg('info', '--output=json', '-f', 'qcow2', file('mutant.qcow2')));
  } catch {
    return undefined;
  }
}
