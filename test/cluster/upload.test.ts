import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import t from 'tap';
import { deliver } from '#cli/session/client.js';
import { openSession } from '#cli/session/session.js';
import { runUpload } from '#cli/session/upload.js';
import { sessions } from '#crds/types.js';
import { systemClock } from '#drivers/fake/clock.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { until } from './until.js';
import { condition, useWorld } from './world.js';

const world = await useWorld(t);
const host = new FakeHost({ clock: systemClock });
const operator = await world.start({ connect: async () => fakeDriver(host), hypervisors: ['one'] });
t.teardown(() => operator.stop());
await world.apply(
  { kind: 'Hypervisor', metadata: { name: 'one' }, spec: { uri: 'test:///default', defaultPoolRef: { name: 'fast' } } },
  { kind: 'StoragePool', metadata: { name: 'fast' }, spec: { directory: { path: '/pools/fast' } } },
);

const soon = () => AbortSignal.timeout(60_000);
const volume = (name: string, source: object, spec: object = {}) => ({
  kind: 'StorageVolume',
  metadata: { name, namespace: 'default' },
  spec: { size: '4Mi', source: { upload: {}, format: 'Raw', ...source }, reclaimPolicy: 'Delete', ...spec },
});
const awaited = (name: string) => world.until('StorageVolume', name, (seen) => condition(seen, 'Ready')?.reason === 'AwaitingUpload');
const stored = (name: string) =>
  [...host.directory('/pools/fast')].find(([key]) => key.startsWith(`default.${name}-`) && !key.endsWith('.incomplete'))?.[1];

async function file(name: string, content: Uint8Array): Promise<string> {
  const path = join(world.cluster.folder, name);
  await writeFile(path, content);
  return path;
}

const upload = (name: string, path: string) =>
  runUpload(world.client, { namespace: 'default', volume: name, file: path }, new PassThrough().resume(), soon());

await t.test('a volume says what to type, takes the file that is brought, and is filled once', async (t) => {
  const content = randomBytes(3 << 20);
  const path = await file('image.raw', content);
  const checksum = `sha256:${createHash('sha256').update(content).digest('hex')}`;
  await world.apply(volume('told', { checksum }));
  t.equal(condition(await awaited('told'), 'Ready')?.message, 'bring the image: virtwright upload FILE told -n default');
  await upload('told', path);
  const seen = await world.until('StorageVolume', 'told', (one) => condition(one, 'Ready')?.status === 'True');
  t.match(seen.status, { format: 'Raw', virtualSize: '4Mi' });
  t.ok(Buffer.from(stored('told')?.slice(0, content.length) ?? []).equals(content));
  await t.rejects(upload('told', path), { message: /filled already, and that once; make a new one/ });
  t.same((await world.client.list(sessions, { namespace: 'default' }, soon())).items, []);
});

await t.test('what is not the image that it should be is refused with the reason, and may be brought again', async (t) => {
  const right = randomBytes(1 << 20);
  const checksum = `sha512:${createHash('sha512').update(right).digest('hex')}`;
  await world.apply(volume('picky', { checksum }), volume('qcow', { format: 'Qcow2' }, { format: 'Qcow2' }));
  await awaited('picky');
  await t.rejects(upload('picky', await file('wrong.raw', randomBytes(1 << 20))), { message: /sha512 checksum is/ });
  const failed = await world.until('StorageVolume', 'picky', (seen) => /last upload failed/.test(condition(seen, 'Ready')?.message ?? ''));
  t.match(condition(failed, 'Ready'), {
    reason: 'AwaitingUpload',
    message: /checksum is [\s\S]*bring the image again: virtwright upload FILE picky/,
  });
  await t.rejects(upload('picky', await file('large.raw', randomBytes(5 << 20))), {
    message: /at most 4 MiB \(4194304 bytes\) are accepted, the file has/,
  });
  await upload('picky', await file('right.raw', right));
  await world.until('StorageVolume', 'picky', (seen) => condition(seen, 'Ready')?.status === 'True');
  await awaited('qcow');
  await t.rejects(upload('qcow', await file('not.qcow2', randomBytes(1 << 20))), { message: /declared Qcow2 but begins with/ });
});

await t.test('one that breaks midway leaves a volume that waits; two at once are one', async (t) => {
  await world.apply(volume('broken', {}));
  await awaited('broken');
  const wanted = { namespace: 'default', volume: 'broken', purpose: 'Upload' } as const;
  await using session = await openSession(world.client, wanted, soon());
  await using second = await openSession(world.client, wanted, soon());
  const half = new PassThrough();
  half.write(randomBytes(1 << 20));
  const sent = deliver(session.way, half, 2 << 20, soon());
  await world.until('StorageVolume', 'broken', (seen) => seen.status?.import?.startedAt !== undefined);
  await t.rejects(deliver(second.way, Readable.from(['x']), 1, soon()), { message: /another upload into this volume is under way/ });
  half.destroy(new Error('the file is gone'));
  await t.rejects(sent, { name: 'Failure', message: 'what is sent broke off: the file is gone' });
  const gone = new PassThrough();
  const early = deliver(session.way, gone, 1, soon());
  gone.destroy(new Error('it never was'));
  await t.rejects(early, { message: 'what is sent broke off: it never was' });
  await world.until('StorageVolume', 'broken', (seen) => /last upload failed/.test(condition(seen, 'Ready')?.message ?? ''));
  const content = randomBytes(1 << 20);
  await upload('broken', await file('whole.raw', content));
  await world.until('StorageVolume', 'broken', (seen) => condition(seen, 'Ready')?.status === 'True');
  t.ok(Buffer.from(stored('broken')?.slice(0, content.length) ?? []).equals(content));
});

await t.test('a volume that goes while it is filled ends the upload, and nothing of it is left', async (t) => {
  await world.apply(volume('fleeting', {}));
  await awaited('fleeting');
  await using session = await openSession(world.client, { namespace: 'default', volume: 'fleeting', purpose: 'Upload' }, soon());
  const half = new PassThrough();
  half.write(randomBytes(1 << 20));
  const sent = deliver(session.way, half, 2 << 20, soon());
  sent.catch(() => {});
  await world.until('StorageVolume', 'fleeting', (seen) => seen.status?.import?.startedAt !== undefined);
  await world.delete('StorageVolume', 'fleeting');
  await world.untilGone('StorageVolume', 'fleeting');
  await t.rejects(sent);
  await until(() => ![...host.directory('/pools/fast').keys()].some((name) => name.includes('fleeting')));
});

await t.test('what awaits nothing says so', async (t) => {
  await world.apply({
    kind: 'StorageVolume',
    metadata: { name: 'empty', namespace: 'default' },
    spec: { size: '4Mi', reclaimPolicy: 'Delete' },
  });
  await world.until('StorageVolume', 'empty', (seen) => condition(seen, 'Ready')?.status === 'True');
  const path = await file('any.raw', randomBytes(10));
  await t.rejects(upload('empty', path), { message: 'volume "empty" awaits no upload; make a new one with spec.source.upload' });
  await t.rejects(upload('nobody', path), { message: 'there is no volume "nobody" in namespace "default"' });
  await t.rejects(upload('empty', '/nowhere'), { name: 'Complaint' });
  t.same(operator.troubles, []);
});
