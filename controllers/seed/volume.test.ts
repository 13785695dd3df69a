import t from 'tap';
import type { PoolId } from '#drivers/driver.js';
import { Behind } from '#drivers/fake/behind.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { cloudInit, seedBytes } from './content.js';
import { keepSeed, removeSeeds, seedFamily, seedName } from './volume.js';

const signal = AbortSignal.timeout(60_000);
const family = seedFamily('shop.db', '7d4c2f1e-0000-4000-8000-000000000001');
const contentOf = (hostname: string) => cloudInit({ instanceId: 'one', hostname });
const seedOf = (hostname: string, inUse: readonly string[] = []) => ({
  family,
  nativeName: seedName(family, hostname),
  content: contentOf(hostname),
  inUse,
});

function stage() {
  const host = new FakeHost();
  new Behind(host).pool('44444444-2222-4333-8444-555555555555', 'system', '/system');
  for (const pool of host.pools.values()) pool.active = true;
  const [pool] = host.pools.keys();
  return {
    host,
    pool: pool as PoolId,
    volumes: () => fakeDriver(host).volumes as NonNullable<ReturnType<typeof fakeDriver>['volumes']>,
    files: () => [...host.directory('/system').keys()].sort(),
    content: (name: string) => {
      const file = host.directory('/system').get(name);
      return file?.slice(0, file.lengthBytes);
    },
  };
}

t.test('a seed is written once, whole, and then nothing is', async (t) => {
  const { host, pool, volumes, files, content } = stage();
  await keepSeed(volumes(), pool, seedOf('a'), signal);
  t.same(files(), [`${family}a`]);
  t.same(content(`${family}a`), seedBytes(contentOf('a')));
  host.calls.length = 0;
  await keepSeed(volumes(), pool, seedOf('a'), signal);
  t.same(host.acts, []);
});

t.test('earlier ones go once nobody has them; of others none is touched', async (t) => {
  const { host, pool, volumes, files } = stage();
  for (const name of ['shop.db-7d4c2f1e', 'shop.db-7d4c2f1f.seed-x', 'theirs']) new Behind(host).putFile(`/system/${name}`, Buffer.of(1));
  await volumes().list(pool, { refresh: true }, signal);
  const others = files();
  await keepSeed(volumes(), pool, seedOf('a'), signal);
  await keepSeed(volumes(), pool, seedOf('b', [`${family}a`]), signal);
  t.same(files(), [...others, `${family}a`, `${family}b`].sort());
  await keepSeed(volumes(), pool, seedOf('b', [`${family}b`]), signal);
  t.same(files(), [...others, `${family}b`].sort());
  await removeSeeds(volumes(), pool, family, signal);
  t.same(files(), others);
  await removeSeeds(volumes(), pool, family, signal);
});

t.test('whoever dies at any call, with or without its answer, is followed by one who leaves a whole seed and nothing else', async (t) => {
  for (const losingReply of [false, true])
    for (let calls = 0; calls < 8; calls++) {
      const { host, pool, volumes, files, content } = stage();
      await keepSeed(volumes(), pool, seedOf('old'), signal);
      host.faults.dieAfter(calls, { losingReply });
      await keepSeed(volumes(), pool, seedOf('new'), signal).catch(() => {});
      const isWhole = files().includes(`${family}new`) && !files().includes(`${family}new.incomplete`);
      if (isWhole) t.same(content(`${family}new`), seedBytes(contentOf('new')), 'what is not marked is whole');
      await keepSeed(volumes(), pool, seedOf('new'), signal).catch(() => {});
      await keepSeed(volumes(), pool, seedOf('new'), signal);
      t.same(files(), [`${family}new`], `after ${calls} calls`);
      t.same(content(`${family}new`), seedBytes(contentOf('new')));
    }
});

t.test('an upload that breaks leaves a part that is known as one', async (t) => {
  const { host, pool, volumes, files, content } = stage();
  host.faults.breakUploadAfter(1_000);
  await t.rejects(keepSeed(volumes(), pool, seedOf('a'), signal));
  t.same(files(), [`${family}a`, `${family}a.incomplete`]);
  await keepSeed(volumes(), pool, seedOf('a'), signal);
  t.same([files(), content(`${family}a`)], [[`${family}a`], seedBytes(contentOf('a'))]);
});
