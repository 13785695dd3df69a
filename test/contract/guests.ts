import type { Test } from 'tap';
import type { MachineId } from '#drivers/driver.js';
import { mustHave } from './pools.js';
import { refused, type Stage, soon } from './stage.js';

export async function guestsContract(t: Test, stage: Stage): Promise<void> {
  const guests = mustHave(stage.driver.guests);
  const { power } = stage.driver;

  await t.test('only of a machine that is on something is known', async (t) => {
    const { id } = await stage.define();
    await refused(t, guests.look(id, soon()), 'Conflict');
    await refused(t, guests.look('00000000-0000-4000-8000-000000000000' as MachineId, soon()), 'NotFound');
  });

  await t.test('a machine without a channel has no agent', async (t) => {
    const { id, owner } = await stage.running();
    const sight = await guests.look(id, soon());
    t.notOk('agent' in sight, 'no word of one');
    t.notOk('hostname' in sight);
    await power.cut(id, owner, soon());
  });

  await t.test('a channel is read back, and taken away again', async (t) => {
    const { capabilities } = await stage.driver.host.describe(soon());
    if (!capabilities.some(({ field }) => field === 'devices.guestAgent'))
      return refused(t, stage.define(stage.definition({ guestAgent: true })), 'Unsupported', 'Invalid');
    const { id, definition, mark } = await stage.define(stage.definition({ guestAgent: true }));
    t.equal((await stage.look(id)).configured?.guestAgent, true);
    await stage.driver.machines.define({ ...definition, guestAgent: false }, mark, soon());
    t.not((await stage.look(id)).configured?.guestAgent, true);
  });

  await stage.withGuest(t, 'an agent tells the host name and the system', 'telling', async (t, recipe) => {
    const made = await stage.running(await recipe.prepare(stage.definition()));
    const sight = await stage.until(
      () => guests.look(made.id, soon()),
      ({ agent, hostname }) => agent === 'Connected' && hostname !== undefined,
    );
    t.match(sight, { agent: 'Connected', hostname: recipe.hostname, os: { id: recipe.system } });
    await power.cut(made.id, made.owner, soon());
    await refused(t, guests.look(made.id, soon()), 'Conflict');
  });

  await stage.withGuest(t, 'one that falls silent is told as that, and keeps nobody waiting', 'telling', async (t, recipe) => {
    const { hang } = stage.subject.peer;
    if (hang === undefined) return void t.pass('silent', { skip: `not supported by the peer of ${stage.subject.name}: hang` });
    const made = await stage.running(await recipe.prepare(stage.definition()));
    await stage.until(
      () => guests.look(made.id, soon()),
      ({ agent }) => agent === 'Connected',
    );
    const undo = await hang(made.definition.uuid);
    t.match(await guests.look(made.id, soon()), { agent: 'Silent' });
    await undo();
    await stage.until(
      () => guests.look(made.id, soon()),
      ({ agent }) => agent === 'Connected',
    );
    await power.cut(made.id, made.owner, soon());
  });
}
