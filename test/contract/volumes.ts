import { randomBytes, randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import type { MachineId, PoolId, VolumeDefinition, VolumeFormat, VolumeId, VolumeSource } from '#drivers/driver.js';
import { diskCloneContract } from './disk-clones.js';
import { activePool, definePool, mustHave } from './pools.js';
import { Shelf, whole } from './shelf.js';
import { acceptedOrInvalid, refused, type Stage, soon } from './stage.js';

async function* inChunks(content: Uint8Array, size = 100_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
}

export async function volumesContract(t: Test, stage: Stage): Promise<void> {
  const shelf = await Shelf.in(stage, await activePool(stage));
  await beingContract(t, stage, shelf);
  await sizeContract(t, shelf);
  await t.test('attached', { skip: shelf.cannot('grow') }, (t) => attachedContract(t, stage, shelf));
  await t.test('clones', { skip: shelf.without('Qcow2') }, (t) => cloneContract(t, stage, shelf));
  const isOfDisks = shelf.formats.some((format) => format === 'Vhdx' || format === 'Vhd');
  await t.test('a volume whose room is taken at once says so, or is refused', { skip: shelf.cannot('create') }, async (t) => {
    const { volumes } = shelf;
    const format = shelf.formats.find((one) => one !== 'Raw') ?? 'Raw';
    const asked = shelf.definition({ format, sizeBytes: 4 * shelf.unit, allocation: 'Full' });
    if ((await stage.lacks('volumes.allocation')) !== false) return refused(t, volumes.create(asked, soon()), 'Unsupported');
    const { id } = await volumes.create(asked, soon());
    const isFull = async (bytes: number) => {
      const found = mustHave(await shelf.find(id, true));
      t.match(found, { allocation: 'Full', sizeBytes: bytes });
      t.ok(found.allocationBytes >= bytes);
    };
    await isFull(4 * shelf.unit);
    await volumes.grow(id, 8 * shelf.unit, soon());
    await isFull(8 * shelf.unit);
    t.equal((await shelf.create({ format, sizeBytes: shelf.unit })).allocation, undefined);
    await volumes.delete(id, soon());
  });

  await t.test('clones of disks', { skip: !isOfDisks && 'its linked clones are Qcow2' }, (t) => diskCloneContract(t, stage, shelf));
  await t.test('copies between devices', { skip: shelf.fits && 'its volumes are files' }, (t) => deviceCopyContract(t, shelf));
  await t.test('content', { skip: shelf.cannot('stream') }, async (t) => {
    await contentContract(t, shelf);
    await breakingContract(t, shelf);
    await wipeContract(t, stage, shelf);
  });
  await absentContract(t, stage, shelf);
}

async function beingContract(t: Test, stage: Stage, shelf: Shelf): Promise<void> {
  const { volumes, pool } = shelf;

  const { formats } = shelf;
  for (const format of ['Raw', 'Qcow2', 'Vmdk', 'Vhdx', 'Vhd'] satisfies VolumeFormat[])
    await t.test(`a ${format} volume is made, listed where it lies, and deleted, once or twice`, async (t) => {
      const definition = shelf.definition({ format, sizeBytes: 8 << 20 });
      if (!formats.includes(format)) {
        await refused(t, volumes.create(definition, soon()), 'Invalid', 'Unsupported');
        t.equal(await shelf.find({ pool: pool.id, nativeName: definition.nativeName }, true), undefined, 'its pool has no such format');
        return;
      }
      const { id, location } = await volumes.create(definition, soon());
      t.same(id, { pool: pool.id, nativeName: definition.nativeName });
      t.equal(location, shelf.location(definition));
      t.match(await shelf.find(id), { id, location, format, sizeBytes: 8 << 20, allocationBytes: Number });
      await volumes.delete(id, soon());
      await volumes.delete(id, soon());
      t.equal(await shelf.find(id), undefined);
    });

  await t.test('what exists is not made again', async (t) => {
    for (const format of formats) {
      const definition = shelf.definition({ format, sizeBytes: 4 << 20 });
      const { id } = await volumes.create(definition, soon());
      await refused(t, volumes.create({ ...definition, sizeBytes: 8 << 20 }, soon()), 'Conflict');
      t.match(await shelf.find(id, true), { sizeBytes: 4 << 20 });
      await volumes.delete(id, soon());
    }
  });

  await t.test('an empty volume, which keeps a name, is made in every pool', async (t) => {
    const definition = shelf.definition({ format: 'Raw', sizeBytes: 0 });
    const { id } = await volumes.create(definition, soon());
    t.match(await shelf.find(id, true), { id, format: 'Raw', sizeBytes: shelf.fits ? 0 : Number });
    await refused(t, volumes.create(definition, soon()), 'Conflict');
    await volumes.delete(id, soon());
    await volumes.delete(id, soon());
    t.equal(await shelf.find(id, true), undefined);
  });

  await t.test('what exists is not changed by making it again', { skip: shelf.cannot('stream') }, async (t) => {
    const definition = shelf.definition({ sizeBytes: 1 << 20 });
    const { id } = await volumes.create(definition, soon());
    await volumes.upload(id, inChunks(Buffer.from('precious')), soon());
    await refused(t, volumes.create(definition, soon()), 'Conflict');
    await shelf.holds(t, id, Buffer.from('precious'));
  });

  for (const name of [
    '',
    '.',
    '..',
    '../escaped',
    'a/b',
    '/abs',
    'line\nbreak',
    'nul\0',
    `<a>&"b"'c'`,
    ']]>',
    '-rf',
    '%s$(x)',
    'dömäne 漢',
  ])
    await t.test(`a volume named ${JSON.stringify(name)} is refused, or has that name inside the pool`, async (t) => {
      const creating = shelf.create({ nativeName: name });
      if (!(await acceptedOrInvalid(t, creating))) return;
      const { id, location } = await creating;
      t.equal(location, shelf.location({ nativeName: name, format: 'Raw' }));
      t.notMatch(name, /\/|^\.*$/, 'and it leads nowhere else');
      t.match(await shelf.find(id, true), { id: { nativeName: name } });
    });

  await stage.withPeer(t, 'a file put in the pool is found on refresh', ['putFile'], async (t, peer) => {
    const id = { pool: pool.id, nativeName: 'stranger.img' };
    const content = randomBytes(10_000);
    await peer.putFile(`${pool.path}/${id.nativeName}`, content);
    t.match(await shelf.find(id, true), { id, sizeBytes: content.length });
    await shelf.holds(t, id, content);
  });

  await t.test(
    'an undefined pool leaves its volumes, and they are there when it comes back',
    { skip: stage.unless('makePools') },
    async (t) => {
      const pools = mustHave(stage.driver.pools);
      const other = await Shelf.in(stage, await activePool(stage));
      const { id } = await other.create();
      const streams = other.cannot('stream') === false;
      if (streams) await volumes.upload(id, inChunks(Buffer.from('kept')), soon());
      await pools.undefine(other.pool.id, soon());
      const again = await definePool(stage, other.pool.definition);
      await pools.start(again.id, soon());
      if (streams) await shelf.holds(t, { ...id, pool: again.id }, Buffer.from('kept'));
      const there = await volumes.list(again.id, { refresh: true }, soon());
      const kept = there.filter(({ id: { nativeName } }) => nativeName === id.nativeName); // a file system has its own lost+found
      t.match(kept, [{ id: { ...id, pool: again.id } }]);
      await volumes.delete({ ...id, pool: again.id }, soon());
    },
  );
}

async function contentContract(t: Test, shelf: Shelf): Promise<void> {
  const { volumes } = shelf;
  const content = randomBytes((1 << 20) + 12_345);

  await t.test('what was uploaded is downloaded, byte by byte, and is what the guest sees', async (t) => {
    const { id } = await shelf.create();
    await volumes.upload(id, inChunks(content), soon());
    await shelf.holds(t, id, content);
    t.match(await shelf.find(id, true), { sizeBytes: shelf.fits ? content.length : Number, format: 'Raw' });
  });

  await t.test('a range of it is downloaded, up to the end', async (t) => {
    const { id } = await shelf.create();
    await volumes.upload(id, inChunks(content), soon());
    const range = (offset: number, length: number) => shelf.content(id, { offset, length });
    t.ok((await range(0, 1)).equals(content.subarray(0, 1)));
    t.ok((await range(70_001, 200_003)).equals(content.subarray(70_001, 270_004)));
    if (shelf.fits) t.ok((await range(content.length - 5, 100)).equals(content.subarray(-5)), 'what is beyond the end is not there');
    t.equal((await range(5, 0)).length, 0, 'nothing is nothing');
  });

  await t.test('an upload replaces all that was there', async (t) => {
    const { id } = await shelf.create();
    await volumes.upload(id, inChunks(content), soon());
    await volumes.upload(id, inChunks(content.subarray(7, 5007), 1), soon());
    await shelf.holds(t, id, content.subarray(7, 5007));
    await volumes.upload(id, inChunks(content), soon());
    await shelf.holds(t, id, content);
  });

  await t.test('an upload that broke goes on from where it was, over what is there', async (t) => {
    const { id } = await shelf.create();
    await volumes.upload(id, inChunks(content.subarray(0, 700_000)), soon());
    const rest = () => volumes.resume(id, 650_000, inChunks(content.subarray(650_000)), soon());
    if (!shelf.fits || !shelf.resumes) return refused(t, rest(), 'Unsupported');
    await rest();
    await shelf.holds(t, id, content);
    await volumes.resume(id, 0, inChunks(content.subarray(0, 1000)), soon());
    await shelf.holds(t, id, content, 'what is longer stays');
    await refused(t, volumes.resume(id, content.length + 1, inChunks(content), soon()), 'Invalid');
    await refused(t, volumes.resume({ ...id, nativeName: 'contract.none' }, 1, inChunks(content), soon()), 'NotFound');
    await shelf.holds(t, id, content);
  });

  await t.test('growing keeps the content', { skip: shelf.cannot('grow') }, async (t) => {
    const { id } = await shelf.create();
    const few = randomBytes(1 << 16);
    await volumes.upload(id, inChunks(few), soon());
    await volumes.grow(id, 1 << 20, soon());
    t.ok((await shelf.content(id)).equals(Buffer.concat([few], 1 << 20)));
  });

  await t.test('an upload of nothing leaves nothing', async (t) => {
    const { id } = await shelf.create();
    await volumes.upload(id, inChunks(content.subarray(0, 1000)), soon());
    await volumes.upload(id, inChunks(Buffer.alloc(0)), soon());
    await shelf.holds(t, id, Buffer.alloc(0));
  });

  await t.test('a Qcow2 volume begins with its header, and can be uploaded as another', { skip: shelf.without('Qcow2') }, async (t) => {
    const { id } = await shelf.create({ format: 'Qcow2', sizeBytes: 8 << 20 });
    const stored = await shelf.content(id);
    t.equal(stored.subarray(0, 4).toString('latin1'), 'QFI\xfb');
    const { id: copy } = await shelf.create({ format: 'Qcow2' });
    await volumes.upload(copy, inChunks(stored), soon());
    t.match(await shelf.find(copy, true), { sizeBytes: 8 << 20, format: 'Qcow2' });
    t.ok((await shelf.content(copy)).equals(stored));
  });
}

async function sizeContract(t: Test, shelf: Shelf): Promise<void> {
  const { volumes } = shelf;
  if (!shelf.can.includes('grow')) {
    await t.test('a volume that cannot grow says so, and stays as it is', async (t) => {
      const { id, sizeBytes } = await shelf.create({ sizeBytes: 4 << 20 });
      await refused(t, volumes.grow(id, 8 << 20, soon()), 'Unsupported');
      t.equal((await shelf.find(id, true))?.sizeBytes, sizeBytes);
    });
    return;
  }

  for (const format of shelf.formats)
    await t.test(`a ${format} volume grows, once or twice, and never shrinks`, async (t) => {
      const { id } = await shelf.create({ format, sizeBytes: shelf.unit });
      await volumes.grow(id, shelf.unit, soon());
      await volumes.grow(id, 3 * shelf.unit, soon());
      await volumes.grow(id, 3 * shelf.unit, soon());
      t.equal((await shelf.find(id, true))?.sizeBytes, 3 * shelf.unit);
      await refused(t, volumes.grow(id, 2 * shelf.unit, soon()), 'Invalid');
      t.equal((await shelf.find(id, true))?.sizeBytes, 3 * shelf.unit);
    });
}

async function cloneContract(t: Test, stage: Stage, shelf: Shelf): Promise<void> {
  const { volumes, pool } = shelf;
  const { capabilities } = await stage.driver.host.describe(soon());
  const hows = capabilities.find(({ field }) => field === 'volumes.clone')?.values ?? [];
  const big = { format: 'Qcow2', sizeBytes: 3 << 20 } as const;

  if (!hows.includes('Full'))
    return void (await t.test('a host that clones nothing says so', async (t) => {
      const { id } = await shelf.create({ format: shelf.formats[0] ?? 'Raw', sizeBytes: 1 << 20 });
      const from = { id, format: 'Raw' } as const;
      await refused(t, volumes.copy(shelf.definition({ sizeBytes: 1 << 20 }), from, soon()), 'Unsupported');
      await refused(t, volumes.link(shelf.definition(big), from, soon()), 'Unsupported');
    }));

  const content = Buffer.concat([randomBytes(300_000)], 1 << 20);
  const raw = async (bytes = content) => {
    const { id } = await shelf.create();
    await volumes.upload(id, inChunks(bytes), soon());
    return { id, format: 'Raw' as const };
  };

  await t.test('a copy holds what its source holds, in any of the formats, and stands alone', async (t) => {
    const from = await raw();
    const there = await volumes.copy(shelf.definition(big), from, soon());
    t.match(there, { format: 'Qcow2', sizeBytes: 3 << 20, base: undefined });
    t.match(await shelf.find(there.id, true), { format: 'Qcow2', sizeBytes: 3 << 20 });
    const back = await volumes.copy(shelf.definition({ sizeBytes: 4 << 20 }), { id: there.id, format: 'Qcow2' }, soon());
    await volumes.delete(from.id, soon());
    await volumes.delete(there.id, soon());
    t.equal(back.sizeBytes, 4 << 20);
    t.ok((await shelf.content(back.id)).equals(Buffer.concat([content], 4 << 20)), 'there and back');
    for (const format of ['Raw', 'Qcow2'] as const) {
      const source = await shelf.create({ format, sizeBytes: 1 << 20 });
      t.match(await volumes.copy(shelf.definition({ format, sizeBytes: 1 << 20 }), { id: source.id, format }, soon()), {
        format,
        sizeBytes: 1 << 20,
      });
    }
  });

  await t.test('a linked clone tells its base, and the sizes are those asked for', async (t) => {
    for (const format of ['Raw', 'Qcow2'] as const) {
      const base = await shelf.create({ format, sizeBytes: 1 << 20 });
      const linked = await volumes.link(shelf.definition(big), { id: base.id, format }, soon());
      t.match(linked, { format: 'Qcow2', sizeBytes: 3 << 20, base: base.location });
      t.match(await shelf.find(linked.id, true), { base: base.location, sizeBytes: 3 << 20 });
      t.match(await shelf.find(base.id, true), { base: undefined, sizeBytes: 1 << 20 });
      await volumes.delete(linked.id, soon());
    }
  });

  await t.test('a clone that is smaller than its source, of nothing, or of a name that is taken, is refused', async (t) => {
    const from = await raw();
    const gone = { id: { pool: pool.id, nativeName: 'never-was' }, format: 'Raw' as const };
    for (const verb of ['copy', 'link'] as const) {
      const clone = (change: Partial<VolumeDefinition>, of: VolumeSource) =>
        volumes[verb](shelf.definition({ ...big, ...change }), of, soon());
      await refused(t, clone({ sizeBytes: 1000 << 10 }, from), 'Invalid');
      await refused(t, clone({}, gone), 'NotFound');
      await refused(t, clone({ nativeName: from.id.nativeName }, from), 'Conflict');
    }
    t.ok((await shelf.content(from.id)).equals(content));
  });

  await t.test('what a guest made look like an image of another file is never read as that', async (t) => {
    const decoy = await shelf.create({ format: 'Qcow2', sizeBytes: 2 << 20 });
    const forged = Buffer.concat([await shelf.content(decoy.id)], 1 << 20);
    const from = await raw(forged);
    await shelf.find(from.id, true);
    const same = await volumes.copy(shelf.definition({ sizeBytes: 1 << 20 }), from, soon());
    t.ok((await shelf.content(same.id)).equals(forged), 'a Raw copy is the same bytes');
    await refused(t, volumes.copy(shelf.definition(big), from, soon()), 'Invalid');
  });
}

async function wipeContract(t: Test, stage: Stage, shelf: Shelf): Promise<void> {
  const { capabilities } = await stage.driver.host.describe(soon());
  if (!capabilities.some(({ field }) => field === 'volumes.wipe')) return;
  await t.test('of a wiped volume nothing can be read any more', async (t) => {
    const { id } = await shelf.create({ sizeBytes: 0 });
    await shelf.volumes.upload(id, inChunks(Buffer.alloc(300_000, 'secret')), soon());
    await shelf.volumes.wipe(id, soon());
    await shelf.volumes.wipe(id, soon());
    t.ok((await shelf.content(id)).every((byte) => byte === 0));
    await refused(t, shelf.volumes.wipe({ ...id, nativeName: 'never-was' }, soon()), 'NotFound');
    await shelf.volumes.delete(id, soon());
  });
}

async function attachedContract(t: Test, stage: Stage, shelf: Shelf): Promise<void> {
  const { volumes } = shelf;
  const { capabilities } = await stage.driver.host.describe(soon());
  if (!capabilities.some(({ field }) => field === 'volumes.growAttached')) {
    await t.test('a host that does not grow attached disks says so', async (t) => {
      const { id } = await shelf.create({ format: shelf.formats[0] ?? 'Raw', sizeBytes: shelf.unit });
      const nobody = '00000000-0000-4000-8000-000000000000' as MachineId;
      await refused(t, volumes.growAttached(id, nobody, 2 * shelf.unit, soon()), 'Unsupported', 'NotFound');
    });
    return;
  }
  for (const format of shelf.formats)
    await t.test(`a ${format} disk of a machine that is on grows, once or twice, and never shrinks`, async (t) => {
      const { id, location } = await shelf.create({ format, sizeBytes: 1 << 20 });
      const made = await stage.define(stage.definition({ disks: [await stage.disk('root', location, format)] }));
      await refused(t, volumes.growAttached(id, made.id, 3 << 20, soon()), 'Conflict');
      await stage.switchOn(made.id);
      await volumes.growAttached(id, made.id, 3 << 20, soon());
      await volumes.growAttached(id, made.id, 3 << 20, soon());
      t.equal((await shelf.find(id))?.sizeBytes, 3 << 20, 'and the host knows it at once');
      await refused(t, volumes.growAttached(id, made.id, 2 << 20, soon()), 'Invalid');
      const { id: other } = await shelf.create({ format, sizeBytes: 1 << 20 });
      await refused(t, volumes.growAttached(other, made.id, 2 << 20, soon()), 'NotFound');
      await refused(t, volumes.growAttached(id, randomUUID() as MachineId, 4 << 20, soon()), 'NotFound');
      await stage.driver.power.cut(made.id, made.owner, soon());
    });
}

async function deviceCopyContract(t: Test, shelf: Shelf): Promise<void> {
  const { volumes } = shelf;
  const from = await shelf.create({ sizeBytes: 4 << 20 });
  const content = randomBytes(300_000);
  await volumes.upload(from.id, inChunks(content), soon());
  const there = await volumes.copy(shelf.definition({ sizeBytes: 8 << 20 }), { id: from.id, format: 'Raw' }, soon());
  t.equal(there.sizeBytes, 8 << 20);
  await shelf.holds(t, there.id, content);
  await refused(
    t,
    volumes.link(shelf.definition({ format: 'Qcow2', sizeBytes: 8 << 20 }), { id: from.id, format: 'Raw' }, soon()),
    'Unsupported',
  );
  await volumes.delete(there.id, soon());
}

async function breakingContract(t: Test, shelf: Shelf): Promise<void> {
  const { volumes } = shelf;
  const content = randomBytes(300_000);

  await t.test('a source that throws rejects the upload, and another upload heals it', async (t) => {
    const { id } = await shelf.create();
    const fault = new Error('the source broke');
    async function* breaking() {
      yield content.subarray(0, 100_000);
      throw fault;
    }
    await t.rejects(volumes.upload(id, breaking(), soon()), { name: 'DriverError', cause: fault });
    t.ok(await shelf.find(id), 'the volume is still there');
    await volumes.upload(id, inChunks(content), soon());
    await shelf.holds(t, id, content);
  });

  await t.test('a source that stops talking is given up with the signal', async (t) => {
    const { id } = await shelf.create();
    const giveUp = new AbortController();
    async function* stuck() {
      yield content.subarray(0, 1000);
      giveUp.abort();
      await new Promise(() => {});
    }
    await refused(t, volumes.upload(id, stuck(), giveUp.signal), 'TimedOut');
    await volumes.upload(id, inChunks(content), soon());
    await shelf.holds(t, id, content, 'and the volume can be filled again');
  });

  await t.test('a download that is given up does not look whole', async (t) => {
    const { id } = await shelf.create({ sizeBytes: 16 << 20 });
    const giveUp = new AbortController();
    async function impatient() {
      for await (const _chunk of volumes.download(id, { offset: 0, length: 16 << 20 }, giveUp.signal)) giveUp.abort();
    }
    await refused(t, impatient(), 'TimedOut');
    for await (const _chunk of volumes.download(id, { offset: 0, length: 16 << 20 }, soon())) break;
    t.equal((await shelf.content(id, { offset: 0, length: 10 })).length, 10, 'and the next one works');
  });
}

async function absentContract(t: Test, stage: Stage, shelf: Shelf): Promise<void> {
  const { volumes } = shelf;
  const everyVerb = (id: VolumeId) => ({
    upload: () => volumes.upload(id, inChunks(Buffer.from('x')), soon()),
    download: () => whole(volumes.download(id, { offset: 0, length: 1 }, soon())),
    grow: () => volumes.grow(id, 1 << 20, soon()),
  });
  const everyPoolVerb = (id: VolumeId) => ({
    ...everyVerb(id),
    list: () => volumes.list(id.pool, { refresh: true }, soon()),
    create: () => volumes.create(shelf.definition({ pool: id.pool }), soon()),
    delete: () => volumes.delete(id, soon()),
  });

  await t.test('a volume that is not there is not found', async (t) => {
    for (const call of Object.values(everyVerb({ pool: shelf.pool.id, nativeName: 'never-was' }))) await refused(t, call(), 'NotFound');
  });

  await t.test('a pool that never was is not found', async (t) => {
    for (const call of Object.values(everyPoolVerb({ pool: randomUUID() as PoolId, nativeName: 'x' })))
      await refused(t, call(), 'NotFound');
  });

  await t.test('a pool that is gone is not found', { skip: stage.unless('makePools') }, async (t) => {
    const { id: pool } = await activePool(stage);
    await mustHave(stage.driver.pools).undefine(pool, soon());
    for (const call of Object.values(everyPoolVerb({ pool, nativeName: 'x' }))) await refused(t, call(), 'NotFound');
  });

  await t.test('a pool that is not active must be started first', { skip: stage.unless('makePools') }, async (t) => {
    const { id: pool } = await definePool(stage);
    for (const call of Object.values(everyPoolVerb({ pool, nativeName: 'x' }))) await refused(t, call(), 'Conflict');
  });
}
