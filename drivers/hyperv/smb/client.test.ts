import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { channel } from 'node:diagnostics_channel';
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { DriverError } from '#drivers/error.js';
import { freePorts } from '#test/cluster/process.js';
import { until } from '#test/cluster/until.js';
import { administrator, served, soon } from '#test/peers/samba-share.js';
import { isRefusedLogin } from '../refusal.js';
import { SmbClient } from './client.js';

const ways = [
  { lines: ['server max protocol = SMB2_10'], dialect: '2.1', cipher: undefined, signing: 0 },
  { lines: ['server max protocol = SMB3_00'], dialect: '3.0', cipher: 'aes-128-ccm', signing: 1 },
  { lines: ['server max protocol = SMB3_02'], dialect: '3.0.2', cipher: 'aes-128-ccm', signing: 1 },
  { lines: [], dialect: '3.1.1', cipher: 'aes-128-gcm', signing: 2 },
  { lines: ['server smb encrypt = required', 'server signing = mandatory'], dialect: '3.1.1', cipher: 'aes-128-gcm', signing: 2 },
  { lines: ['server smb encrypt = off'], dialect: '3.1.1', cipher: undefined, signing: 2 },
  { lines: ['server smb encrypt = off', 'server max protocol = SMB3_02'], dialect: '3.0.2', cipher: undefined, signing: 1 },
  {
    lines: ['server smb encrypt = off', 'server smb3 signing algorithms = AES-128-CMAC'],
    dialect: '3.1.1',
    cipher: undefined,
    signing: 1,
  },
  {
    lines: ['server smb encrypt = off', 'server smb3 signing algorithms = HMAC-SHA256'],
    dialect: '3.1.1',
    cipher: undefined,
    signing: 0,
  },
  { lines: ['server smb3 encryption algorithms = AES-128-CCM'], dialect: '3.1.1', cipher: 'aes-128-ccm', signing: 2 },
  { lines: ['server smb3 encryption algorithms = AES-256-GCM'], dialect: '3.1.1', cipher: 'aes-256-gcm', signing: 2 },
  { lines: ['server smb3 encryption algorithms = AES-256-CCM'], dialect: '3.1.1', cipher: 'aes-256-ccm', signing: 2 },
] as const;

for (const { lines, dialect, cipher, signing } of ways)
  t.test(
    `a file goes there and comes back by ${dialect}, ${cipher ?? 'signed'}, of a server with ${lines.join('; ') || 'its defaults'}`,
    async (t) => {
      const { connect, folder } = await served(t, lines);
      const client = await connect();
      t.match(client.agreed, { dialect, signing });
      t.equal(client.agreed.cipher?.name, cipher);
      const share = await client.share('c$', soon());
      const bytes = randomBytes(3 * 2 ** 20 + 17);
      const written = await share.create('a.bin', soon());
      await written.write(0, bytes, soon());
      await written.flush(soon());
      t.equal(written.size, bytes.length);
      await written[Symbol.asyncDispose]();
      t.ok(bytes.equals(await readFile(join(folder, 'a.bin'))), 'as it is on the disk');
      const file = await share.open('a.bin', 'read', soon());
      t.equal(file.size, bytes.length);
      t.ok(bytes.equals(await file.read(0, file.size, soon())), 'as it comes back');
      await file[Symbol.asyncDispose]();
    },
  );

t.test('40 MiB go there and back, in pieces side by side', async (t) => {
  const { share: open, folder } = await served(t);
  const share = await open();
  const bytes = randomBytes(40 * 2 ** 20);
  const file = await share.create('big.vhdx', soon());
  await file.write(0, bytes, soon());
  t.ok(bytes.equals(await file.read(0, bytes.length, soon())), 'as it comes back');
  t.ok(bytes.equals(await readFile(join(folder, 'big.vhdx'))), 'as it is on the disk');
  await file[Symbol.asyncDispose]();
});

t.test('a second opinion reads what we wrote, and we what it did', async (t) => {
  const { samba, share: open, folder } = await served(t);
  const share = await open();
  const smbclient = (command: string) =>
    promisify(execFile)('smbclient', [
      ...['-s', samba.configuration, '-p', `${samba.port}`, '-U', 'Administrator%secret', '//127.0.0.1/c$', '-c', command],
    ]);
  const written = await share.create('Größe.txt', soon());
  await written.write(0, Buffer.from('ours'), soon());
  await written[Symbol.asyncDispose]();
  await smbclient(`get Größe.txt ${join(folder, 'got')}`);
  t.equal(await readFile(join(folder, 'got'), 'utf8'), 'ours');
  await smbclient(`put ${join(folder, 'got')} theirs.txt`);
  const file = await share.open('theirs.txt', 'read', soon());
  t.equal((await file.read(0, 100, soon())).toString(), 'ours');
  await file[Symbol.asyncDispose]();
});

