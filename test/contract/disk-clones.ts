import type { Test } from 'tap';
import type { VolumeDefinition, VolumeFormat, VolumeId, VolumeSource } from '#drivers/driver.js';
import type { Shelf } from './shelf.js';
import { refused, type Stage, soon } from './stage.js';

const mib = 2 ** 20;

/** Clones on a host whose linked ones have their base's format, as differencing disks do; nobody can look into them from here. */
export async function diskCloneContract(t: Test, stage: Stage, shelf: Shelf): Promise<void> {
  const { capabilities } = await stage.driver.host.describe(soon());
  const hows = capabilities.find(({ field }) => field === 'volumes.clone')?.values ?? [];
  if (hows.length === 0) return nothingCloned(t, shelf);
  for (const format of shelf.disks) {
    await t.test(`a copy of a ${format} volume has the size that was asked for, and stands alone`, (t) => copied(t, shelf, format));
    await t.test(`a linked clone of a ${format} volume tells its base, which stays while there is one`, (t) => linked(t, shelf, format));
  }
  await t.test('a clone that is smaller, of nothing, of another format, or of a name that is taken, is refused', (t) => unfit(t, shelf));
}

async function nothingCloned(t: Test, shelf: Shelf): Promise<void> {
  await t.test('a host that clones nothing says so', async (t) => {
    const [format = 'Raw'] = shelf.formats;
    const { id } = await shelf.create({ format, sizeBytes: shelf.unit });
    const definition = shelf.definition({ format, sizeBytes: shelf.unit });
    await refused(t, shelf.volumes.copy(definition, { id, format }, soon()), 'Unsupported');
    await refused(t, shelf.volumes.link(definition, { id, format }, soon()), 'Unsupported');
  });
}

async function copied(t: Test, shelf: Shelf, format: VolumeFormat): Promise<void> {
  const { volumes, unit } = shelf;
  const { id } = await shelf.create({ format, sizeBytes: unit });
  for (const to of shelf.disks)
    for (const sizeBytes of [unit, 3 * unit]) {
      const made = await volumes.copy(shelf.definition({ format: to, sizeBytes }), { id, format }, soon());
      t.match(made, { format: to, sizeBytes, base: undefined });
      t.match(await shelf.find(made.id, true), { format: to, sizeBytes, base: undefined });
    }
  t.match(await shelf.find(id, true), { format, sizeBytes: unit });
  await volumes.delete(id, soon());
  t.equal(await shelf.find(id, true), undefined);
}

async function linked(t: Test, shelf: Shelf, format: VolumeFormat): Promise<void> {
  const { volumes, unit } = shelf;
  const base = await shelf.create({ format, sizeBytes: unit });
  // What no VHD takes, its base's size being its own, is refused before anything is made.
  const grown = shelf.definition({ format, sizeBytes: 3 * unit });
  const grows = await volumes.link(grown, { id: base.id, format }, soon()).then(
    () => true,
    (reason) => reason.code !== 'Unsupported',
  );
  t.equal((await shelf.find(grown, true)) !== undefined, grows);
  const { id } = await volumes.link(shelf.definition({ format, sizeBytes: unit }), { id: base.id, format }, soon());
  t.match(await shelf.find(id, true), { format, sizeBytes: unit, base: base.location });
  t.match(await shelf.find(base.id, true), { sizeBytes: unit, base: undefined });
  await refused(t, volumes.delete(base.id, soon()), 'Conflict');
  await refused(t, volumes.grow(base.id, 3 * unit, soon()), 'Conflict');
  const clones: readonly VolumeId[] = grows ? [id, { pool: grown.pool, nativeName: grown.nativeName }] : [id];
  if (grows) t.match(await shelf.find(grown, true), { sizeBytes: 3 * unit, base: base.location });
  for (const clone of clones) await volumes.delete(clone, soon());
  await volumes.delete(base.id, soon());
  t.equal(await shelf.find(base.id, true), undefined);
}

async function unfit(t: Test, shelf: Shelf): Promise<void> {
  const { volumes, unit } = shelf;
  const [format = 'Raw', other] = shelf.disks;
  const { id } = await shelf.create({ format, sizeBytes: unit });
  const gone = { ...id, nativeName: 'never-was' };
  for (const verb of ['copy', 'link'] as const) {
    const clone = (change: Partial<VolumeDefinition>, from: VolumeSource) =>
      volumes[verb](shelf.definition({ format, sizeBytes: unit, ...change }), from, soon());
    await refused(t, clone({ sizeBytes: unit - mib }, { id, format }), 'Invalid');
    await refused(t, clone({}, { id: gone, format }), 'NotFound');
    await refused(t, clone({ nativeName: id.nativeName }, { id, format }), 'Conflict');
    await refused(t, clone({ format: 'Qcow2' }, { id, format }), 'Unsupported');
    if (other !== undefined) await refused(t, clone({}, { id, format: other }), 'Invalid');
  }
  if (other !== undefined)
    await refused(t, volumes.link(shelf.definition({ format: other, sizeBytes: unit }), { id, format }, soon()), 'Invalid');
  t.match(await shelf.find(id, true), { format, sizeBytes: unit });
}
