import { randomUUID } from 'node:crypto';
import t from 'tap';
import { connect } from '#drivers/connect.js';
import type { Pool, PoolDefinition } from '#drivers/driver.js';
import { mustHave } from '#test/contract/pools.js';
import { skipWhereMissing } from '#test/peers/build.js';
import { startStores } from '#test/peers/stores.js';

t.setTimeout(600_000);

const stores = await startStores().catch((reason) => skipWhereMissing(t, reason));
t.teardown(() => stores[Symbol.asyncDispose]());
const soon = (ms = 120_000) => AbortSignal.timeout(ms);
const driver = await connect({ uri: stores.uri }, soon());
t.teardown(() => driver[Symbol.asyncDispose]());
const [pools, volumes] = [mustHave(driver.pools), mustHave(driver.volumes)];

await stores.shell(`
  mkdir -p /srv/nfs/vm
  echo '/srv/nfs 127.0.0.1(rw,no_root_squash,no_subtree_check)' >/etc/exports
  rpc.nfsd 4
  exportfs -r
  rpc.mountd`);

async function active(definition: PoolDefinition) {
  const id = await pools.define(definition, soon());
  await pools.start(id, soon());
  return id;
}
const found = (all: readonly Pool[], { uuid }: PoolDefinition) => all.find((pool) => pool.uuid === uuid);

await t.test('a pool whose NFS server is away is named, and holds up nothing but itself', async (t) => {
  const source = { kind: 'nfs', server: '127.0.0.1', export: '/srv/nfs/vm', path: '/mnt/vm' } as const;
  const far: PoolDefinition = { uuid: randomUUID(), nativeName: 'far', source };
  const near: PoolDefinition = { uuid: randomUUID(), nativeName: 'near', source: { kind: 'directory', path: '/srv/near' } };
  const [farId, nearId] = [await active(far), await active(near)];
  await volumes.create({ pool: farId, nativeName: 'disk', format: 'Raw', sizeBytes: 1 << 20 }, soon());
  t.notOk(found(await pools.list(soon()), far)?.silent);

  await stores.shell('rpc.nfsd 0; sync -f /srv; echo 3 >/proc/sys/vm/drop_caches');
  // The daemon looks at the store, and does not come back.
  await t.rejects(volumes.list(farId, { refresh: true }, soon(3_000)), { code: 'TimedOut' });
  for (let looks = 0; looks < 8; looks++) {
    const all = await pools.list(soon());
    t.match(found(all, far), { silent: true, active: true, source });
    t.match(found(all, near), { active: true, source: near.source });
    t.notOk(found(all, near)?.silent);
    await t.rejects(volumes.list(farId, { refresh: false }, soon()), { name: 'DriverError' });
  }
  const made = await volumes.create({ pool: nearId, nativeName: 'disk', format: 'Qcow2', sizeBytes: 1 << 20 }, soon());
  const shape = { cpuCount: 1, memoryBytes: 32 << 20, interfaces: [], serial: false, rng: false };
  const owner = { cluster: 'c', namespace: 'n', name: 'm', uid: 'u' };
  const disks = [{ name: 'root', location: made.location, format: 'Qcow2' }] as const;
  const machine = await driver.machines.define({ uuid: randomUUID(), nativeName: 'lives', ...shape, disks }, { owner, record: '' }, soon());
  await driver.power.start(machine, { paused: true }, soon());
  t.match((await driver.machines.read([machine], soon())).machines, [{ power: { state: 'Paused' } }], 'machines live on');
  await driver.power.cut(machine, owner, soon());

  await stores.shell('rpc.nfsd 4');
  for (let looks = 0; looks < 60 && found(await pools.list(soon()), far)?.silent; looks++)
    await new Promise((done) => setTimeout(done, 2_000));
  t.notOk(found(await pools.list(soon()), far)?.silent, 'and it is back by itself');
  t.match(await volumes.list(farId, { refresh: true }, soon()), [{ id: { nativeName: 'disk' } }]);
});
