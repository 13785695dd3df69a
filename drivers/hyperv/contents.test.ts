import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { DriverError } from '#drivers/error.js';
import { Credentials } from '#drivers/target.js';
import { administrator, served, soon } from '#test/peers/samba-share.js';
import { ContentsByPlace, NoContents } from './contents.js';
import { hostContents } from './file-access.js';
import { SmbClient } from './smb/client.js';
import { SmbServer } from './smb/server.js';
import { SmbContents } from './smb-contents.js';
import { parseHypervUri } from './uri.js';

t.setTimeout(120_000);

async function* chunks(...parts: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

async function all(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(part);
  return Buffer.concat(parts);
}

const everything = { offset: 0, length: Number.MAX_SAFE_INTEGER };

async function contentsOf(t: Test, share: Parameters<typeof served>[2] = {}) {
  const { samba, folder, connect } = await served(t, [], share);
  const contents = new SmbContents(new SmbServer({ host: '127.0.0.1', port: samba.port }, administrator));
  t.teardown(() => contents[Symbol.asyncDispose]());
  const write = (path: string, ...parts: readonly (string | Uint8Array)[]) => contents.write(path, chunks(...parts), soon());
  const read = async (path: string) => (await all(contents.read(path, everything, soon()))).toString();
  return { samba, folder, connect, contents, write, read };
}

t.test('what is written has its name once it is whole, and is read back', async (t) => {
  const { contents, write, read, folder } = await contentsOf(t);
  const large = Buffer.alloc(9 * 2 ** 20 + 5, 'virtwright');
  await write('c:\\A.iso', large.subarray(0, 3), large.subarray(3));
  t.ok((await readFile(join(folder, 'A.iso'))).equals(large));
  t.ok((await all(contents.read('C:\\a.iso', everything, soon()))).equals(large));
  await write('c:\\a.iso', 'short');
  t.equal(await read('c:\\a.iso'), 'short', 'nothing of what was longer is left');
  await write('c:\\none.iso');
  t.equal(await read('c:\\none.iso'), '');
  t.same((await readdir(folder)).sort(), ['A.iso', 'none.iso']);
  const range = async (offset: number, length: number) => (await all(contents.read('c:\\a.iso', { offset, length }, soon()))).toString();
  t.same([await range(1, 2), await range(3, 100), await range(5, 9), await range(1, 0)], ['ho', 'rt', '', '']);
});

t.test('whether we are let in is known without a file, and leaves none', async (t) => {
  const { contents, folder } = await contentsOf(t);
  await contents.reach('c:\\a.iso', soon());
  await t.rejects(contents.reach('e:\\a.iso', soon()), { code: 'NotFound', message: /no such share/ });
  t.same(await readdir(folder), []);
});

t.test('a file is given zeros at its end, and never made shorter', async (t) => {
  const { contents, write, folder } = await contentsOf(t);
  await write('c:\\a.iso', 'a');
  await contents.extend('c:\\a.iso', 70_000, soon());
  await contents.extend('c:\\a.iso', 10, soon());
  t.ok((await readFile(join(folder, 'a.iso'))).equals(Buffer.concat([Buffer.from('a')], 70_000)));
  await t.rejects(contents.extend('c:\\b.iso', 10, soon()), { code: 'NotFound' });
});

t.test('what is not whole gets no name, and what had it before stays', async (t) => {
  const { contents, write, read, folder } = await contentsOf(t);
  await write('c:\\a.iso', 'before');
  const fault = new Error('the source broke');
  async function* breaking() {
    yield Buffer.from('half');
    throw fault;
  }
  await t.rejects(contents.write('c:\\a.iso', breaking(), soon()), { name: 'DriverError', cause: fault });
  const giveUp = new AbortController();
  async function* stuck() {
    yield Buffer.from('half');
    giveUp.abort();
    await new Promise(() => {});
  }
  await t.rejects(contents.write('c:\\a.iso', stuck(), giveUp.signal), { code: 'TimedOut' });
  const wrong = new DriverError('Invalid', 'it is none');
  const check = async (file: { readonly sizeBytes: number; read(offset: number, length: number): Promise<Buffer> }) => {
    t.equal((await file.read(1, file.sizeBytes)).toString(), 'alf');
    throw wrong;
  };
  await t.rejects(contents.write('c:\\a.iso', chunks('half'), soon(), check), wrong);
  t.equal(await read('c:\\a.iso'), 'before');
  t.same(await readdir(folder), ['a.iso'], 'and no part is left');
});

t.test('the part that another life left is written over', async (t) => {
  const { write, read, folder } = await contentsOf(t);
  await writeFile(join(folder, 'a.iso.part'), 'a part that is longer');
  await write('c:\\a.iso', 'all');
  t.equal(await read('c:\\a.iso'), 'all');
  t.same(await readdir(folder), ['a.iso']);
});

t.test('two who write one file do so one after the other', async (t) => {
  const { write, read } = await contentsOf(t);
  await Promise.all([write('c:\\a.iso', 'one'), write('C:\\A.ISO', 'two')]);
  t.equal(await read('c:\\a.iso'), 'two');
});

t.test('what others have open is Busy', async (t) => {
  const { contents, write, read, folder, connect } = await contentsOf(t);
  await write('c:\\a.iso', 'before');
  const share = await (await connect()).share('c$', soon());
  await using _theirs = await share.open('a.iso', 'write', soon());
  await t.rejects(read('c:\\a.iso'), { code: 'Busy', message: /open elsewhere/ });
  await t.rejects(write('c:\\a.iso', 'after'), { code: 'Busy', message: /open elsewhere/ });
  await t.rejects(contents.extend('c:\\a.iso', 100, soon()), { code: 'Busy' });
  t.equal((await readFile(join(folder, 'a.iso'))).toString(), 'before');
  t.same(await readdir(folder), ['a.iso']);
  async function* opened() {
    yield Buffer.from('after');
    late = await share.open('b.iso', 'read', soon());
  }
  await write('c:\\b.iso', 'before');
  let late: AsyncDisposable | undefined;
  await t.rejects(contents.write('c:\\b.iso', opened(), soon()), { code: 'Busy' }, 'be it since');
  await late?.[Symbol.asyncDispose]();
  t.equal(await read('c:\\b.iso'), 'before');
});

t.test('what does not fit on the disk leaves no part', async (t) => {
  const { contents, write, read } = await contentsOf(t, { diskBytes: 2 ** 20 });
  await t.rejects(write('c:\\a.iso', Buffer.alloc(2 ** 21, 1)), { code: 'Exhausted', message: /disk is full/ });
  await t.rejects(read('c:\\a.iso.part'), { code: 'NotFound' });
  await write('c:\\a.iso', 'fits');
  await t.rejects(contents.write('c:\\none\\a.iso', chunks('x'), soon()), { code: 'NotFound', message: /folder is not there/ });
});

t.test('after a break whoever asks next is connected anew', async (t) => {
  const { contents, write, read, samba } = await contentsOf(t);
  await write('c:\\a.iso', 'a');
  await samba.cut();
  // The break may be told but by the first who asks.
  await read('c:\\a.iso').catch((reason) => t.match(reason, { code: 'Unavailable' }));
  t.equal(await read('c:\\a.iso'), 'a');
  t.equal(await samba.connections(), 1, 'one session for all');
  async function* cut() {
    yield Buffer.alloc(5 * 2 ** 20);
    await samba.cut();
    yield Buffer.alloc(5 * 2 ** 20);
  }
  await t.rejects(contents.write('c:\\b.iso', cut(), soon()), { code: 'Unavailable' });
  await t.rejects(read('c:\\b.iso'), { code: 'NotFound' });
  await write('c:\\b.iso', 'b');
  t.equal(await read('c:\\b.iso'), 'b');
});

t.test('its end closes the session', async (t) => {
  const { contents, write, samba } = await contentsOf(t);
  await write('c:\\a.iso', 'a');
  await contents[Symbol.asyncDispose]();
  while ((await samba.connections()) > 0) await setTimeout(20);
  await t.rejects(write('c:\\a.iso', 'b'), { code: 'Unavailable' });
});

t.test('who is not let in is told why, and not tried again at once', async (t) => {
  const { samba, folder, connect } = await served(t);
  const wrong = { ...administrator, password: 'wrong' };
  const contents = new SmbContents(new SmbServer({ host: '127.0.0.1', port: samba.port }, wrong));
  t.teardown(() => contents[Symbol.asyncDispose]());
  const write = () => contents.write('c:\\a.iso', chunks('a'), soon());
  await t.rejects(write(), { code: 'Denied', message: /"password" in the Secret is wrong/ });
  await t.rejects(write(), { code: 'Denied', message: /not tried again yet/ });
  t.ok((await connect()) instanceof SmbClient, 'others are');
  t.same(await readdir(folder), []);
});

t.test('drives that are not there, closed ports and strange paths are named', async (t) => {
  const { contents, read, samba } = await contentsOf(t);
  await t.rejects(read('e:\\a.iso'), { code: 'NotFound', message: /e\$: there is no such share/ });
  for (const path of ['a.iso', 'c:', 'c:\\', '\\\\server\\share', 'c:/a.iso'])
    await t.rejects(read(path), { code: 'Invalid', message: /accepted/ });
  await t.rejects(read('c:\\..\\a.iso'), { code: 'Invalid' });
  await samba[Symbol.asyncDispose]();
  await read('c:\\a.iso').catch(() => {});
  await t.rejects(read('c:\\a.iso'), { code: 'Unavailable', message: /File and Printer Sharing \(SMB-In\)/ });
  t.equal(contents.refusal(), undefined);
});

t.test('without an account for NTLM there is none, and why is told', async (t) => {
  const at = parseHypervUri('hyperv://hv1');
  const account = { username: 'me', password: 'hunter2' };
  const refusals = [
    [hostContents({ ...at, smb: 'off' }, { kind: 'ntlm', domain: '', ...account }), /^smb=off in the host's URI/],
    [hostContents(at, { kind: 'certificate', cert: 'C', key: 'K' }), /"tls.crt" in the host's Secret: .*"username" and "password"/],
    [
      hostContents(at, { kind: 'kerberos', principal: 'me@CORP', by: 'keytab', secret: 'a2V5' }),
      /^"keytab" in the Secret, and no "password"/,
    ],
  ] as const;
  for (const [contents, why] of refusals) {
    t.match(contents.refusal(), why);
    await t.rejects(contents.write('c:\\a', chunks('x'), soon()), { code: 'Unsupported', message: why });
    await t.rejects(all(contents.read('c:\\a', everything, soon())), { code: 'Unsupported', message: why });
    await t.rejects(contents.extend('c:\\a', 1, soon()), { code: 'Unsupported', message: why });
    await t.rejects(contents.reach('c:\\a', soon()), { code: 'Unsupported', message: why });
  }
  for (const login of [
    { kind: 'ntlm', domain: 'CORP', ...account },
    { kind: 'basic', ...account },
  ] as const)
    t.equal(hostContents(at, login).refusal(), undefined);
});

t.test('who logs in by Kerberos has files by the password of the same account', async (t) => {
  const { samba, folder } = await served(t);
  const at = { ...parseHypervUri('hyperv://127.0.0.1/?auth=kerberos'), smb: samba.port };
  const secret = new Credentials([['password', Buffer.from(administrator.password)]]);
  const who = { kind: 'kerberos', principal: `${administrator.username}@CORP` } as const;
  const ways = {
    password: hostContents(at, { ...who, by: 'password', secret: administrator.password }),
    keytab: hostContents(at, { ...who, by: 'keytab', secret: 'a2V5' }, secret),
  };
  for (const [by, contents] of Object.entries(ways)) {
    t.teardown(() => contents[Symbol.asyncDispose]());
    t.equal(contents.refusal(), undefined);
    await contents.write('c:\\a.iso', chunks(by), soon());
    t.equal(await readFile(join(folder, 'a.iso'), 'utf8'), by);
  }
});

t.test('a path leads to the host, or to the server of its pool', async (t) => {
  const contents = new ContentsByPlace(new NoContents('host'), (unc) => new NoContents(unc));
  t.same([contents.refusal(), contents.refusal('d:\\a'), contents.refusal('\\\\s\\d\\a')], ['host', 'host', '\\\\s\\d\\a']);
  await t.rejects(contents.write('\\\\s\\d\\a', chunks('x'), soon()), { message: '\\\\s\\d\\a' });
  await t.rejects(all(contents.read('d:\\a', everything, soon())), { message: 'host' });
  await t.rejects(contents.reach('\\\\s\\d\\a', soon()), { message: '\\\\s\\d\\a' });
});
