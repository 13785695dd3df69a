import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { JsonObject } from '../json.js';
import { Disk } from './disk.js';
import { Store } from './store.js';
import { Vault } from './vault.js';

const sealing = new Uint8Array(32).fill(7);
const key = (name: string, resource = 'widgets.a') => ({ resource, namespace: 'n', name });
const object = (name: string, data: JsonObject = {}): JsonObject => ({ metadata: { namespace: 'n', name }, ...data });
const put =
  (name: string, data: JsonObject = {}) =>
  () =>
    ({ kind: 'put', object: object(name, data) }) as const;

async function folder(test: { teardown(run: () => Promise<void>): void }): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'vw-store-'));
  test.teardown(() => rm(path, { recursive: true, force: true }));
  return path;
}

t.test('a write counts up, is told after it is on disk, and is there in the next life', async (t) => {
  const path = join(await folder(t), 'objects');
  const told: string[] = [];
  {
    await using disk = new Disk(path, new Vault([sealing]));
    const store = new Store(disk);
    store.subscribe((changes) => told.push(...changes.map(({ kind, key: { name }, revision }) => `${kind} ${name} ${revision}`)));
    const one = store.write(key('a'), put('a', { spec: 1 }));
    t.equal(store.get(key('a')), undefined, 'not before it is on disk');
    await one;
    await Promise.all([store.write(key('b'), put('b')), store.write(key('a'), (now) => ({ kind: 'put', object: { ...now, spec: 2 } }))]);
    await store.write(key('b'), (now) => ({ kind: 'delete', object: now ?? {} }));
    await t.rejects(
      store.write(key('a'), () => {
        throw new Error('decided otherwise');
      }),
      { message: 'decided otherwise' },
    );
    t.same(told, ['added a 1', 'added b 2', 'modified a 3', 'deleted b 4']);
    t.same(
      store.since(2)?.map(({ revision }) => revision),
      [3, 4],
    );
    t.equal(store.since(9), undefined, 'what is not yet is not known');
  }
  await using disk = new Disk(path, new Vault([sealing]));
  const store = new Store(disk);
  t.match(store.list('widgets.a'), [{ metadata: { name: 'a', resourceVersion: '3' }, spec: 2 }]);
  t.equal(store.revision, 4);
  t.equal(store.since(3), undefined, 'a new life remembers no history');
  t.same(store.since(4), []);
});

t.test('who decides sees what was decided before, and what fails fails all that was built on it', async (t) => {
  const path = join(await folder(t), 'objects');
  await using disk = new Disk(path, new Vault([sealing]));
  const store = new Store(disk);
  const count = (now: JsonObject | undefined) =>
    ({ kind: 'put', object: object('a', { count: Number(now?.['count'] ?? 0) + 1 }) }) as const;
  await Promise.all(Array.from({ length: 50 }, () => store.write(key('a'), count)));
  t.equal(store.get(key('a'))?.['count'], 50);
  const write = disk.write.bind(disk);
  disk.write = () => Promise.reject(new Error('no room'));
  const failed = await Promise.allSettled([store.write(key('a'), count), store.write(key('a'), count)]);
  t.same(
    failed.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  disk.write = write;
  await store.write(key('a'), count);
  t.equal(store.get(key('a'))?.['count'], 51);
});

t.test('a Secret is not to be read on disk, nor moved to another name', async (t) => {
  const path = await folder(t);
  {
    await using disk = new Disk(join(path, 'objects'), new Vault([sealing]));
    await new Store(disk).write(key('s', 'secrets.'), put('s', { data: { password: 'aHVudGVyMg-hush' } }));
  }
  for (const name of await readdir(path, { recursive: true })) {
    const file = join(path, name);
    if ((await stat(file)).isFile()) t.notMatch((await readFile(file)).toString('latin1'), 'hush', name);
  }
  await using disk = new Disk(join(path, 'objects'), new Vault([sealing]));
  t.match(new Store(disk).get(key('s', 'secrets.')), { data: { password: 'aHVudGVyMg-hush' } });
  const vault = new Vault([sealing]);
  t.equal(vault.open('b', vault.seal('a', 'text')), undefined);
  t.equal(new Vault([new Uint8Array(32)]).open('a', vault.seal('a', 'text')), undefined);
  t.equal(new Vault([new Uint8Array(32), sealing]).open('a', vault.seal('a', 'text')), 'text');
});
