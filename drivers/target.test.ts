import { format, inspect } from 'node:util';
import fc from 'fast-check';
import t from 'tap';
import { connect, credentialKeys } from './connect.js';
import { DriverError } from './error.js';
import { Credentials } from './target.js';

const secret = 'correct horse battery staple';
const of = (values: Readonly<Record<string, string>>) =>
  new Credentials(Object.entries(values).map(([key, value]) => [key, Buffer.from(value)]));

t.test('credentials that are printed, logged, serialised or thrown say nothing', async (t) => {
  const credentials = of({ password: secret });
  const thrown = new DriverError('Denied', `refused ${credentials}`, { cause: { credentials } });
  const said = [
    inspect(credentials, { showHidden: true, depth: 10, getters: true }),
    inspect({ target: { uri: 'test:///default', credentials } }, { depth: 10, customInspect: false, showHidden: true }),
    inspect(thrown, { depth: 10 }),
    format('%s %o %O %j', credentials, credentials, credentials, credentials),
    JSON.stringify({ credentials, spread: { ...credentials } }),
    `${credentials}`,
    Object.entries(credentials).join(),
    inspect(structuredClone(credentials)),
  ].join('\n');
  const bytes = Buffer.from(secret);
  for (const form of [secret, bytes.toString('base64'), bytes.toString('hex'), [...bytes.subarray(0, 6)].join(', '), 'password'])
    t.notOk(said.includes(form), `nothing said ${form}`);
  t.match(said, /\[redacted\]/);
});

t.test('text is given as it is, and refused where a host would read another', async (t) => {
  t.equal(of({ password: ' ö"\\' }).text('password'), ' ö"\\');
  t.equal(of({}).text('password'), undefined);
  const refusal = (bytes: Uint8Array) => () => new Credentials([['password', bytes]]).text('password');
  t.throws(refusal(Buffer.from('a\n')), { code: 'Invalid', message: /^credentials: key "password" has a line break/ });
  t.throws(refusal(Buffer.from('a\0')), { code: 'Invalid' });
  t.throws(refusal(Buffer.from([0x61, 0xff])), { code: 'Invalid', message: 'credentials: key "password" is not UTF-8 text' });
});

t.test('what is text comes back as it was, whatever it is', async () => {
  const text = fc.string({ unit: 'grapheme' }).filter((one) => !/\p{Cc}/u.test(one));
  fc.assert(fc.property(text, (one) => of({ password: one }).text('password') === one));
});

t.test('credentials are the same when keys and bytes are', async (t) => {
  t.ok(of({ a: '1', b: '2' }).equals(of({ b: '2', a: '1' })));
  for (const other of [{ a: '1' }, { a: '1', b: '3' }, { a: '1', c: '2' }, { a: '1', b: '2', c: '' }])
    t.notOk(of({ a: '1', b: '2' }).equals(of(other)), JSON.stringify(other));
  t.same(of({ a: '1', b: '2' }).only(['b', 'c']).keys, ['b']);
});

t.test('a hypervisor in memory is the same for all who reach it by its name', async (t) => {
  const soon = AbortSignal.timeout(10_000);
  await using one = await connect({ uri: 'fake:///one' }, soon);
  await one.pools?.define(
    { uuid: '11111111-2222-4333-8444-555555555555', nativeName: 'p', source: { kind: 'directory', path: '/p' } },
    soon,
  );
  const poolsAt = async (uri: string) => {
    await using driver = await connect({ uri }, soon);
    return (await driver.pools?.list(soon))?.map(({ nativeName }) => nativeName);
  };
  t.same(await poolsAt('fake:///one'), ['p']);
  t.same(await poolsAt('fake:///other'), []);
});

t.test('a far libvirt host is known by its authority, and any may ask for a password', async (t) => {
  const keys = { required: ['ca.crt'], optional: ['tls.crt', 'tls.key', 'username', 'password'] };
  for (const uri of ['qemu+tls://kvm3/system', 'QEMU+TLS://kvm3/system', 'qemu://kvm3/system']) t.same(credentialKeys(uri), keys, uri);
  const ssh = { required: ['ssh-privatekey', 'known_hosts'], optional: ['passphrase', 'username', 'password'] };
  t.same(credentialKeys('qemu+ssh://root@kvm3/system'), ssh);
  for (const uri of ['qemu+unix:///system', 'qemu+tcp://localhost/system'])
    t.same(credentialKeys(uri), { required: [], optional: ['username', 'password'] });
});

t.test('what is no known URI takes no credentials', async (t) => {
  for (const uri of ['fake:///x', 'toString:x', '', 'constructor']) t.same(credentialKeys(uri), { required: [], optional: [] }, uri);
  await t.rejects(connect({ uri: 'nothing:' }, AbortSignal.timeout(1_000)), { code: 'Invalid' });
});
