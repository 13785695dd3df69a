import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { inspect } from 'node:util';
import t, { type Test } from 'tap';
import type { DriverErrorCode } from '#drivers/error.js';
import { Credentials } from '#drivers/target.js';
import { createAuthority, issue } from '#test/cluster/certificates.js';
import { startTlsLibvirtd, type TlsLibvirtd } from '#test/peers/remote.js';
import { connectLibvirt } from '../connect.js';
import { connectGetHostname, connectGetType } from '../rpc/procedures.js';

const forever = new AbortController().signal;
const control = { lane: 'control' } as const;

const peer: TlsLibvirtd = await startTlsLibvirtd();
t.teardown(() => peer[Symbol.asyncDispose]());

type Values = Readonly<Record<string, string>>;
const credentialsOf = (values: Values) => new Credentials(Object.entries(values).map(([key, value]) => [key, Buffer.from(value)]));
const connectWith = (values: Values, uri = peer.uri('test')) => connectLibvirt(uri, { credentials: credentialsOf(values) }, forever);

/** Certificate and key of another client, or of another authority. */
async function pairIn(folder: string, name: string): Promise<{ readonly cert: string; readonly key: string }> {
  const [cert, key] = await Promise.all(['crt', 'key'].map((ending) => readFile(join(folder, `${name}.${ending}`), 'utf8')));
  return { cert: cert ?? '', key: key ?? '' };
}

const { 'ca.crt': ca, 'tls.crt': cert, 'tls.key': key } = peer.secret;

/** That none of what is secret is said, not even in a cause. */
async function refused(t: Test, connecting: Promise<unknown>, code: DriverErrorCode, message: RegExp): Promise<void> {
  const reason = await connecting.then(
    () => t.fail('connected'),
    (error: unknown) => error,
  );
  t.match(reason, { name: 'DriverError', code, message });
  const body = key.split('\n').filter((line) => line !== '' && !line.startsWith('---'));
  for (const word of [...body, 'hunter']) t.notOk(inspect(reason, { depth: 10 }).includes(word), 'nothing secret is said');
}

t.test('a daemon behind TLS answers, as it does on its socket', async (t) => {
  await using connection = await connectWith(peer.secret);
  t.equal(await connection.call(connectGetType, undefined, control, forever), 'TEST');
  t.equal(await connection.call(connectGetHostname, undefined, control, forever), (await peer.daemon.virsh('hostname')).trim());
});

t.test('who the daemon does not know is told so, and what to do', async (t) => {
  const { port } = peer;
  await refused(
    t,
    connectWith({ 'ca.crt': ca }),
    'Denied',
    /localhost:\d+: the daemon wants a certificate of us: .*"tls.crt" and "tls.key"/,
  );
  const folder = t.testdir();
  await createAuthority(folder);
  await issue(folder, 'stranger', '/CN=stranger', 'clientAuth');
  const stranger = await pairIn(folder, 'stranger');
  const asStranger = connectWith({ 'ca.crt': ca, 'tls.crt': stranger.cert, 'tls.key': stranger.key });
  await refused(t, asStranger, 'Denied', /does not take the certificate in key "tls.crt" of the Secret \(CN=stranger\): it must be issued/);
  await issue(peer.folder, 'old', '/CN=old', 'clientAuth', { days: -1 });
  const old = await pairIn(peer.folder, 'old');
  const asOld = connectWith({ 'ca.crt': ca, 'tls.crt': old.cert, 'tls.key': old.key });
  await refused(
    t,
    asOld,
    'Denied',
    /^the certificate in key "tls.crt" of the Secret is out of date: it is valid from .* put a new one there$/,
  );
  const otherCa = await readFile(join(folder, 'ca.crt'), 'utf8');
  await refused(t, connectWith({ ...peer.secret, 'ca.crt': otherCa }), 'Denied', /is not of the authority in key "ca.crt" of the Secret/);
  await refused(t, connectWith(peer.secret, `test+tls://127.0.0.2:${port}/default`), 'Unavailable', /127.0.0.2:\d+: nothing listens there/);
});

t.test('a client that is not on the list of the daemon is told of the list', async (t) => {
  await using strict = await startTlsLibvirtd({ daemonConfig: 'tls_allowed_dn_list = ["CN=somebody else"]' });
  await refused(t, connectWith(strict.secret, strict.uri('test')), 'Denied', /\(O=virtwright, CN=agent\): .*tls_allowed_dn_list/);
});

