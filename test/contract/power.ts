import type { Test } from 'tap';
import type { PowerReason } from '#drivers/driver.js';
import { refused, type Stage, someoneElse, soon } from './stage.js';

const booted = { state: 'On', reason: /^(Booted|Unknown)$/ };
const waiting = { state: 'Paused', reason: /^(StartingUp|User)$/ };
/** Why a machine is off, as far as the host tells. */
const offBy = (stage: Stage, reason: PowerReason) => ({ state: 'Off', reason: stage.can('tellWhyOff') ? reason : 'Unknown' });
const off = (...reasons: readonly string[]) => ({ state: 'Off', reason: new RegExp(`^(${reasons.join('|')})$`) });

export async function powerContract(t: Test, stage: Stage): Promise<void> {
  await lifeContract(t, stage);
  await liveContract(t, stage);
  await behindContract(t, stage);
  await savedContract(t, stage);
  // Guests take long to boot where they are emulated, and have nothing to do with each other.
  await t.test('guests', { jobs: 4 }, (t) => guestContract(t, stage));
}

async function lifeContract(t: Test, stage: Stage): Promise<void> {
  const { driver } = stage;
  const { id, owner } = await stage.define();

  await t.test('what is off cannot be paused, resumed or reset, and need not be stopped', async (t) => {
    const before = await stage.power(id);
    for (const verb of ['pause', 'resume'] as const) await refused(t, driver.power[verb](id, soon()), 'Conflict');
    await refused(t, driver.power.reset(id, owner, soon()), stage.can('reset') ? 'Conflict' : 'Unsupported');
    await driver.power.press(id, owner, soon());
    await driver.power.cut(id, owner, soon());
    t.same(await stage.power(id), before);
  });

  await t.test('a host says whether it starts machines paused', async (t) => {
    const { capabilities } = await driver.host.describe(soon());
    t.equal(
      capabilities.some(({ field }) => field === 'power.startPaused'),
      stage.can('startPaused'),
    );
  });

  await t.test('a host says whether it pauses and resets machines', async (t) => {
    const { capabilities } = await driver.host.describe(soon());
    const says = (verb: string) => capabilities.some(({ field }) => field === `power.${verb}`);
    t.same([says('pause'), says('reset')], [true, stage.can('reset')]);
  });

  await t.test('started paused, it waits for resume, whoever starts it again', { skip: stage.unless('startPaused') }, async (t) => {
    await driver.power.start(id, { paused: true }, soon());
    t.match(await stage.power(id), waiting);
    await driver.power.start(id, { paused: true }, soon());
    await driver.power.start(id, { paused: false }, soon());
    await driver.power.pause(id, soon());
    t.match(await stage.power(id), waiting);
  });

  await t.test(
    'a machine that cannot be started paused is not started at all',
    { skip: stage.can('startPaused') && 'it can' },
    async (t) => {
      await refused(t, driver.power.start(id, { paused: true }, soon()), 'Unsupported');
      t.equal((await stage.power(id)).state, 'Off');
      await driver.power.start(id, { paused: false }, soon());
      await driver.power.pause(id, soon());
    },
  );

  await t.test('resumed, it is on, once or twice', async (t) => {
    await driver.power.resume(id, soon());
    await driver.power.resume(id, soon());
    await driver.power.start(id, { paused: true }, soon());
    t.match(await stage.power(id), booted);
  });

  await t.test('paused, it is paused by its user, once or twice', async (t) => {
    await driver.power.pause(id, soon());
    await driver.power.pause(id, soon());
    t.same(await stage.power(id), { state: 'Paused', reason: 'User' });
    if (stage.can('reset') && stage.can('resetPaused')) await driver.power.reset(id, owner, soon());
    else await refused(t, driver.power.reset(id, owner, soon()), stage.can('reset') ? 'Conflict' : 'Unsupported');
    t.equal((await stage.power(id)).state, 'Paused', 'and a reset leaves it so');
    await driver.power.resume(id, soon());
    t.match(await stage.power(id), booted);
  });

  await t.test('reset, it stays on', { skip: stage.unless('reset') }, async (t) => {
    const { live } = await stage.look(id);
    await driver.power.reset(id, owner, soon());
    t.match(await stage.look(id), { power: booted, live });
  });

  await t.test('what runs is not undefined', async (t) => {
    await refused(t, driver.machines.undefine(id, owner, { keepState: false }, soon()), 'Conflict');
    t.match(await stage.look(id), { power: booted });
  });

  await t.test('cut, it is off by a cut, once or twice, and pressing changes nothing', async (t) => {
    await driver.power.cut(id, owner, soon());
    await driver.power.cut(id, owner, soon());
    await driver.power.press(id, owner, soon());
    const machine = await stage.look(id);
    t.same(machine.power, offBy(stage, 'Cut'));
    t.equal(machine.live, undefined);
  });

  await t.test('a paused machine is cut as well', async (t) => {
    await stage.switchOn(id);
    await driver.power.pause(id, soon());
    await driver.power.cut(id, owner, soon());
    t.same(await stage.power(id), offBy(stage, 'Cut'));
  });
}

