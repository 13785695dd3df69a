import t from 'tap';
import type { StoragePool, StoragePoolInstance, StorageVolume } from '#crds/types.js';
import { Behind } from '#drivers/fake/behind.js';
import { everything } from '#drivers/fake/capabilities.js';
import { fakeDriver } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import { derivedUuid } from '../derived-uuid.js';
import { HostView } from '../host/view.js';
import { createStore } from '../kubernetes/store.js';
import { reconcile } from '../reconcile.js';
import { indexes } from '../stores.js';
import { storagePoolInstanceKind } from './kind.js';

const meta = (name: string) => ({
  name,
  uid: `${name}-uid`,
  resourceVersion: '1',
  generation: 1,
  creationTimestamp: '2030-01-01T00:00:00Z',
});
const pool: StoragePool = {
  apiVersion: 'virtwright.io/v1alpha1',
  kind: 'StoragePool',
  metadata: meta('fast'),
  spec: { span: 'PerHost', allowedNamespaces: { from: 'All' }, directory: { path: '/p' } },
};
const volume: StorageVolume = {
  apiVersion: 'virtwright.io/v1alpha1',
  kind: 'StorageVolume',
  metadata: { ...meta('root'), namespace: 'shop' },
  spec: { size: '1Gi', format: 'Qcow2', reclaimPolicy: 'Retain' },
  status: { pool: 'fast.one' },
};

function scene({ annotation, lacks }: { annotation?: string; lacks?: string } = {}) {
  const host = new FakeHost({ capabilities: everything.filter(({ field }) => field !== lacks) });
  const driver = fakeDriver(host);
  const signal = AbortSignal.timeout(10_000);
  const view = new HostView(driver, () => {}, signal);
  const stores = {
    pools: createStore<StoragePool>(),
    volumes: createStore<StorageVolume, 'instance' | 'claim'>({ indexes: indexes.volumes }),
  };
  stores.pools.set(pool);
  const kind = storagePoolInstanceKind({ name: 'one', cluster: 'here', hypervisor: undefined, capabilities: host.capabilities }, stores);
  let instance: StoragePoolInstance = {
    apiVersion: 'virtwright.io/v1alpha1',
    kind: 'StoragePoolInstance',
    metadata: { ...meta('fast.one'), annotations: annotation === undefined ? {} : { 'virtwright.io/take-over': annotation } },
    spec: { poolRef: { name: 'fast' }, hypervisor: 'one' },
  };
  let writes = 0;
  const pass = async (deleted = false) => {
    if (deleted) instance = { ...instance, metadata: { ...instance.metadata, deletionTimestamp: '2030-01-01T00:00:00Z' } };
    view.gap();
    return reconcile(kind, instance, {
      driver,
      view,
      signal,
      clock: () => Date.UTC(2030, 0),
      publish: async (object, status) => {
        if (JSON.stringify(object.status) !== JSON.stringify(status)) writes++;
        instance = { ...object, status };
        return instance;
      },
    });
  };
  return { host, behind: new Behind(host), stores, pass, status: () => instance.status, writes: () => writes };
}

t.test('a pool is defined, started, kept active, and undefined once it is empty of volumes', async (t) => {
  const { host, behind, stores, pass, status, writes } = scene();
  behind.putFile('/p/first', Buffer.alloc(1_000));
  t.same(await pass(), { kind: 'converged' });
  t.same(host.acts, ['pools.define fast', 'pools.start fast']);
  t.match(status(), {
    nativeName: 'fast',
    path: '/p',
    uuid: derivedUuid('pool', 'here', 'fast.one-uid', 'one'),
    conditions: [{ type: 'Ready', status: 'True' }],
  });
  host.calls.length = 0;
  behind.putFile('/p/small', Buffer.alloc(1_000));
  await pass();
  t.same([host.acts, writes()], [[], 1], 'at rest, and a small file is no news');
  behind.undefinePool(status()?.uuid ?? '');
  await pass();
  t.same(host.acts, ['pools.define fast', 'pools.start fast']);
  stores.volumes.set(volume);
  t.match(await pass(true), { kind: 'progressing', because: '1 volumes are still in it: shop/root' });
  stores.volumes.delete('shop/root');
  t.same(await pass(true), { kind: 'converged' });
  t.same([host.pools.size, host.hasFile('/p/small')], [0, true]);
});

