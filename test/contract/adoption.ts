import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import type { Adoption, Machine, MachineId } from '#drivers/driver.js';
import { refused, type Stage, someoneElse, soon } from './stage.js';
import type { Peer } from './subject.js';

/** A machine that somebody else made, as it is on the host. */
async function strangersOn(stage: Stage, peer: Required<Pick<Peer, 'strangersMachine'>>): Promise<Machine> {
  const uuid = randomUUID();
  const remove = await peer.strangersMachine({ uuid, nativeName: `strange.${uuid.slice(0, 8)}` });
  stage.later(async () => ((await stage.isListed(uuid)) ? remove() : undefined));
  return stage.look((await stage.listed(uuid)).id);
}

export async function adoptionContract(t: Test, stage: Stage): Promise<void> {
  const adoption = (): Adoption => {
    if (stage.driver.adoption === undefined) throw new Error('this driver adopts no machines');
    return stage.driver.adoption;
  };
  const adopted = async (id: MachineId) => {
    const mark = stage.mark({ record: 'as it was' });
    await adoption().adopt(id, mark, soon());
    return mark;
  };

  await stage.withPeer(t, 'a machine of others tells what it would be taken as', ['strangersMachine'], async (t, peer) => {
    const { found, configured, mark } = await strangersOn(stage, peer);
    t.equal(mark, undefined);
    t.equal(found?.shape.memoryBytes, configured?.memoryBytes);
    t.ok(Array.isArray(found?.kept));
    const ours = await stage.define();
    t.equal((await stage.look(ours.id)).found, undefined, 'ours is not found, it is ours');
  });

  await stage.withPeer(t, 'adopted it is ours, and as it was', ['strangersMachine'], async (t, peer) => {
    const before = await strangersOn(stage, peer);
    const mark = await adopted(before.id);
    const after = await stage.look(before.id);
    t.strictSame(after.mark, mark);
    t.same(after.configured, before.found?.shape, 'with the names that were told');
    t.equal(after.nativeName, before.nativeName);
    t.same(after.power, before.power);
    await adoption().adopt(before.id, { ...mark, record: 'again' }, soon());
    t.equal((await stage.look(before.id)).mark?.record, 'again');
    await stage.driver.machines.undefine(before.id, mark.owner, { keepState: false }, soon());
    t.notOk(await stage.isListed(before.uuid), 'what is ours can be forgotten');
  });

  await stage.withPeer(t, 'released it is theirs, and as it was', ['strangersMachine'], async (t, peer) => {
    const before = await strangersOn(stage, peer);
    const mark = await adopted(before.id);
    await refused(t, adoption().release(before.id, someoneElse, soon()), 'NotOurs');
    await adoption().release(before.id, mark.owner, soon());
    const after = await stage.look(before.id);
    t.equal(after.mark, undefined);
    t.same(after, before);
    await adoption().release(before.id, mark.owner, soon());
    t.pass('once more is success');
    await refused(t, stage.driver.machines.undefine(before.id, mark.owner, { keepState: false }, soon()), 'NotOurs');
  });

  await t.test('one that runs goes on running, released and adopted', async (t) => {
    const { id, owner } = await stage.define();
    await stage.switchOn(id);
    const before = await stage.look(id);
    await adoption().release(id, owner, soon());
    const { mark: _mark, ...theirs } = before;
    const { found, ...after } = await stage.look(id);
    t.same(after, theirs, 'it is as it was');
    t.same(found?.shape, before.configured, 'with the names that it had');
    const mark = await adopted(id);
    t.same(await stage.look(id), { ...theirs, mark });
  });

  await t.test('what is another’s is not adopted, and what is gone is not there', async (t) => {
    const { id, owner } = await stage.define();
    await refused(t, adoption().adopt(id, stage.mark(), soon()), 'NotOurs');
    t.strictSame((await stage.look(id)).mark?.owner, owner);
    const gone = randomUUID() as MachineId;
    await refused(t, adoption().adopt(gone, stage.mark(), soon()), 'NotFound', 'Invalid');
    await adoption().release(gone, someoneElse, soon());
    t.pass('released is what is gone');
  });
}