async function liveContract(t: Test, stage: Stage): Promise<void> {
  const { driver } = stage;

  await t.test('a running machine is edited for its next start, not now', async (t) => {
    const { id, definition, mark, owner } = await stage.running();
    const { live } = await stage.look(id);
    t.match(live, { cpuCount: 1, memoryBytes: definition.memoryBytes });
    await driver.machines.define({ ...definition, cpuCount: 2 }, mark, soon());
    t.match(await stage.look(id), { live, configured: { cpuCount: 2 }, power: booted });
    await driver.power.cut(id, owner, soon());
    await stage.switchOn(id);
    t.match((await stage.look(id)).live, { cpuCount: 2 });
  });

  await stage.withPeer(t, 'undefined while it runs, it has no definition, and can be given one', ['undefine'], async (t, peer) => {
    const { id, definition, mark } = await stage.running();
    const { configured, live } = await stage.look(id);
    await peer.undefine(definition.uuid);
    const without = await stage.look(id);
    t.match(without, { power: booted, live, mark, uuid: definition.uuid });
    t.equal(without.configured, undefined);
    t.ok(await stage.isListed(definition.uuid), 'it is still listed');
    t.equal(await driver.machines.define(definition, mark, soon()), id);
    t.match(await stage.look(id), { power: booted, live, configured, mark });
  });

  await stage.withPeer(t, 'undefined while it runs, it is gone when it is cut', ['undefine'], async (t, peer) => {
    const { id, definition, owner } = await stage.running();
    await peer.undefine(definition.uuid);
    await refused(t, driver.machines.undefine(id, owner, { keepState: false }, soon()), 'Conflict');
    await driver.power.cut(id, owner, soon());
    t.equal(await stage.find(id), undefined);
    t.notOk(await stage.isListed(definition.uuid));
  });
}

async function behindContract(t: Test, stage: Stage): Promise<void> {
  await stage.withPeer(t, 'paused behind our back, it is paused by a user', ['pause'], async (t, peer) => {
    const { id, definition } = await stage.running();
    await peer.pause(definition.uuid);
    t.same(await stage.power(id), { state: 'Paused', reason: 'User' });
  });

  await stage.withPeer(t, 'destroyed behind our back, it is off by a cut', ['destroy'], async (t, peer) => {
    const { id, definition } = await stage.running();
    await peer.destroy(definition.uuid);
    await stage.untilPower(id, 'Off');
    t.same(await stage.power(id), offBy(stage, 'Cut'));
  });

  await stage.withPeer(t, 'killed, it has crashed, and starts again', ['kill'], async (t, peer) => {
    const { id, definition } = await stage.running();
    await peer.kill(definition.uuid);
    t.same(await stage.untilPower(id, 'Off'), { state: 'Off', reason: 'Crashed' });
    await stage.switchOn(id);
    t.not((await stage.power(id)).state, 'Off');
  });
}

