import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { inspect } from 'node:util';
import t, { type Test } from 'tap';
import type { DriverErrorCode } from '#drivers/error.js';
import { Credentials } from '#drivers/target.js';
import { startLibvirtd } from '#test/peers/libvirtd.js';
import { createKey, type Sshd, startSshd } from '#test/peers/sshd.js';
import { connectLibvirt } from '../connect.js';
import { connectGetHostname, connectGetType } from '../rpc/procedures.js';

const forever = new AbortController().signal;
const control = { lane: 'control' } as const;

const daemon = await startLibvirtd();
const peer: Sshd = await startSshd(daemon);
t.teardown(async () => {
  await peer[Symbol.asyncDispose]();
  await daemon.stop();
});

type Values = Readonly<Record<string, string>>;
const credentialsOf = (values: Values) => new Credentials(Object.entries(values).map(([key, value]) => [key, Buffer.from(value)]));
const connectWith = (values: Values, uri = peer.uri('test')) => connectLibvirt(uri, { credentials: credentialsOf(values) }, forever);
const { 'ssh-privatekey': key, known_hosts: known } = peer.secret;

/** That none of what is secret is said, not even in a cause. */
async function refused(t: Test, connecting: Promise<unknown>, code: DriverErrorCode, message: RegExp): Promise<void> {
  const reason = await connecting.then(
    () => t.fail('connected'),
    (error: unknown) => error,
  );
  t.match(reason, { name: 'DriverError', code, message });
  const body = key.split('\n').filter((line) => line !== '' && !line.startsWith('---'));
  const said = inspect(reason, { depth: 10 });
  t.same(
    [...body, 'hunter2'].filter((word) => said.includes(word)),
    [],
    'nothing secret is said',
  );
}

t.test('a daemon behind SSH answers, as it does on its socket, by one login', async (t) => {
  await using connection = await connectWith(peer.secret);
  t.equal(await connection.call(connectGetType, undefined, control, forever), 'TEST');
  t.equal(await connection.call(connectGetHostname, undefined, control, forever), (await daemon.virsh('hostname')).trim());
  t.equal(await logins(), 1);
});