t.test('what has its name or its path and another uuid is not touched, unless that was said', async (t) => {
  for (const [name, path] of [
    ['fast', '/elsewhere'],
    ['other', '/p'],
  ] as const) {
    const { host, behind, pass } = scene({ annotation: 'All' });
    behind.pool('99999999-2222-4333-8444-555555555555', name, path);
    t.match(await pass(), { kind: 'stalled', because: /is not this one's/ });
    t.same(host.acts, []);
    t.same(await pass(true), { kind: 'converged' });
    t.equal(host.pools.size, 1);
  }
  const unsaid = scene();
  unsaid.behind.pool('99999999-2222-4333-8444-555555555555', 'fast', '/p');
  t.match(await unsaid.pass(), { kind: 'stalled' });
  const { host, behind, pass } = scene({ annotation: 'All' });
  behind.pool('99999999-2222-4333-8444-555555555555', 'fast', '/p');
  behind.putFile('/p/kept', Buffer.from('x'));
  t.same(await pass(), { kind: 'converged' });
  t.same(host.acts, ['pools.undefine fast', 'pools.define fast', 'pools.start fast']);
  t.ok(host.hasFile('/p/kept'));
});

t.test('an instance whose pool is not there waits for it', async (t) => {
  const { stores, pass, host } = scene();
  stores.pools.delete('fast');
  t.same(await pass(), { kind: 'waiting', because: 'waiting for pool "fast": there is none' });
  t.same(host.acts, []);
});

const existing: StoragePool = {
  ...pool,
  metadata: { ...pool.metadata, resourceVersion: '2' },
  spec: { span: 'PerHost', allowedNamespaces: { from: 'All' }, existing: { name: 'images' } },
};

t.test('a pool that the host had before is used as it is, and never touched', async (t) => {
  const { host, behind, stores, pass, status, writes } = scene({ annotation: 'All' });
  stores.pools.set(existing);
  behind.pool('88888888-2222-4333-8444-555555555555', 'other', '/o');
  t.same(await pass(), { kind: 'stalled', because: 'one has no pool called images; it has other' });
  t.match(status(), { conditions: [{ status: 'False' }, {}, { type: 'Stalled', status: 'True', reason: 'NotFound' }] });
  behind.pool('99999999-2222-4333-8444-555555555555', 'images', '/srv/images');
  t.same(await pass(), { kind: 'stalled', because: 'pool images on one is not active; start it there' });
  for (const one of host.pools.values()) one.active = true;
  t.same(await pass(), { kind: 'converged' });
  const { uuid, nativeName, path, capacity } = status() ?? {};
  t.match({ uuid, nativeName, path }, { uuid: '99999999-2222-4333-8444-555555555555', nativeName: 'images', path: '/srv/images' });
  t.equal(capacity, '1Ti');
  const before = writes();
  await pass();
  t.equal(writes(), before, 'at rest');
  for (const one of host.pools.values()) one.formats = [];
  t.same(await pass(), { kind: 'stalled', because: 'pool images on one is of a kind that no volumes can be made in' });
  stores.volumes.set(volume);
  t.match(await pass(true), { kind: 'progressing', because: '1 volumes are still in it: shop/root' });
  stores.volumes.delete('shop/root');
  t.same(await pass(true), { kind: 'converged' });
  stores.pools.delete('fast');
  t.same(await pass(true), { kind: 'converged' }, 'also when its StoragePool is gone without a word');
  t.same([host.acts, host.pools.size], [[], 2]);
});

t.test('a host that cannot make pools, or use those it has, refuses by name', async (t) => {
  for (const kind of ['directory', 'existing', 'lvm'] as const) {
    const { host, behind, stores, pass } = scene({ lacks: `pools.${kind}` });
    if (kind === 'existing') stores.pools.set(existing);
    if (kind === 'lvm') stores.pools.set(of({ lvm: { volumeGroup: 'vg0' } }));
    behind.pool('99999999-2222-4333-8444-555555555555', 'images', '/srv/images');
    t.same(await pass(), { kind: 'stalled', because: `spec.${kind}: asked for, one accepts nothing there` });
    t.same(host.acts, []);
  }
});

const nfs = { server: 'filer', export: '/srv/vm' };
const of = (spec: Partial<StoragePool['spec']>): StoragePool => ({
  ...pool,
  metadata: { ...pool.metadata, resourceVersion: '2' },
  spec: { span: 'PerHost', allowedNamespaces: { from: 'All' }, ...spec },
});

t.test('a pool of each kind is made, where it is said, or in a place of its own', async (t) => {
  const kinds: readonly (readonly [Partial<StoragePool['spec']>, string | undefined])[] = [
    [{ nfs }, '/var/lib/virtwright/pools/fast'],
    [{ nfs: { ...nfs, path: '/srv/nfs' } }, '/srv/nfs'],
    [{ filesystem: { device: '/dev/vdb' } }, '/var/lib/virtwright/pools/fast'],
    [{ lvm: { volumeGroup: 'vg0' } }, undefined],
  ];
  for (const [spec, path] of kinds) {
    const { host, stores, pass, status } = scene();
    stores.pools.set(of(spec));
    t.same(await pass(), { kind: 'converged' });
    t.same(host.acts, ['pools.define fast', 'pools.start fast']);
    t.equal(status()?.path, path);
    stores.pools.delete('fast');
    t.same(await pass(true), { kind: 'converged' }, 'and goes without its StoragePool');
    t.equal(host.pools.size, 0);
  }
});

t.test('a store that another pool has is not taken, nor followed when somebody moves it', async (t) => {
  const { host, stores, pass } = scene();
  stores.pools.set(of({ nfs }));
  const stranger = host.addPool('99999999-2222-4333-8444-555555555555', 'theirs', { kind: 'nfs', ...nfs, path: '/theirs' });
  t.match(await pass(), { kind: 'stalled', because: /theirs with NFS export filer:\/srv\/vm that is not this one's/ });
  host.pools.delete(stranger.id);
  t.same(await pass(), { kind: 'converged' });
  const [ours] = host.pools.values();
  host.pools.clear();
  host.addPool(ours?.uuid ?? '', 'fast', { kind: 'nfs', ...nfs, server: 'other', path: '/var/lib/virtwright/pools/fast' });
  host.calls.length = 0;
  t.same(await pass(), {
    kind: 'stalled',
    because: 'spec.nfs.server: filer given, pool fast on one has other; redefine it there as it was',
  });
  t.same(host.acts, []);
});

t.test('a pool that does not answer is waited for, by its name and its store', async (t) => {
  const { host, stores, pass, status } = scene();
  stores.pools.set(of({ nfs }));
  t.same(await pass(), { kind: 'converged' });
  const [ours] = host.pools.values();
  if (ours === undefined) throw new Error('no pool');
  ours.silent = true;
  host.calls.length = 0;
  t.match(await pass(), {
    kind: 'progressing',
    because: 'pool fast on one does not answer; see whether NFS export filer:/srv/vm is there',
  });
  t.match(status(), { conditions: [{ status: 'False', reason: 'NotAnswering' }] });
  t.same(host.acts, []);
  ours.silent = false;
  t.same(await pass(), { kind: 'converged' });
});

t.test('whatever call was the last that the agent saw answered, one pool comes of it, and is active', async (t) => {
  for (const spec of [{ nfs }, { lvm: { volumeGroup: 'vg0' } }, { filesystem: { device: '/dev/vdb' } }, { zfs: { dataset: 'tank' } }])
    for (const verb of ['pools.define', 'pools.start'] as const) {
      const { host, stores, pass } = scene();
      stores.pools.set(of(spec));
      host.faults.loseReply(verb);
      t.match(await pass(), { kind: 'retry', error: { code: 'Unavailable' } });
      t.same(await pass(), { kind: 'converged' });
      t.match([...host.pools.values()], [{ nativeName: 'fast', active: true }]);
      host.faults.loseReply('pools.undefine');
      t.match(await pass(true), { kind: 'retry' });
      t.same(await pass(true), { kind: 'converged' });
      t.equal(host.pools.size, 0);
    }
});
