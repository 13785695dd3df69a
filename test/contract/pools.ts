import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import type { Pool, PoolDefinition, PoolId, PoolSource, Pools } from '#drivers/driver.js';
import { pathOf } from '#drivers/pool-source.js';
import { acceptedOrInvalid, refused, type Stage, soon } from './stage.js';
import type { Subject } from './subject.js';

export interface MadePool {
  readonly id: PoolId;
  readonly definition: PoolDefinition;
  /** Where its volumes are. */
  readonly path: string;
}

export function mustHave<T>(facet: T | undefined): T {
  if (facet === undefined) throw new Error('the driver lacks a facet that was not stated to be absent');
  return facet;
}

/** A pool of a store of its own. */
export async function poolDefinition({ subject }: Stage, change: Partial<PoolDefinition> = {}): Promise<PoolDefinition> {
  const uuid = randomUUID();
  const nativeName = `contract-${uuid.slice(0, 8)}`;
  const source = change.source ?? (await subject.source?.(nativeName)) ?? directory(subject, nativeName);
  return { uuid, nativeName, ...change, source };
}

const directory = (subject: Subject, name: string): PoolSource & { readonly kind: 'directory' } => ({
  kind: 'directory',
  path: `${subject.directory ?? '/var/tmp'}/${name}`,
});

export async function definePool(stage: Stage, definition?: PoolDefinition): Promise<MadePool> {
  const pools = mustHave(stage.driver.pools);
  const wanted = definition ?? (await poolDefinition(stage));
  const id = await pools.define(wanted, soon());
  stage.later(() => pools.undefine(id, soon()));
  return { id, definition: wanted, path: (await find(pools, wanted.uuid))?.path ?? '' };
}

export async function activePool(stage: Stage): Promise<MadePool> {
  if (!stage.can('makePools')) return existingPool(stage);
  const made = await definePool(stage);
  await mustHave(stage.driver.pools).start(made.id, soon());
  return made;
}

/** The one that the subject has stated. */
async function existingPool(stage: Stage): Promise<MadePool> {
  const found = (await mustHave(stage.driver.pools).list(soon())).find(({ nativeName }) => nativeName === stage.subject.pool);
  const { id, uuid, nativeName, path = '' } = mustHave(found);
  return { id, definition: { uuid, nativeName, source: { kind: 'directory', path } }, path };
}

const find = async (pools: Pools, wanted: string): Promise<Pool | undefined> =>
  (await pools.list(soon())).find(({ uuid }) => uuid === wanted);