/** Processes of sshd beside the one that listens: two for each login. */
async function logins(): Promise<number> {
  const names = await Promise.all((await daemon.processes()).map((pid) => readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')));
  return names.filter((name) => name.trim() === 'sshd').length - 1;
}

t.test('a host is known by its key, in whatever way the Secret has it', async (t) => {
  const [, type, blob] = known.trim().split(' ');
  const salt = randomBytes(20);
  const hash = createHmac('sha1', salt).update(`[localhost]:${peer.port}`).digest('base64');
  for (const lines of [
    `|1|${salt.toString('base64')}|${hash} ${type} ${blob}`,
    `# a comment\n\nother,[LOCALHOST]:${peer.port} ${type} ${blob} a comment`,
    `[local*]:${peer.port.toString().slice(0, 4)}? ${type} ${blob}`,
    `@cert-authority * ${type} AAAA\n${known}`,
  ]) {
    await using connection = await connectWith({ ...peer.secret, known_hosts: lines });
    t.equal(await connection.call(connectGetType, undefined, control, forever), 'TEST', lines);
  }
});

t.test('a host whose key is not known, or is another, gets not even our name', async (t) => {
  const [names = '', type = '', blob = ''] = known.trim().split(' ');
  const [, , other] = (await readFile(join(peer.folder, 'user.pub'), 'utf8')).split(' ').toSpliced(0, 0, '');
  const unknown = /the key of the host is not in key "known_hosts" of the Secret: .*ssh-keyscan/;
  const wrong = (lines: string) => connectWith({ ...peer.secret, known_hosts: lines });
  await refused(t, wrong(`elsewhere ${type} ${blob}`), 'Denied', unknown);
  await refused(t, wrong(`localhost ${type} ${blob}`), 'Denied', unknown);
  await refused(t, wrong(`*,!${names} ${type} ${blob}`), 'Denied', unknown);
  await refused(t, wrong(`${names} ${type} ${other}`), 'Denied', /the host shows another key than the one .*: somebody may be in between/);
  await refused(t, wrong(`@revoked ${names} ${type} ${blob}\n${known}`), 'Denied', /is revoked/);
  await refused(t, wrong(`@cert-authority ${known}`), 'Denied', /key "known_hosts" of the Secret: it names no host with its key/);
});

t.test('who is not let in is told which key is at fault, and what to do', async (t) => {
  const stranger = await createKey(peer.folder, 'stranger');
  await refused(
    t,
    connectWith({ ...peer.secret, 'ssh-privatekey': stranger }),
    'Denied',
    /user "root" is not let in with the key .*authorized_keys/,
  );
  await refused(t, connectWith(peer.secret, peer.uri('test', 'nobody-here')), 'Denied', /user "nobody-here" is not let in/);
  await refused(t, connectWith({ known_hosts: known }), 'Denied', /key "ssh-privatekey" of the Secret: it is missing or empty/);
  await refused(
    t,
    connectWith({ ...peer.secret, 'ssh-privatekey': key.slice(0, 80) }),
    'Denied',
    /key "ssh-privatekey" of the Secret cannot be used/,
  );
  const locked = await createKey(peer.folder, 'locked', '-N', 'hunter2');
  await refused(
    t,
    connectWith({ ...peer.secret, 'ssh-privatekey': locked }),
    'Denied',
    /"ssh-privatekey" of the Secret cannot be used: .*passphrase/,
  );
  const wrong = connectWith({ ...peer.secret, 'ssh-privatekey': locked, passphrase: 'hunter2!' });
  await refused(t, wrong, 'Denied', /"ssh-privatekey" of the Secret cannot be used/);
  const right = connectWith({ ...peer.secret, 'ssh-privatekey': locked, passphrase: 'hunter2' });
  await refused(t, right, 'Denied', /is not let in with the key/);
});

t.test('that no daemon is there, or that it may not be opened, is told apart', async (t) => {
  const at = (path: string) => connectWith(peer.secret, `${peer.uri('test')}?socket=${path}`);
  await refused(t, at('/nowhere/sock'), 'Unavailable', /\/nowhere\/sock: no libvirt daemon listens there: start libvirtd/);
  await refused(t, connectWith(peer.secret, `test+ssh://root@127.0.0.2:${peer.port}/default`), 'Unavailable', /nothing listens there/);
});

t.test('where sshd forwards to no sockets, a program on the host leads to the daemon', async (t) => {
  await using plain = await startSshd(daemon, ['AllowStreamLocalForwarding no']);
  {
    await using connection = await connectWith(plain.secret, plain.uri('test'));
    t.equal(await connection.call(connectGetType, undefined, control, forever), 'TEST');
  }
  await using none = await startSshd(daemon, ['DisableForwarding yes', 'ForceCommand echo no daemon for you >&2; exit 3']);
  await refused(t, connectWith(none.secret, none.uri('test')), 'Unavailable', /what leads to the daemon failed: no daemon for you/);
});

t.test('a login that breaks ends the connection, and the next one logs in anew', async (t) => {
  await using breaking = await startSshd(daemon);
  const connection = await connectWith(breaking.secret, breaking.uri('test'));
  await breaking.stop();
  await connection.closed;
  await t.rejects(connection.call(connectGetType, undefined, control, forever), { code: 'Unavailable' });
  await connection[Symbol.asyncDispose]();
});

/** Somebody else at the port. */
async function serve(t: Test, greet: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    greet(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `test+ssh://root@localhost:${(server.address() as AddressInfo).port}/default`;
}

t.test('who is no SSH server is told as that, in bounded time and memory', async (t) => {
  const hangUp = await serve(t, (socket) => void socket.destroy());
  await refused(t, connectWith(peer.secret, hangUp), 'Unavailable', /the connection failed|the connection broke/);
  const web = await serve(t, (socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  await refused(t, connectWith(peer.secret, web), 'Unavailable', /the connection/);
  const flood = await serve(t, (socket) => {
    const line = Buffer.from(`${'x'.repeat(1_000)}\r\n`);
    const pour = () => {
      while (socket.writable && socket.write(line));
    };
    socket.on('drain', pour);
    pour();
  });
  await refused(t, connectWith(peer.secret, flood), 'Unavailable', /the connection/);
  const endless = await serve(t, (socket) => void socket.write(Buffer.alloc(1 << 20, 'x')));
  await refused(t, connectWith(peer.secret, endless), 'Unavailable', /the connection/);
});

t.test('who waits for a host that says nothing can give up, and the socket goes', async (t) => {
  const enough = new AbortController();
  const sockets: Promise<unknown>[] = [];
  const uri = await serve(t, (socket) => {
    sockets.push(once(socket.resume(), 'close'));
    enough.abort();
  });
  const connecting = connectLibvirt(uri, { credentials: credentialsOf(peer.secret) }, enough.signal);
  await refused(t, connecting, 'TimedOut', /given up before the host answered/);
  t.equal(sockets.length, 1);
});
