import type { Test } from 'tap';
import type { MachineId, OwnerMark } from '#drivers/driver.js';
import { refused, type Stage, someoneElse, soon } from './stage.js';

export async function ownersContract(t: Test, stage: Stage): Promise<void> {
  const { driver } = stage;

  async function nothingIsDoneTo(t: Test, id: MachineId, owner: OwnerMark): Promise<void> {
    const before = await stage.look(id);
    for (const verb of ['press', 'cut', 'reset'] as const) await refused(t, driver.power[verb](id, owner, soon()), 'NotOurs');
    await refused(t, driver.machines.undefine(id, owner, { keepState: false }, soon()), 'NotOurs');
    t.same(await stage.look(id), before);
  }

  await t.test("another owner's uuid and name are not taken", async (t) => {
    const { id, definition } = await stage.define();
    const before = await stage.look(id);
    const theirs = { owner: someoneElse, record: '' };
    await refused(t, driver.machines.define({ ...definition, cpuCount: 2 }, theirs, soon()), 'NotOurs');
    const namesake = stage.definition({ nativeName: definition.nativeName });
    await refused(t, driver.machines.define(namesake, theirs, soon()), 'NotOurs');
    t.same(await stage.look(id), before);
    t.notOk(await stage.isListed(namesake.uuid));
  });

  await t.test("one owner's second machine cannot have the first one's name", async (t) => {
    const { definition, mark } = await stage.define();
    await refused(t, driver.machines.define(stage.definition({ nativeName: definition.nativeName }), mark, soon()), 'Conflict');
  });

  await t.test('a machine that is off is left alone by all but its owner', async (t) => {
    const { id } = await stage.define();
    await nothingIsDoneTo(t, id, someoneElse);
  });

  await t.test('a running machine is left alone by all but its owner', async (t) => {
    const { id, owner } = await stage.running();
    await nothingIsDoneTo(t, id, someoneElse);
    for (const part of ['cluster', 'namespace', 'name', 'uid'] as const)
      await refused(t, driver.power.cut(id, { ...owner, [part]: 'other' }, soon()), 'NotOurs');
    t.equal((await stage.power(id)).state, 'On');
  });

  await stage.withPeer(t, "a stranger's machine is told, and left alone", ['strangersMachine'], async (t, peer) => {
    const definition = stage.definition();
    stage.later(await peer.strangersMachine(definition));
    const glance = await stage.listed(definition.uuid);
    const stranger = await stage.look(glance.id);
    t.match(stranger, { uuid: definition.uuid, nativeName: definition.nativeName, power: { state: 'Off' } });
    t.equal(stranger.mark, undefined);
    const mark = stage.mark();
    await refused(t, driver.machines.define(definition, mark, soon()), 'NotOurs');
    await refused(t, driver.machines.define(stage.definition({ nativeName: definition.nativeName }), mark, soon()), 'NotOurs');
    await nothingIsDoneTo(t, glance.id, mark.owner);
  });

  await stage.withPeer(t, "a stranger's machine is adopted by marking it", ['strangersMachine'], async (t, peer) => {
    const definition = stage.definition();
    await peer.strangersMachine(definition);
    const glance = await stage.listed(definition.uuid);
    const mark = stage.mark({ record: 'adopted' });
    await refused(t, driver.machines.mark(glance.id, mark, mark.owner, soon()), 'NotOurs');
    await driver.machines.mark(glance.id, mark, undefined, soon());
    t.same((await stage.look(glance.id)).mark, mark);
    await driver.machines.undefine(glance.id, mark.owner, { keepState: false }, soon());
    t.equal(await stage.find(glance.id), undefined);
  });
}
