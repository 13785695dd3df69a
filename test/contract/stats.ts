import type { Test } from 'tap';
import { mustHave } from './pools.js';
import { type Stage, soon } from './stage.js';

export async function statsContract(t: Test, stage: Stage): Promise<void> {
  const stats = mustHave(stage.driver.stats);
  const idsOf = async () => (await stats.read(soon())).map(({ id }) => id);

  await t.test('what runs is measured, what is off is left out', async (t) => {
    const on = await stage.running();
    const off = await stage.define();
    const all = await stats.read(soon());
    t.ok(all.every(({ id }) => id !== off.id));
    const one = mustHave(all.find(({ id }) => id === on.id));
    t.ok(one.cpuSeconds >= 0 && one.memoryBytes > 0, 'with time and memory', { one });
    await stage.driver.power.cut(on.id, on.owner, soon());
    t.notOk((await idsOf()).includes(on.id));
  });

  await stage.withPeer(t, 'what does not answer is left out rather than waited for', ['hang'], async (t, peer) => {
    const hung = await stage.running();
    const fine = await stage.running();
    const undo = await peer.hang(hung.definition.uuid);
    const giveUp = new AbortController();
    const pausing = stage.driver.power.pause(hung.id, giveUp.signal).catch(() => {});
    const ids = await idsOf();
    t.same([ids.includes(fine.id), ids.includes(hung.id)], [true, false]);
    giveUp.abort();
    await pausing;
    await undo();
  });
}
