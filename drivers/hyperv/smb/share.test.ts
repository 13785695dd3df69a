import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { until } from '#test/cluster/until.js';
import { withRights } from '#test/peers/samba.js';
import { rightsOf, served, soon } from '#test/peers/samba-share.js';
import type { SmbShare } from './client.js';
import { rights } from './messages/security.js';

async function put(share: SmbShare, path: string, text: string): Promise<void> {
  const file = await share.create(path, soon());
  await file.write(0, Buffer.from(text), soon());
  await file[Symbol.asyncDispose]();
}

t.test('names of all kinds are made, renamed, listed and deleted', async (t) => {
  const { share: open, folder } = await served(t);
  const share = await open();
  await mkdir(join(folder, 'Platten'));
  for (const name of ['Größe №1.vhdx', '日本語.iso', 'a b.c', '😀.txt', 'x'.repeat(200)]) {
    await put(share, `Platten\\${name}`, name);
    t.match(await share.list('Platten', soon()), [{ name, size: Buffer.byteLength(name), folder: false }]);
    t.same(await readdir(join(folder, 'Platten')), [name]);
    await share.rename(`Platten\\${name}`, `${name}.neu`, false, soon());
    t.equal(await readFile(join(folder, `${name}.neu`), 'utf8'), name);
    await share.delete(`${name}.neu`, soon());
    t.same(await readdir(join(folder, 'Platten')), []);
  }
  t.match(await share.list('', soon()), [{ name: 'Platten', folder: true }]);
});

t.test('what is there already is not made again, and replaced only by who says so', async (t) => {
  const { share: open, folder } = await served(t);
  const share = await open();
  await put(share, 'a', 'one');
  await put(share, 'b', 'two');
  await t.rejects(share.create('a', soon()), {
    code: 'Conflict',
    message: /\\c\$\\a: it is there already \(STATUS_OBJECT_NAME_COLLISION\)/,
  });
  await t.rejects(share.rename('b', 'a', false, soon()), { code: 'Conflict', message: /\\a: it is there already/ });
  t.equal(await readFile(join(folder, 'a'), 'utf8'), 'one');
  await share.rename('b', 'a', true, soon());
  t.equal(await readFile(join(folder, 'a'), 'utf8'), 'two');
  t.same(await readdir(folder), ['a']);
});

t.test('what is not there is not found', async (t) => {
  const { share: open } = await served(t);
  const share = await open();
  const missing = { code: 'NotFound', message: /it is not there|its folder is not there/ };
  await t.rejects(share.open('a', 'read', soon()), missing);
  await t.rejects(share.open('a', 'write', soon()), missing);
  await t.rejects(share.delete('a', soon()), missing);
  await t.rejects(share.rename('a', 'b', true, soon()), missing);
  await t.rejects(share.list('a', soon()), missing);
  await t.rejects(share.create('a\\b', soon()), missing);
});

t.test('a folder is no file, and a file no folder', async (t) => {
  const { share: open, folder } = await served(t);
  const share = await open();
  await mkdir(join(folder, 'd'));
  await writeFile(join(folder, 'f'), '');
  await t.rejects(share.open('d', 'read', soon()), { code: 'Invalid', message: /it is a folder/ });
  await t.rejects(share.delete('d', soon()), { code: 'Invalid', message: /it is a folder/ });
  await t.rejects(share.list('f', soon()), { code: 'Invalid', message: /it is a file/ });
  t.same(await share.list('d', soon()), []);
});

t.test('what another has open is busy', async (t) => {
  const { share: open } = await served(t);
  const [ours, theirs] = [await open(), await open()];
  const writing = await ours.create('a', soon());
  const busy = { code: 'Busy', message: /it is open elsewhere, as by a machine that runs \(STATUS_SHARING_VIOLATION\)/ };
  await t.rejects(theirs.open('a', 'read', soon()), busy);
  await t.rejects(theirs.open('a', 'write', soon()), busy);
  await t.rejects(theirs.delete('a', soon()), busy);
  await t.rejects(theirs.rename('a', 'b', false, soon()), busy);
  await writing[Symbol.asyncDispose]();
  const reading = [await ours.open('a', 'read', soon()), await theirs.open('a', 'read', soon())];
  await t.rejects(theirs.open('a', 'write', soon()), busy);
  for (const each of reading) await each[Symbol.asyncDispose]();
  await theirs.delete('a', soon());
});

