import t from 'tap';
import type { PoolId } from '#drivers/driver.js';
import { Behind } from '#drivers/fake/behind.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { ImageServer } from '#test/faults/images.js';
import { fillVolume } from './fill.js';

const signal = AbortSignal.timeout(60_000);
const mib = 2 ** 20;

/** Of version 2, 1 MiB large, with clusters of 64 KiB, none of which is there. */
function emptyQcow2(): Buffer {
  const image = Buffer.alloc(5 * 65_536);
  image.write('QFI\xfb', 'latin1');
  for (const [at, value] of [
    [4, 2],
    [20, 16],
    [28, mib],
    [36, 1],
    [44, 3 * 65_536],
    [52, 65_536],
    [56, 1],
  ] as const)
    image.writeUInt32BE(value, at);
  // The table of refcounts, and in its block one reference for each cluster.
  image.writeUInt32BE(2 * 65_536, 65_536 + 4);
  for (const cluster of [0, 1, 2, 3]) image.writeUInt16BE(1, 2 * 65_536 + cluster * 2);
  return image;
}

async function stage() {
  const host = new FakeHost();
  new Behind(host).pool('44444444-2222-4333-8444-555555555555', 'system', '/system');
  for (const pool of host.pools.values()) pool.active = true;
  const [pool] = host.pools.keys();
  const images = await ImageServer.start();
  t.teardown(() => images[Symbol.asyncDispose]());
  const volumes = fakeDriver(host).volumes as NonNullable<ReturnType<typeof fakeDriver>['volumes']>;
  const definition = { pool: pool as PoolId, nativeName: 'shop.root-12345678', format: 'Raw', sizeBytes: 2 * mib } as const;
  const filling = (url: string, format: 'Qcow2' | 'Vhdx') => ({
    ...{ definition, grows: true, resumes: false },
    source: { kind: 'image', url, format, granted: ['127.0.0.0/8'] } as const,
  });
  return {
    ...{ host, images, files: () => [...host.directory('/system').keys()].sort() },
    fill: (url: string, format: 'Qcow2' | 'Vhdx' = 'Qcow2') => fillVolume(volumes, filling(url, format))(() => {}, signal),
    file: () => host.directory('/system').get(definition.nativeName),
  };
}

t.test('an image that is converted is there, in its volume grown', async (t) => {
  const { images, fill, file, files } = await stage();
  await fill(images.put('small', { bytes: emptyQcow2() }));
  t.match(file(), { format: 'Raw', sizeBytes: 2 * mib });
  t.same(files(), ['shop.root-12345678', 'shop.root-12345678.incomplete']);
});

t.test('a host that refuses the volume says so before an image that is to be converted is fetched', async (t) => {
  const { host, images, fill, files } = await stage();
  const url = images.put('held', { bytes: Buffer.concat([emptyQcow2(), Buffer.alloc(mib)]), heldAt: 2 * 65_536 });
  // The mark beside it comes first.
  host.faults.fail('volumes.create', 'Conflict');
  host.faults.fail('volumes.create', 'Denied');
  await t.rejects(fill(url), { code: 'Denied' });
  images.release('held');
  t.same(files(), []);
});

t.test('a VHDX that is not taken is refused before all of it is fetched', async (t) => {
  const { images, fill, files } = await stage();
  const url = images.put('held', { bytes: Buffer.concat([Buffer.from('vhdxfile'), Buffer.alloc(4 * mib)], 4 * mib), heldAt: 3 * mib });
  await t.rejects(fill(url, 'Vhdx'), { name: 'ImageError', code: 'Corrupt' });
  images.release('held');
  t.same(files(), ['shop.root-12345678.incomplete']);
});
