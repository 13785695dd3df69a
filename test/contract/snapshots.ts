import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import type { MachineId, Snapshot, SnapshotDefinition } from '#drivers/driver.js';
import { mustHave } from './pools.js';
import { type Made, refused, type Stage, someoneElse, soon } from './stage.js';

export async function snapshotsContract(t: Test, stage: Stage): Promise<void> {
  const { driver } = stage;
  const snapshots = mustHave(driver.snapshots);
  const wanted = (change: Partial<SnapshotDefinition> = {}): SnapshotDefinition => ({
    ...{ key: `key ${randomUUID()}`, name: 'before the change', memory: false },
    ...change,
  });
  const of = async (id: MachineId) => (await snapshots.list(id, soon())).snapshots;
  /** What the host brings together after a removal is one of these days. */
  const merged = (id: MachineId) =>
    stage.until(
      () => snapshots.list(id, soon()),
      ({ isMerging }) => !isMerging,
    );
  const take = async ({ id, owner }: Pick<Made, 'id' | 'owner'>, definition = wanted()): Promise<Snapshot> => {
    await snapshots.take(id, owner, definition, soon());
    stage.later(async () => {
      if ((await stage.find(id)) === undefined) return;
      await driver.power.cut(id, owner, soon());
      await snapshots.remove(id, owner, definition.key, soon());
      await merged(id);
    });
    return mustHave((await of(id)).find(({ key }) => key === definition.key));
  };
  const disk = async (name: string) => ({ ...(await stage.disk(name, `/snapshots/${name}.qcow2`, 'Qcow2')), name });

  await t.test('one that is taken is told, and is the one that the machine goes on from', async (t) => {
    const made = await stage.define();
    t.same(await snapshots.list(made.id, soon()), { snapshots: [], isMerging: false });
    const [first, second] = [wanted(), wanted({ name: 'and "another" <one>' })];
    const taken = await take(made, first);
    t.match(taken, { key: first.key, name: first.name, isCurrent: true });
    t.notOk(taken.memory, 'of what is off there is no memory');
    t.match(await take(made, second), { name: second.name, parent: taken.id, isCurrent: true });
    t.match(await of(made.id), [
      { key: first.key, isCurrent: false },
      { key: second.key, isCurrent: true },
    ]);
    t.match(await stage.look(made.id), { mark: made.mark, power: { state: 'Off' } });
  });

  await t.test('taken twice it is one, whatever else is asked for', async (t) => {
    const made = await stage.define();
    const once = await take(made);
    const { key = '' } = once;
    await snapshots.take(made.id, made.owner, { key, name: once.name, memory: true }, soon());
    t.same(await of(made.id), [once]);
  });

  await t.test('a machine is reverted to what it was, and stays ours', async (t) => {
    const root = await disk('root');
    const made = await stage.define(stage.definition({ disks: stage.can('haveDisks') ? [root] : [] }));
    const before = await stage.look(made.id);
    const { key = '' } = await take(made);
    const mark = { ...made.mark, record: 'what happened since' };
    await driver.machines.define({ ...made.definition, memoryBytes: made.definition.memoryBytes * 2 }, mark, soon());
    t.not((await stage.look(made.id)).configured?.memoryBytes, before.configured?.memoryBytes);
    await snapshots.revert(made.id, made.owner, key, soon());
    const after = await stage.look(made.id);
    t.same([after.configured, after.power.state], [before.configured, 'Off'], 'hardware and disks by their own names');
    t.strictSame(after.mark, mark, 'what is kept of it is what is known now');
    await snapshots.revert(made.id, made.owner, key, soon());
    t.same(await stage.look(made.id), after, 'twice is once');
    t.match(await of(made.id), [{ key, isCurrent: true }]);
    await driver.machines.define(made.definition, mark, soon());
    t.same(await stage.look(made.id), after, 'and it is as it is defined');
  });

  await t.test('removed it is gone, those after it stay, and the machine is as it was', async (t) => {
    const made = await stage.define();
    const [first, second] = [await take(made), await take(made)];
    const before = await stage.look(made.id);
    await snapshots.remove(made.id, made.owner, first.key ?? '', soon());
    const [left, ...more] = await of(made.id);
    t.same([left?.id, left?.isCurrent, left?.parent, more], [second.id, true, undefined, []]);
    t.same(await stage.look(made.id), before);
    await snapshots.remove(made.id, made.owner, first.key ?? '', soon());
    await snapshots.remove(made.id, made.owner, second.key ?? '', soon());
    t.same(await merged(made.id), { snapshots: [], isMerging: false }, 'gone already is success');
    await driver.machines.undefine(made.id, made.owner, { keepState: false }, soon());
    await snapshots.remove(made.id, made.owner, second.key ?? '', soon());
    t.pass('and so is a machine that is gone');
  });

  const lacks = await stage.lacks('snapshots.memory');
  await t.test('what runs is in it where that is asked for, and only where the host can', { skip: lacks }, async (t) => {
    const { capabilities } = await driver.host.describe(soon());
    const can = capabilities.find(({ field }) => field === 'snapshots.memory')?.values ?? [];
    for (const [word, memory] of [
      ['With', true],
      ['Without', false],
    ] as const) {
      const made = await stage.define();
      await driver.power.start(made.id, { paused: false }, soon());
      t.match(await stage.power(made.id), { state: 'On' });
      const definition = wanted({ memory });
      if (!can.includes(word)) {
        await refused(t, snapshots.take(made.id, made.owner, definition, soon()), 'Unsupported');
        t.same(await of(made.id), []);
        continue;
      }
      const taken = await take(made, definition);
      t.equal(taken.memory, memory);
      t.match(await stage.power(made.id), { state: 'On' }, 'it runs on');
      await refused(t, snapshots.revert(made.id, made.owner, definition.key, soon()), 'Conflict');
      await driver.power.cut(made.id, made.owner, soon());
      await snapshots.revert(made.id, made.owner, definition.key, soon());
      const { state, reason } = await stage.power(made.id);
      t.same([state, reason === 'Saved'], ['Off', memory]);
      await driver.power.start(made.id, { paused: false }, soon());
      t.match(await stage.power(made.id), { state: 'On' });
    }
  });

  await t.test('what is not there, not ours, or no key, is refused', async (t) => {
    const { id, owner } = await stage.define();
    const gone = randomUUID() as MachineId;
    await refused(t, snapshots.list(gone, soon()), 'NotFound', 'Invalid');
    await refused(t, snapshots.take(gone, owner, wanted(), soon()), 'NotFound', 'Invalid');
    await refused(t, snapshots.revert(id, owner, 'never was', soon()), 'NotFound');
    await refused(t, snapshots.take(id, someoneElse, wanted(), soon()), 'NotOurs');
    await refused(t, snapshots.revert(id, someoneElse, 'never was', soon()), 'NotOurs');
    await refused(t, snapshots.remove(id, someoneElse, 'never was', soon()), 'NotOurs');
    for (const bad of [{ key: '' }, { key: 'a\u0000b' }, { key: 'x'.repeat(201) }, { name: '' }])
      await refused(t, snapshots.take(id, owner, wanted(bad), soon()), 'Invalid');
    t.same(await of(id), []);
  });
}
