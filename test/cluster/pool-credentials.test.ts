import { inspect } from 'node:util';
import t from 'tap';
import { secrets } from '#controllers/secrets.js';
import { systemClock } from '#drivers/fake/clock.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { FakeFile } from '#drivers/fake/store.js';
import { until } from './until.js';
import { condition, useWorld } from './world.js';

const world = await useWorld(t);
const host = new FakeHost({ clock: systemClock });
const target = 'iqn.2030-01.org.example:luns';
host.accounts.set(`iSCSI target ${target} on san`, { username: 'robot', password: 'first-hush' });
const hypervisorSelector = { matchLabels: { san: 'there' } };
const isReady = (seen: Parameters<typeof condition>[0]) => condition(seen, 'Ready')?.status === 'True';
const says = (words: RegExp) => (seen: Parameters<typeof condition>[0]) => words.test(condition(seen, 'Ready')?.message ?? '');

async function putSecret(name: string, stringData: Readonly<Record<string, string>>): Promise<void> {
  await world.kubectl('delete', 'secret', name, '--ignore-not-found');
  await world.kubectl('create', '-f', '-', {
    input: JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData }),
  });
}

const copies = async () => (await world.client.list(secrets, { namespace: 'default' }, AbortSignal.timeout(60_000))).items;
const copyOf = async (name: string) => (await copies()).find(({ metadata }) => metadata.name === `virtwright-host-${name}`);

await t.test('a pool is let in by what its Secret says, whenever that comes, and the host is handed nothing else', async (t) => {
  await using operator = await world.start({ connect: async () => fakeDriver(host), hypervisors: ['one'] });
  const iscsi = { server: 'san', target, credentialsSecretName: 'san' };
  await world.apply(
    { kind: 'Hypervisor', metadata: { name: 'one', labels: { san: 'there' } }, spec: { uri: 'test:///default' } },
    { kind: 'Hypervisor', metadata: { name: 'two' }, spec: { uri: 'test:///other' } },
    { kind: 'StoragePool', metadata: { name: 'luns' }, spec: { hypervisorSelector, iscsi } },
  );
  const without = await world.until('StoragePoolInstance', 'luns.one', says(/has no key "username"/));
  t.equal(condition(without, 'Ready')?.reason, 'CredentialsMissing');
  t.equal(host.pools.size, 0, 'nothing is defined without');

  await putSecret('san', { username: 'robot', password: 'wrong-hush', other: 'not-for-hosts' });
  await world.until('StoragePoolInstance', 'luns.one', says(/lets nobody in as robot/));
  await putSecret('san', { username: 'robot', password: 'first-hush', other: 'not-for-hosts' });
  await world.until('StoragePoolInstance', 'luns.one', isReady);

  const [copy, none] = [await copyOf('one'), await copyOf('two')];
  t.equal(none, undefined, 'a host that does not have the pool is handed nothing');
  t.same(
    Object.keys((copy?.data as object | undefined) ?? {})
      .map((key) => key.split('.').at(-1))
      .sort(),
    ['password', 'username'],
  );
  const said = [
    await world.kubectl('get', 'pool,poolinstance,hv,events', '-A', '-o', 'json', '--show-managed-fields'),
    operator.troubles.join('\n'),
    inspect(host, { depth: 10 }),
    host.calls.join('\n'),
  ].join('\n');
  t.notMatch(said.replaceAll(inspect(host.accounts), ''), /wrong-hush|not-for-hosts/);

  await world.delete('StoragePool', 'luns');
  await world.untilGone('StoragePool', 'luns');
  t.equal(host.pools.size, 0);
  await until(async () => (await copyOf('one')) === undefined);
  t.pass('and what was handed over is taken back');
});

await t.test('a LUN is one volume, used as it is and left as it was', async (t) => {
  await using _operator = await world.start({ connect: async () => fakeDriver(host), hypervisors: ['one'] });
  await world.apply({
    kind: 'StoragePool',
    metadata: { name: 'open' },
    spec: { hypervisorSelector, iscsi: { server: 'open-san', target } },
  });
  const { status } = await world.until('StoragePoolInstance', 'open.one', isReady);
  const lun = `/dev/disk/by-path/${target}/unit:0:0:1`;
  const behind = host.directory(`/dev/disk/by-path/${target}`);
  t.ok(status);
  const volume = (name: string, existing: string, size = '1Ki') => ({
    kind: 'StorageVolume',
    metadata: { name, namespace: 'default' },
    spec: { poolRef: { name: 'open' }, existing: { name: existing }, size },
  });
  behind.set('unit:0:0:1', FakeFile.of(Buffer.alloc(4096, 7)));
  await world.apply(volume('root', 'unit:0:0:1'));
  const used = await world.until('StorageVolume', 'root', isReady);
  t.match(used.status, { location: lun, format: 'Raw', nativeName: 'unit:0:0:1', virtualSize: '4Ki' });

  await world.apply(volume('again', 'unit:0:0:1'), volume('none', 'unit:0:0:9'), volume('large', 'unit:0:0:2', '1Mi'));
  await world.until('StorageVolume', 'again', says(/StorageVolume "default\/root" is that one already/));
  await world.until('StorageVolume', 'none', says(/has no such volume; see virsh vol-list/));
  behind.set('unit:0:0:2', FakeFile.of(Buffer.alloc(4096, 7)));
  await world.kubectl('delete', 'vol', 'root', 'none');
  await world.until('StorageVolume', 'again', isReady, { timeoutMs: 120_000 });
  t.ok(host.hasFile(lun), 'and what was in it is there');
  await t.rejects(world.apply({ ...volume('bad', 'x'), spec: { ...volume('bad', 'x').spec, reclaimPolicy: 'Delete' } }), {
    message: /an existing volume is used as it is/,
  });
});

await t.test('a Ceph pool is let in by its user and the key alone, and its images are used as they are', async (t) => {
  await using _operator = await world.start({ connect: async () => fakeDriver(host), hypervisors: ['one'] });
  host.accounts.set('Ceph pool machines on mon1, mon2:6790', { username: 'robot', password: 'key-hush' });
  const rbd = { monitors: ['mon1', 'mon2:6790'], pool: 'machines', user: 'robot', credentialsSecretName: 'ceph' };
  host.directory('rbd://mon1,mon2:6790/machines').set('ledger', FakeFile.of(Buffer.alloc(4096, 7)));
  await world.apply(
    { kind: 'StoragePool', metadata: { name: 'ceph' }, spec: { hypervisorSelector, rbd } },
    {
      kind: 'StorageVolume',
      metadata: { name: 'ledger', namespace: 'default' },
      spec: { poolRef: { name: 'ceph' }, existing: { name: 'ledger' }, size: '1Ki' },
    },
  );
  await world.until('StoragePoolInstance', 'ceph.one', says(/has no key "password"/));
  await putSecret('ceph', { password: 'key-hush', username: 'nobody' });
  await world.until('StoragePoolInstance', 'ceph.one', isReady);
  const keys = Object.keys(((await copyOf('one'))?.data as object | undefined) ?? {}).map((key) => key.split('.').at(-1));
  t.same(keys, ['password'], 'the host is handed no more than it needs');
  const used = await world.until('StorageVolume', 'ledger', isReady);
  t.match(used.status, { location: 'rbd://mon1,mon2:6790/machines/ledger', format: 'Raw' });
});
