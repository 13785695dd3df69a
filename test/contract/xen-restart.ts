import type { Test } from 'tap';
import type { PowerState } from '#drivers/driver.js';
import { mustHave } from './pools.js';
import { Stage, soon } from './stage.js';
import type { GuestRecipe, Subject } from './subject.js';

/** What libvirt's driver for Xen tells out of turn: at a restart by the guest `Started` before `Stopped`, and `shut off` of what is still taken apart. */
export async function restartContract(t: Test, subject: Subject, { hearing, leaving }: Record<'hearing' | 'leaving', GuestRecipe>) {
  await t.test(`${subject.name}: whatever is told out of turn`, { timeout: 600_000 }, async (t) => {
    const stage = new Stage(subject, await subject.connect());
    const { driver } = stage;

    await t.test('a guest that starts anew was never off, and each hint finds the machine as it is', async (t) => {
      const { id, owner } = await stage.guest(hearing);
      const watching = new AbortController();
      const hinted: PowerState[] = [];
      const watch = (async () => {
        for await (const event of mustHave(driver.events).watch(watching.signal))
          if (event.kind === 'machine' && event.id === id) hinted.push(await stage.power(id));
      })();
      await using console = await mustHave(driver.consoles).open(id, soon());
      const ended = (async () => {
        for await (const _ of console.output);
      })();
      await console.write(Buffer.from('\nreboot -f\n'), soon());
      const seen = new Set<string>();
      const looking = new AbortController();
      t.teardown(() => looking.abort());
      const looks = (async () => {
        while (!looking.signal.aborted) seen.add((await stage.power(id)).state);
      })();
      await ended;
      await hearing.ready?.(driver, id);
      await stage.until(
        async () => hinted.length,
        (count) => count > 1,
      );
      looking.abort();
      watching.abort();
      await Promise.all([looks, watch]);
      t.notOk(seen.has('Off'), 'it is to go on, and nobody is to start it again', { seen: [...seen] });
      t.ok(hinted.length > 1, 'it is hinted at', { hinted });
      t.notOk(hinted.some(({ state }) => state === 'Off'));
      t.equal((await stage.power(id)).state, 'On');
      await driver.power.cut(id, owner, soon());
    });

    await t.test('what is told as off can be started at once', async (t) => {
      const { id, owner } = await stage.define(await leaving.prepare(stage.definition()));
      for (const _ of ['once', 'twice']) {
        await driver.power.start(id, { paused: false }, soon());
        t.equal((await stage.untilPower(id, 'Off')).reason, 'Guest');
      }
      await driver.power.start(id, { paused: false }, soon());
      t.not((await stage.power(id)).state, 'Off');
      await driver.power.cut(id, owner, soon());
    });

    await stage.clear();
    await driver[Symbol.asyncDispose]();
  });
}