t.test('a path that would lead elsewhere, or to a part of a file, is not even asked for', async (t) => {
  const { share: open } = await served(t);
  const share = await open();
  for (const path of ['\\a', 'a\\', 'a\\\\b', 'a\\..\\b', '.', 'a/b', 'a:b', 'a*', 'a\0'])
    await t.rejects(
      share.create(path, soon()),
      { code: 'Invalid', message: /accepted: names with a backslash between them/ },
      JSON.stringify(path),
    );
  await t.rejects(share.rename('a', '..\\b', false, soon()), { code: 'Invalid', message: /accepted/ });
  await t.rejects(share.create('y'.repeat(300), soon()), { code: 'Invalid', message: /STATUS_OBJECT_NAME_INVALID/ }, 'a name too long');
});

t.test('a folder of three thousand files is listed whole', async (t) => {
  const { share: open, folder } = await served(t);
  const names = Array.from({ length: 3000 }, (_, at) => `disk-${at}-of-a-machine-with-a-long-name.vhdx`);
  for (const name of names) await writeFile(join(folder, name), '');
  const listed = await (await open()).list('', soon());
  t.same(listed.map(({ name }) => name).sort(), names.sort());
});

t.test('a disk that is full says so, and room is told', async (t) => {
  const { share: open } = await served(t, [], { diskBytes: 4 << 20 });
  const share = await open();
  const { total, free } = await share.space(soon());
  t.equal(total, 4 << 20);
  t.ok(free > 3 << 20 && free <= total, `${free} are free`);
  const file = await share.create('a', soon());
  await t.rejects(file.write(0, randomBytes(8 << 20), soon()), {
    code: 'Exhausted',
    message: /\\a: the disk is full \(STATUS_DISK_FULL\)/,
  });
  await file[Symbol.asyncDispose]();
  await share.delete('a', soon());
  t.ok((await share.space(soon())).free >= free - 4096);
});

t.test('what the account may not do is told', async (t) => {
  const { share: open, folder } = await served(t, [], { lines: ['read only = yes'] });
  const share = await open();
  await writeFile(join(folder, 'a'), 'text');
  await t.rejects(share.create('b', soon()), { code: 'Denied', message: /the account may not do this there/ });
  await t.rejects(share.delete('a', soon()), { code: 'Denied' });
  const file = await share.open('a', 'read', soon());
  await t.rejects(file.write(0, Buffer.from('x'), soon()), { code: 'Denied' });
  t.equal((await file.read(1, 2, soon())).toString(), 'ex');
  await file[Symbol.asyncDispose]();
});

t.test('a file is read anywhere, and nothing behind its end', async (t) => {
  const { share: open, folder } = await served(t);
  const share = await open();
  const bytes = randomBytes(2 * 2 ** 20 + 5);
  await writeFile(join(folder, 'a'), bytes);
  const file = await share.open('a', 'read', soon());
  for (const [offset, length] of [
    [0, 0],
    [0, 1],
    [2 ** 20 - 1, 2],
    [5, 2 ** 20 + 7],
    [bytes.length - 1, 10],
    [bytes.length, 10],
    [0, 5 * 2 ** 20],
    [bytes.length + 2 ** 30, 10],
  ] as const)
    t.ok((await file.read(offset, length, soon())).equals(bytes.subarray(offset, offset + length)), `${length} bytes at ${offset}`);
  await file[Symbol.asyncDispose]();
  const sparse = await share.create('b', soon());
  await sparse.write(10, Buffer.from('x'), soon());
  t.equal(sparse.size, 11);
  t.same(await sparse.read(9, 5, soon()), Buffer.from('\0x'));
  await sparse[Symbol.asyncDispose]();
});

