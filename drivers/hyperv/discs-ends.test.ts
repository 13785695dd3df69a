import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import type { Driver } from '#drivers/driver.js';
import { config, first, isChange, second, told, withDiscs } from '#test/peers/hyperv-discs.js';
import { definition, endAt, mark, soon } from '#test/peers/hyperv-host.js';

t.setTimeout(900_000);

for (const mode of ['v2', 'v1'] as const) {
  t.test(`${mode}: whoever dies at any call leaves what the next puts right, and nothing that looks whole`, async (t) => {
    const { tell, discs, simulator, connect, shape, driver, files, drives, disks, machine } = await withDiscs(t, mode);
    const id = await tell(definition);
    const start = () => driver.power.start(id, { paused: false }, soon());
    const cut = () => driver.power.cut(id, mark.owner, soon());
    const isFirst = async () => t.same([await discs(), (await files()).length, drives()], [[first], 1, 1]);
    const isNone = async () => t.same([await discs(), await files(), drives()], [[], [], 0]);
    const ways = {
      'a disc comes': { before: definition, after: told('one', first), holds: isFirst },
      'another comes in its place': { before: told('two', second), after: told('one', first), holds: isFirst },
      'it goes': { before: told('two', second), after: definition, holds: isNone },
      'pairs come in its place': { before: told('two', second), after: told('pairs', config, 'Ignition'), holds: isNone },
      'it comes in the place of pairs': { before: told('pairs', config, 'Ignition'), after: told('one', first), holds: isFirst },
    };
    for (const [way, { before, after, holds }] of Object.entries(ways)) {
      let deaths = 0;
      for (const isDone of [false, true])
        for (let nth = 1; ; nth += 1) {
          await tell(before);
          const end = endAt(simulator, nth, isDone, isChange);
          await tell(after, await connect()).catch(() => undefined);
          end.revive();
          if (end.asked() < nth) break;
          deaths += 1;
          // What was not whole yet when we ended.
          const noted = String(machine().settings['Notes']).match(/virtwright-[-0-9a-f]+-seed-[0-9a-f]+\.iso/g) ?? [];
          const there = await files();
          for (const file of noted.filter((each) => !there.includes(each))) await writeFile(join(disks, `${file}.part`), 'half of it');
          const seed = (await shape(id))?.seed;
          if (seed?.location === 'one' || seed?.location === 'two')
            t.same(await discs(), [seed.location === 'one' ? first : second], `${way}, dead at ${nth}: what is said to be there is`);
          if (seed === undefined && after === definition) await start().then(cut);
          await tell(after);
          await holds();
        }
      t.ok(deaths >= 8, `${way}: ${deaths}`);
    }
  });

  t.test(`${mode}: whoever dies at any call while it is forgotten, given back or started without it leaves no file for ever`, async (t) => {
    const { tell, simulator, connect, shape, driver, files, drives } = await withDiscs(t, mode);
    const undefine = ({ machines }: Driver) =>
      find().then((id) => (id === undefined ? undefined : machines.undefine(id, mark.owner, { keepState: true }, soon())));
    const find = async () => (await driver.machines.list(soon())).find(({ nativeName }) => nativeName === definition.nativeName)?.id;
    const start = async ({ power }: Driver) => power.start((await find()) ?? ('' as never), { paused: false }, soon());
    const cut = async () => driver.power.cut((await find()) ?? ('' as never), mark.owner, soon());
    const release = async ({ adoption }: Driver) => adoption?.release((await find()) ?? ('' as never), mark.owner, soon());
    const untoldWhileItRan = () =>
      start(driver)
        .then(() => tell(definition))
        .then(cut);
    const ways: Readonly<
      Record<string, { before?: () => Promise<unknown>; act(life: Driver): Promise<unknown>; after(): Promise<unknown> }>
    > = {
      forgotten: { act: undefine, after: () => undefine(driver) },
      'given back': { act: release, after: () => release(driver) },
      'given back while it runs': { before: () => start(driver), act: release, after: () => release(driver) },
      started: { before: untoldWhileItRan, act: start, after: () => cut().then(() => start(driver)) },
    };
    for (const [way, { before = async () => {}, act, after }] of Object.entries(ways)) {
      let deaths = 0;
      for (const isDone of [false, true])
        for (let nth = 1; ; nth += 1) {
          await tell(told('one', first));
          await before();
          const end = endAt(simulator, nth, isDone, isChange);
          await act(await connect()).catch(() => undefined);
          end.revive();
          const wasAsked = end.asked() >= nth;
          await after();
          t.same(await files(), [], `${way}, dead at ${nth}`);
          if (way !== 'forgotten') t.equal(drives(), way.endsWith('runs') ? 1 : 0);
          const id = await find();
          if (id !== undefined) simulator.host.machines.delete(id);
          if (!wasAsked) break;
          deaths += 1;
        }
      t.ok(deaths >= 4, `${way}: ${deaths}`);
    }
    t.equal(await shape('none'), undefined);
  });
}