t.test('whoever is not let in is told why, and not to try the same again at once', async (t) => {
  const { samba, connect } = await served(t);
  const pdbedit = (...words: readonly string[]) => promisify(execFile)('pdbedit', ['-s', samba.configuration, ...words]);
  const refused = async (login: { username?: string; password?: string }, message: RegExp) => {
    const error = await connect(login).catch((reason: unknown) => reason);
    t.match(error, { code: 'Denied', message });
    t.ok(error instanceof DriverError && isRefusedLogin(error));
  };
  await refused({ password: 'wrong' }, /127\.0\.0\.1:\d+: .*"username" .* or "password" in the Secret is wrong \(STATUS_LOGON_FAILURE\)/);
  await refused({ username: 'nobody-there' }, /STATUS_LOGON_FAILURE/);
  await pdbedit('-u', 'root', '-c', '[D]');
  await refused({}, /is disabled \(STATUS_ACCOUNT_DISABLED\)/);
  await pdbedit('-u', 'root', '-c', '[]');
  await pdbedit('-P', 'bad lockout attempt', '-C', '2');
  for (const _ of [1, 2]) await refused({ password: 'wrong' }, /LOGON_FAILURE|LOCKED/);
  await refused({}, /is locked, as after wrong passwords; wait, or unlock it \(STATUS_ACCOUNT_LOCKED_OUT\)/);
});

t.test('nobody goes in as a guest', async (t) => {
  const { connect } = await served(t, ['map to guest = bad user', 'guest account = root'], { lines: ['guest ok = yes'] });
  await t.rejects(connect({ username: 'nobody-there' }), { code: 'Denied', message: /takes us for a guest, with whom nothing is signed/ });
});

t.test('where nothing listens the way to open it is told', async (t) => {
  const { connect } = await served(t);
  const [port = 0] = await freePorts(1);
  await t.rejects(connect({}, port), { code: 'Unavailable', message: /nothing listens there .*"File and Printer Sharing \(SMB-In\)"/ });
});

t.test('a share that is not there, or not ours, is told', async (t) => {
  const { connect } = await served(t, [], { lines: ['valid users = bin'] });
  const client = await connect();
  await t.rejects(client.share('d$', soon()), { code: 'NotFound', message: /\\\\127\.0\.0\.1\\d\$: there is no such share/ });
  await t.rejects(client.share('c$', soon()), { code: 'Denied', message: /LocalAccountTokenFilterPolicy/ });
  await t.rejects(client.share('IPC$', soon()), { code: 'Invalid', message: /it is a pipe; a share of files is wanted/ });
  await t.rejects(client.share('c$\\x', soon()), { code: 'Invalid', message: /its name alone/ });
});

t.test('two users are two', async (t) => {
  const users = [
    { name: 'Administrator', password: 'secret' },
    { name: 'CORP-seeds', password: 'other' },
  ];
  const { connect } = await served(t, [], { lines: ['valid users = daemon'] }, users);
  const client = await connect({ username: 'CORP-seeds', password: 'other' });
  t.ok(await client.share('c$', soon()));
  await t.rejects((await connect()).share('c$', soon()), { code: 'Denied' });
});

/** Our end of the connection that comes next. */
async function nextSocket(): Promise<Socket> {
  const made = channel('net.client.socket');
  return await new Promise((resolve) => {
    const take = (message: unknown) => {
      made.unsubscribe(take);
      resolve((message as { readonly socket: Socket }).socket);
    };
    made.subscribe(take);
  });
}

t.test('who is given up while the last answer is being read leaves no session open', async (t) => {
  const { samba } = await served(t);
  const outcomes = { had: 0, givenUp: 0 };
  // Nothing tells in which of these steps the session is there, and not yet handed over.
  for (let steps = 0; outcomes.had === 0; steps += 1) {
    const ours = nextSocket();
    const giveUp = new AbortController();
    const connecting = SmbClient.connect({ host: '127.0.0.1', port: samba.port }, administrator, giveUp.signal);
    const socket = await ours;
    let answers = 0;
    socket.on('data', async () => {
      answers += 1;
      if (answers < 3) return;
      for (let step = 0; step < steps; step += 1) await undefined;
      giveUp.abort();
    });
    const client = await connecting.catch(() => undefined);
    if (client === undefined) outcomes.givenUp += 1;
    else outcomes.had += 1;
    await client?.[Symbol.asyncDispose]();
    await until(() => socket.destroyed);
  }
  t.ok(outcomes.givenUp > 3, `given up ${outcomes.givenUp} times`);
});