t.test('eight files are written at once by two sessions', async (t) => {
  const { share: open, folder } = await served(t);
  const shares = [await open(), await open()];
  const contents = Array.from({ length: 8 }, () => randomBytes(3 * 2 ** 20));
  await Promise.all(
    contents.map(async (bytes, at) => {
      const file = await (shares[at % 2] as SmbShare).create(`f${at}`, soon());
      await Promise.all([file.write(0, bytes.subarray(0, 2 ** 20), soon()), file.write(2 ** 20, bytes.subarray(2 ** 20), soon())]);
      await file[Symbol.asyncDispose]();
    }),
  );
  for (const [at, bytes] of contents.entries()) t.ok(bytes.equals(await readFile(join(folder, `f${at}`))), `f${at}`);
});

t.test('a server that dies amid a write is told, and whoever connects anew goes on', async (t) => {
  const { samba, share: open, folder } = await served(t);
  const share = await open();
  const file = await share.create('a', soon());
  await samba.freeze(true);
  const writing = file.write(0, randomBytes(32 << 20), soon());
  await samba.cut();
  const gone = { code: 'Unavailable', message: /\\c\$\\a: (the file server closed the connection|the connection broke)/ };
  await t.rejects(writing, gone);
  await t.rejects(file.read(0, 1, soon()), gone);
  await t.rejects(share.list('a', soon()), gone);
  await file[Symbol.asyncDispose]();
  const again = await open();
  await until(async () => {
    // The server lets go of what its dead child had open when it has noticed.
    const deleted = await again.delete('a', soon()).catch((reason) => reason);
    return deleted === undefined;
  });
  t.same(await readdir(folder), []);
});

t.test('whoever gives up waits no longer, and the session goes on', async (t) => {
  const { samba, share: open, folder } = await served(t);
  const share = await open();
  await put(share, 'a', 'text');
  const file = await share.open('a', 'read', soon());
  await samba.freeze(true);
  const giveUp = new AbortController();
  const asked: readonly Promise<unknown>[] = [
    file.read(0, 4, giveUp.signal),
    share.list('', giveUp.signal),
    share.create('b', giveUp.signal),
  ];
  giveUp.abort(new Error('enough'));
  for (const each of asked) await t.rejects(each, { code: 'TimedOut', message: /given up before the host answered/ });
  await t.rejects(share.list('', giveUp.signal), { code: 'TimedOut' }, 'nor is anything asked after that');
  await samba.freeze(false);
  t.equal((await file.read(0, 4, soon())).toString(), 'text');
  await file[Symbol.asyncDispose]();
  // It was made all the same, and is not left open.
  await until(async () => (await stat(join(folder, 'b')).catch(() => undefined)) !== undefined);
  const deleted = async () => (await share.delete('b', soon()).catch((reason) => reason)) === undefined;
  await until(deleted);
  t.same(await readdir(folder), ['a']);
});

t.test('a file that some alone may open is theirs from its first byte on, as a second opinion has it', async (t) => {
  const { samba, share: open, folder } = await served(t, [], { lines: withRights });
  const share = await open();
  const grants = [
    { who: 'S-1-5-18', rights: rights.all },
    { who: 'S-1-5-83-0', rights: rights.read },
  ];
  const file = await share.createFor('a.iso.part', grants, soon());
  await file.write(0, Buffer.from('ours'), soon());
  await file[Symbol.asyncDispose]();
  await share.rename('a.iso.part', 'a.iso', false, soon());
  t.equal(await readFile(join(folder, 'a.iso'), 'utf8'), 'ours');
  const told = await rightsOf(samba, 'a.iso');
  t.same(told, { isProtected: true, entries: ['S-1-5-18 0x1f01ff', 'S-1-5-83-0 0x120089'] });
  await put(share, 'b.iso', 'theirs');
  t.match(await rightsOf(samba, 'b.iso'), { isProtected: false }, 'as other files are not');
  await t.rejects(share.createFor('b.iso', grants, soon()), { code: 'Conflict' }, 'whose rights would stay');
});

t.test('a server that leaves rights out, and says nothing, is found out', async (t) => {
  const { share: open } = await served(t, [], { lines: ['nt acl support = no'] });
  const share = await open();
  await t.rejects(share.createFor('a', [{ who: 'S-1-5-18', rights: rights.all }], soon()), {
    code: 'Unsupported',
    message: /^a: the file system there does not keep it from others/,
  });
  await share.delete('a', soon());
});
