import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { skipWhereMissing } from '#test/peers/build.js';
import { type Samba, type SambaOptions, startSamba } from '#test/peers/samba.js';
import { SmbClient, type SmbLogin } from './client.js';

const soon = () => AbortSignal.timeout(60_000);
const login: SmbLogin = { domain: '', username: 'Administrator', password: 'secret' };
const host = '127.0.0.1';

/** A server with a share `c$` of a folder of its own. */
async function served(t: Test, lines: readonly string[] = [], more: Partial<SambaOptions> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'vw-share-'));
  const users = [{ name: 'Administrator', password: 'secret' }];
  const samba: Samba = await startSamba({ shares: [{ name: 'c$', folder }], users, lines, ...more }).catch((reason) =>
    skipWhereMissing(t, reason),
  );
  t.teardown(async () => {
    await samba[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });
  const connect = async (as: SmbLogin = login) => {
    const client = await SmbClient.connect({ host, port: samba.port }, as, soon());
    t.teardown(() => client[Symbol.asyncDispose]());
    return client;
  };
  return { samba, folder, connect, share: async () => (await connect()).share('c$', soon()) };
}

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