async function savedContract(t: Test, stage: Stage): Promise<void> {
  const { driver } = stage;
  const { capabilities } = await driver.host.describe(soon());
  const saves = capabilities.some(({ field }) => field === 'power.save');

  await t.test('a host that saves nothing says so by name', { skip: saves && 'it saves' }, async (t) => {
    const { id, owner } = await stage.running();
    await refused(t, driver.power.save(id, owner, soon()), 'Unsupported');
    await t.rejects(driver.power.save(id, owner, soon()), { message: /power\.save/ });
    t.not((await stage.power(id)).state, 'Off');
    await driver.power.cut(id, owner, soon());
  });

  await t.test('only what runs is saved', { skip: !saves && 'it saves nothing' }, async (t) => {
    const { id, owner } = await stage.define();
    await refused(t, driver.power.save(id, owner, soon()), 'Conflict');
    await stage.switchOn(id);
    await driver.power.pause(id, soon());
    await refused(t, driver.power.save(id, owner, soon()), 'Conflict');
    await refused(t, driver.power.save(id, someoneElse, soon()), 'NotOurs');
    t.equal((await stage.power(id)).state, 'Paused');
    await driver.power.cut(id, owner, soon());
    await driver.machines.undefine(id, owner, { keepState: false }, soon());
    await refused(t, driver.power.save(id, owner, soon()), 'NotFound');
  });

  if (!saves) return;
  await stage.withGuest(t, 'saved, it is off, and goes on from there with what it had', 'hearing', async (t, recipe) => {
    const made = await stage.guest(recipe);
    const { id, owner, definition, mark } = made;
    const { live } = await stage.look(id);
    await driver.power.save(id, owner, soon());
    await driver.power.save(id, owner, soon());
    const saved = { state: 'Off', reason: 'Saved' };
    t.same(await stage.power(id), saved);
    t.same((await stage.listed(definition.uuid)).power, saved);
    await driver.machines.define({ ...definition, cpuCount: 2 }, mark, soon());
    t.same(await stage.power(id), saved, 'also when it is edited');
    await driver.power.start(id, { paused: false }, soon());
    t.equal((await stage.power(id)).state, 'On');
    const again = await stage.look(id);
    t.same([again.live, again.configured?.cpuCount], [live, 2], 'and what was edited waits');
    await driver.power.press(id, owner, soon());
    t.equal((await stage.untilPower(id, 'Off')).reason, stage.can('tellWhyOff') ? 'Guest' : 'Unknown', 'its guest hears as before');
    await driver.power.start(id, { paused: false }, soon());
    t.equal((await stage.look(id)).live?.cpuCount, 2, 'and then it boots');
    await recipe.ready?.(driver, id);
    await driver.power.save(id, owner, soon());
    await driver.power.cut(id, owner, soon());
    t.same(await stage.power(id), offBy(stage, 'Cut'), 'what was saved is dropped by a cut');
    await driver.power.start(id, { paused: false }, soon());
    await recipe.ready?.(driver, id);
    await driver.power.save(id, owner, soon());
    await driver.machines.undefine(id, owner, { keepState: false }, soon());
    t.equal(await stage.find(id), undefined, 'and goes with its machine');
    const anew = await stage.define(definition, mark);
    t.not((await stage.power(anew.id)).reason, 'Saved', 'and is not that of its next one');
  });
}

async function guestContract(t: Test, stage: Stage): Promise<void> {
  const { driver } = stage;

  const checks = [
    stage.withGuest(t, 'a guest that hears the power button turns itself off', 'hearing', async (t, recipe) => {
      const { id, owner } = await stage.guest(recipe);
      await driver.power.press(id, owner, soon());
      await driver.power.press(id, owner, soon());
      t.same(await stage.untilPower(id, 'Off'), offBy(stage, 'Guest'));
    }),

    stage.withGuest(t, 'a guest that does not hear it stays on, however often it is pressed', 'deaf', async (t, recipe) => {
      const { id, owner } = await stage.guest(recipe);
      for (let press = 0; press < 3; press++) {
        await driver.power.press(id, owner, soon());
        await stage.pass();
      }
      t.match(await stage.power(id), booted);
      await driver.power.cut(id, owner, soon());
      t.same(await stage.power(id), offBy(stage, 'Cut'));
    }),

    stage.withGuest(t, 'a guest that turns itself off is off by itself', 'leaving', async (t, recipe) => {
      const { id } = await stage.guest(recipe);
      t.same(await stage.untilPower(id, 'Off'), offBy(stage, 'Guest'));
    }),

    stage.withGuest(t, 'a machine that cannot start says so, and is off', 'unstartable', async (t, { prepare }) => {
      const { id } = await stage.define(await prepare(stage.definition()));
      await t.rejects(driver.power.start(id, { paused: false }, soon()), { name: 'DriverError', message: /./ });
      const machine = await stage.look(id);
      t.match(machine.power, off('Failed', 'Unknown'));
      t.ok(machine.configured, 'and it is still defined');
    }),
  ];
  await Promise.all(checks);
}
