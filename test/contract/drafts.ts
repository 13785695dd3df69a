import type { Test } from 'tap';
import { mustHave } from './pools.js';
import { refused, type Stage, soon } from './stage.js';

const password = 'tell-nob';

export async function draftsContract(t: Test, stage: Stage): Promise<void> {
  const { driver } = stage;
  const drafts = mustHave(driver.drafts);

  await t.test('a draft is of what would be written, and writes nothing', async (t) => {
    const [definition, mark] = [stage.definition(), stage.mark()];
    // How machines are is no matter: what an earlier part of the suite gave up on may still be under way on them.
    const there = async () => (await driver.machines.list(soon())).map(({ power: _, ...one }) => one);
    const before = await there();
    const made = await drafts.machine(definition, mark, soon());
    t.match(made, { exists: false, unchanged: false });
    t.ok(made.format === 'XML' ? made.text.startsWith('<') : JSON.parse(made.text) !== undefined, made.text);
    t.same(await there(), before, 'the host is as it was');

    const { id } = await stage.define(definition, mark);
    t.match(await drafts.machine(definition, mark, soon()), { exists: true, unchanged: true }, 'what is so needs nothing');
    const other = { ...definition, memoryBytes: definition.memoryBytes * 2 };
    const was = await stage.look(id);
    t.match(await drafts.machine(other, mark, soon()), { exists: true, unchanged: false });
    t.same(await stage.look(id), was, 'nor is one that is there changed');
    await driver.machines.define(other, mark, soon());
    t.match(await drafts.machine(other, mark, soon()), { exists: true, unchanged: true }, 'what was drafted is what was written');
  });

  await t.test('what would be refused is refused', async (t) => {
    const { definition, mark } = await stage.define();
    const owner = { ...mark.owner, uid: 'another' };
    await refused(t, drafts.machine(definition, { ...mark, owner }, soon()), 'NotOurs');
  });

  await t.test('a password is shown to nobody', { skip: await stage.lacks('devices.graphics.password') }, async (t) => {
    const definition = stage.definition({ graphics: { type: 'VNC', password } });
    const made = await drafts.machine(definition, stage.mark(), soon());
    t.notMatch(made.text, password);
    t.match(made.text, '***');
    const { mark } = await stage.define(definition);
    t.notMatch((await drafts.machine({ ...definition, cpuCount: 1 }, mark, soon())).text, password, 'nor is one that is there');
  });
}