export async function poolsContract(t: Test, stage: Stage): Promise<void> {
  if (!stage.can('makePools')) return existingPoolsContract(t, stage);
  const pools = mustHave(stage.driver.pools);
  const { id, definition, path } = await definePool(stage);
  const { uuid, nativeName, source } = definition;

  await t.test('a defined pool is listed with its store, and not active', async (t) => {
    t.match(await find(pools, uuid), { id, uuid, nativeName, source, path: pathOf(source) ?? String, active: false });
  });

  await t.test('defining twice is defining once', async (t) => {
    const before = await find(pools, uuid);
    t.equal(await pools.define(definition, soon()), id);
    t.same(await find(pools, uuid), before);
  });

  await t.test('a started pool is active and tells its room, once or twice', async (t) => {
    await pools.start(id, soon());
    await pools.start(id, soon());
    const pool = mustHave(await find(pools, uuid));
    t.equal(pool.active, true);
    t.ok(pool.capacityBytes > 0 && pool.availableBytes <= pool.capacityBytes && pool.allocationBytes <= pool.capacityBytes);
    t.ok(pool.formats.length > 0 && pool.can.includes('create'), 'and which formats it has volumes in');
    t.equal(await pools.define(definition, soon()), id);
    t.equal((await find(pools, uuid))?.active, true, 'and a define leaves it so');
  });

  await t.test('a pool is not moved', async (t) => {
    const elsewhere = (await poolDefinition(stage)).source;
    await refused(t, pools.define({ ...definition, source: elsewhere }, soon()), 'Invalid');
    t.same((await find(pools, uuid))?.source, source);
  });

  await t.test('a name or a store is not taken from another uuid', async (t) => {
    await refused(t, pools.define(await poolDefinition(stage, { nativeName }), soon()), 'NotOurs');
    await refused(t, pools.define(await poolDefinition(stage, { source }), soon()), 'NotOurs');
    t.match(await find(pools, uuid), { nativeName, source, path, active: true });
  });

  await stage.withPeer(t, "a stranger's pool is told, and its name and path are not taken", ['strangersPool'], async (t, peer) => {
    const { uuid, nativeName } = await poolDefinition(stage);
    const source = directory(stage.subject, nativeName);
    stage.later(await peer.strangersPool({ uuid, nativeName, path: source.path }));
    t.match(await find(pools, uuid), { nativeName, path: source.path });
    await refused(t, pools.define(await poolDefinition(stage, { nativeName }), soon()), 'NotOurs');
    await refused(t, pools.define(await poolDefinition(stage, { source }), soon()), 'NotOurs');
  });

  await stage.withPeer(t, 'a pool that was there before is used as it is', ['strangersPool', 'startPool'], async (t, peer) => {
    const { uuid, nativeName } = await poolDefinition(stage);
    const { path } = directory(stage.subject, nativeName);
    stage.later(await peer.strangersPool({ uuid, nativeName, path }));
    t.equal((await find(pools, uuid))?.active, false, 'nobody has started it');
    stage.later(await peer.startPool(uuid));
    const pool = mustHave(await find(pools, uuid));
    t.match(pool, { nativeName, path, active: true });
    t.ok(pool.capacityBytes > 0 && pool.availableBytes <= pool.capacityBytes);
    const volumes = stage.driver.volumes;
    if (volumes === undefined) return;
    const { id } = await volumes.create({ pool: pool.id, nativeName: 'root', format: 'Raw', sizeBytes: 1 << 20 }, soon());
    t.match(await volumes.list(pool.id, { refresh: false }, soon()), [{ id, sizeBytes: 1 << 20 }]);
    await volumes.delete(id, soon());
    t.match(await find(pools, uuid), { nativeName, path, active: true });
  });

  await t.test('an undefined pool is gone, once or twice, and cannot start', async (t) => {
    const { id, definition } = await activePool(stage);
    await pools.undefine(id, soon());
    await pools.undefine(id, soon());
    t.equal(await find(pools, definition.uuid), undefined);
    await refused(t, pools.start(id, soon()), 'NotFound');
  });

  for (const name of ['', '..', 'a/b', '../x', 'line\nbreak', `<a>&"b"'c'`, ']]>', '%s$(x)'])
    await t.test(`a pool named ${JSON.stringify(name)} is refused, or has that name`, async (t) => {
      const definition = await poolDefinition(stage, { nativeName: name });
      if (!(await acceptedOrInvalid(t, definePool(stage, definition)))) return;
      t.equal((await find(pools, definition.uuid))?.nativeName, name);
    });

  const without = stage.subject.directory === undefined && 'it makes no pools of directories';
  await t.test('a path is kept to the letter', { skip: without }, async (t) => {
    const given = (path: string) => poolDefinition(stage, { source: { kind: 'directory', path } });
    const path = `${directory(stage.subject, randomUUID()).path} <a> & 'b' ü`;
    const { definition } = await definePool(stage, await given(path));
    t.equal((await find(pools, definition.uuid))?.path, path);
    for (const bad of ['', 'relative', '/a/../b']) await refused(t, pools.define(await given(bad), soon()), 'Invalid');
  });
}

async function existingPoolsContract(t: Test, stage: Stage): Promise<void> {
  const pools = mustHave(stage.driver.pools);

  await t.test('a pool that is there is listed with its room, and which formats it has volumes in', async (t) => {
    const { id, definition } = await existingPool(stage);
    const pool = mustHave(await find(pools, definition.uuid));
    t.match(pool, { id, active: true });
    t.ok(pool.capacityBytes > 0 && pool.availableBytes <= pool.capacityBytes && pool.allocationBytes <= pool.capacityBytes);
    t.ok(pool.formats.length > 0);
  });

  await t.test('pools are neither made nor unmade', async (t) => {
    // What is free on a host's disks is not ours alone.
    const looks = async () => (await pools.list(soon())).map(({ allocationBytes: _, availableBytes: __, ...pool }) => pool);
    const before = await looks();
    const { id } = await existingPool(stage);
    await refused(t, pools.define(await poolDefinition(stage), soon()), 'Unsupported');
    await refused(t, pools.start(id, soon()), 'Unsupported');
    await refused(t, pools.undefine(id, soon()), 'Unsupported');
    t.same(await looks(), before);
  });
}
