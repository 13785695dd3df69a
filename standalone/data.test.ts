import { chmod, copyFile, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { openData } from './data.js';
import { prepareFolder, prepareIdentities } from './files.js';

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'vw-data-'));
  t.teardown(() => rm(path, { recursive: true, force: true }));
  return path;
}

const secret = { resource: 'secrets.', namespace: 'n', name: 's' };
const other = { resource: 'configmaps.', namespace: 'n', name: 'c' };
const object = { metadata: { namespace: 'n', name: 's' }, data: { password: 'hush' } };

async function open(path: string, sealing: { path?: string; renew?: boolean; dropUnreadable?: boolean } = {}) {
  const { objects, sealingKey } = await prepareFolder(path);
  return openData(path, objects, { path: sealingKey, renew: false, dropUnreadable: false, ...sealing });
}

async function withSecret(sealing = {}): Promise<string> {
  const path = await folder();
  await using data = await open(path, sealing);
  await data.store.write(secret, () => ({ kind: 'put', object }));
  await data.store.write(other, () => ({ kind: 'put', object: { metadata: { namespace: 'n', name: 'c' } } }));
  return path;
}

async function reads(path: string, sealing = {}): Promise<boolean> {
  await using data = await open(path, sealing);
  return data.store.get(secret)?.['data'] !== undefined;
}

t.test('a folder is of one server at a time', async (t) => {
  const path = await folder();
  {
    await using _first = await open(path);
    await t.rejects(open(path), { message: /is in use by another virtwright standalone; stop that one/ });
  }
  await (await open(path))[Symbol.asyncDispose]();
});

t.test('the key may lie elsewhere, for its owner alone', async (t) => {
  const key = join(await folder(), 'key');
  const path = await withSecret({ path: key });
  t.equal((await stat(key)).mode & 0o777, 0o600);
  t.notOk((await readdir(path)).includes('sealing.key'));
  t.ok(await reads(path, { path: key }));
  await chmod(key, 0o644);
  await t.rejects(open(path, { path: key }), { message: /can be read by everybody: chmod 600/ });
  await chmod(key, 0o600);
  await writeFile(key, 'short');
  await t.rejects(open(path, { path: key }), { message: /has 5 bytes; accepted: 32/ });
});

t.test('without its key no Secret is lost unless somebody says so, and nothing else ever', async (t) => {
  const path = await withSecret();
  const [key, aside] = [join(path, 'sealing.key'), join(path, 'aside')];
  await rename(key, aside);
  await t.rejects(open(path), {
    message: /1 Secrets, n\/s the first, cannot be opened with the key in .*Put that key back; or .*--drop-secrets/,
  });
  t.notOk((await readdir(path)).includes('sealing.key'), 'no other key is made');
  await copyFile(aside, key);
  t.ok(await reads(path));
  await rm(key);
  t.notOk(await reads(path, { dropUnreadable: true }));
  await using data = await open(path);
  t.ok(data.store.get(other));
  t.equal(data.store.get(secret), undefined);
});

t.test('a renewed key opens all, and the old one nothing', async (t) => {
  const path = await withSecret();
  const key = join(path, 'sealing.key');
  const old = await readFile(key);
  t.ok(await reads(path, { renew: true }));
  const renewed = await readFile(key);
  t.equal(renewed.length, 32);
  t.notSame(renewed, old);
  await writeFile(key, old);
  await t.rejects(open(path), { message: /cannot be opened/ });
  await writeFile(key, renewed);
  t.ok(await reads(path));
});

t.test('a renewal that was interrupted is ended by the next start', async (t) => {
  const path = await withSecret();
  const key = join(path, 'sealing.key');
  const fresh = Buffer.alloc(32, 9);
  await writeFile(key, Buffer.concat([fresh, await readFile(key)]));
  t.ok(await reads(path), 'both open');
  t.same(await readFile(key), fresh);
  t.ok(await reads(path), 'and the new one opens all');
});

t.test('certificates that do not belong together are made anew', async (t) => {
  const path = await folder();
  const first = await prepareIdentities(path);
  t.same(await prepareIdentities(path), first);
  await writeFile(join(path, 'server.key'), first.admin.key);
  const second = await prepareIdentities(path);
  t.not(second.server.certificate, first.server.certificate);
  t.equal(second.admin.certificate, first.admin.certificate);
  await rm(join(path, 'ca.key'));
  const third = await prepareIdentities(path);
  t.not(third.authority, first.authority);
  t.not(third.admin.certificate, first.admin.certificate, 'as what another authority signed is nothing to this one');
});