t.test('a daemon that asks for a password is told who we are, and proves that it knows it, too', async (t) => {
  const login = { username: 'agent', password: 'hunter2, = é' };
  await using strict = await startTlsLibvirtd({ daemonConfig: 'auth_tls = "sasl"\ntls_no_verify_certificate = 1', login });
  const bare = { 'ca.crt': strict.secret['ca.crt'] };
  const uri = strict.uri('test');
  {
    await using connection = await connectWith({ ...bare, ...login }, uri);
    t.equal(await connection.call(connectGetType, undefined, control, forever), 'TEST');
  }
  const wrong = /does not take the password: check "username" and "password" in the Secret.*saslpasswd2 -a libvirt/;
  await refused(t, connectWith({ ...bare, ...login, password: 'hunter3' }, uri), 'Denied', wrong);
  await refused(t, connectWith({ ...bare, ...login, username: 'nobody' }, uri), 'Denied', wrong);
  await refused(t, connectWith(bare, uri), 'Denied', /wants a user and a password: put them into keys "username" and "password"/);
  await refused(t, connectWith({ ...bare, username: 'agent' }, uri), 'Denied', /key "password" of the Secret: it is missing/);
  await refused(t, connectWith({ ...bare, ...login, password: 'hunter2\n' }, uri), 'Invalid', /key "password" has a line break/);
});

/** Somebody else at the port: a real TLS server that is no daemon. */
async function serve(t: Test, options: TlsOptions | undefined, greet: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const seen = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    greet(socket);
  };
  const server = options === undefined ? createServer(seen) : createTlsServer(options, seen);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `test+tls://localhost:${(server.address() as AddressInfo).port}/default`;
}

t.test('a host that cannot show who it is gets not a word of ours', async (t) => {
  const heard: Buffer[] = [];
  const listen = (socket: Socket) => void socket.on('data', (chunk) => heard.push(chunk));
  const folder = peer.folder;
  await issue(folder, 'expired', '/CN=localhost', 'serverAuth', { days: -1 });
  await issue(folder, 'elsewhere', '/CN=localhost', 'serverAuth', { names: 'DNS:elsewhere.example.org' });
  await issue(folder, 'client-only', '/CN=localhost', 'clientAuth');
  const expired = await serve(t, await pairIn(folder, 'expired'), listen);
  await refused(t, connectWith(peer.secret, expired), 'Denied', /its certificate, or that of its authority, has expired: renew it/);
  const elsewhere = await serve(t, await pairIn(folder, 'elsewhere'), listen);
  await refused(t, connectWith(peer.secret, elsewhere), 'Denied', /is for another name: .*elsewhere.example.org/);
  const clientOnly = await serve(t, await pairIn(folder, 'client-only'), listen);
  await refused(t, connectWith(peer.secret, clientOnly), 'Denied', /is not for servers/);
  t.same(heard, []);
});

t.test('what is no daemon is told as that, in bounded time', async (t) => {
  const plain = await serve(t, undefined, (socket) => void socket.write('SSH-2.0-OpenSSH_9.2p1\r\n'));
  await refused(t, connectWith(peer.secret, plain), 'Unavailable', /does not speak TLS: check the port|the connection broke/);
  const server = await pairIn(peer.folder, 'server');
  const wrongWord = await serve(t, server, (socket) => void socket.write(Buffer.from([2])));
  await refused(t, connectWith(peer.secret, wrongWord), 'Denied', /does not take the certificate/);
  const gone = await serve(t, undefined, (socket) => void socket.destroy());
  await refused(t, connectWith(peer.secret, gone), 'Unavailable', /the connection broke/);
});

t.test('who waits for a host that says nothing can give up, and the socket goes', async (t) => {
  for (const options of [undefined, await pairIn(peer.folder, 'server')]) {
    const enough = new AbortController();
    const sockets: Promise<unknown>[] = [];
    const uri = await serve(t, options, (socket) => {
      sockets.push(once(socket.resume(), 'close'));
      enough.abort();
    });
    const connecting = connectLibvirt(uri, { credentials: credentialsOf(peer.secret) }, enough.signal);
    await refused(t, connecting, 'TimedOut', /given up before the host answered/);
    await Promise.all(sockets);
    t.equal(sockets.length, 1);
  }
});

t.test('keys that cannot be used are named before anything is sent', async (t) => {
  const fine = peer.secret;
  const other = await pairIn(peer.folder, 'server');
  for (const [values, message] of [
    [{ ...fine, 'ca.crt': '' }, /key "ca.crt" of the Secret: it is missing or empty/],
    [{ ...fine, 'ca.crt': 'hello' }, /key "ca.crt" of the Secret: it holds no certificate/],
    [{ ...fine, 'tls.key': '' }, /key "tls.key" of the Secret: it is missing or empty, and the other one is there/],
    [{ ...fine, 'tls.crt': '' }, /key "tls.crt" of the Secret: it is missing/],
    [{ ...fine, 'tls.key': other.key }, /key "tls.key" of the Secret: it is the key of another certificate/],
    [{ ...fine, 'tls.key': key.slice(0, 100) }, /key "tls.key" of the Secret: it cannot be read/],
    [{ ...fine, 'tls.crt': cert.slice(0, 100) }, /key "tls.crt" of the Secret: it holds no certificate/],
  ] as const)
    await refused(t, connectWith(values, 'test+tls://127.0.0.1:1/default'), 'Denied', message);
});
