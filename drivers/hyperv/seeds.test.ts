import t, { type Test } from 'tap';
import type { MachineDefinition } from '#drivers/driver.js';
import { definition, endAt, hypervHost, mark, soon } from '#test/peers/hyperv-host.js';

const text = (word: string, length = 20) => JSON.stringify({ ignition: { version: '3.4.0' }, word, rest: 'x'.repeat(length) });
const told = (name: string, config: string): MachineDefinition => ({
  ...definition,
  seed: { kind: 'Ignition', location: name, content: Buffer.from(config) },
});
const { seed: _, ...untold } = told('', '');
const isKvp = (what: string): boolean => what.includes('KvpItems');

for (const mode of ['v2', 'v1'] as const) {
  const scene = async (test: Test) => {
    const host = await hypervHost(test, mode);
    const machine = () => {
      const [found] = host.simulator.host.machines.values();
      if (found === undefined) throw new Error('no machine');
      return found;
    };
    const items = () => Object.fromEntries(machine().hostItems);
    /** As a guest's Ignition joins them. */
    const read = () => {
      const [pieces, all] = [[] as string[], items()];
      for (let at = 0; all[`ignition.config.${at}`] !== undefined; at += 1) pieces.push(all[`ignition.config.${at}`] ?? '');
      return pieces.join('');
    };
    const tell = (asked: MachineDefinition) => host.driver.machines.define(asked, mark, soon());
    const shape = async (id: string) => (await host.read(id))?.configured;
    const calls = () => host.simulator.host.asked.filter(isKvp).length;
    return { ...host, machine, items, guest: read, tell, shape, calls };
  };

  t.test(`${mode}: a guest's Ignition finds what it is told, and nothing of what it was told before`, async (t) => {
    const { tell, guest, items, shape, calls, read } = await scene(t);
    const long = `{\r\n  "ignition": {"version": "3.4.0"},\t"word": "two  blanks, \\"quoted\\", <ä €😀>",\n "rest": "${'x&'.repeat(1500)}"}`;
    const id = await tell(told('one', long));
    t.same(JSON.parse(guest()), JSON.parse(long));
    t.ok(Object.values(items()).every((value) => value.length <= 990));
    t.match(guest(), /"two {2}blanks/, 'what is in a word stays');
    t.same((await shape(id))?.seed, { kind: 'Ignition', location: 'one' });
    t.equal((await read(id))?.hardware['seed'], 'KVP');
    const before = calls();
    await tell(told('one', long));
    t.equal(calls(), before, 'what is there is not written again');
    await tell(told('two', text('short')));
    t.equal(guest(), text('short'));
    t.equal(Object.keys(items()).length, 1, 'no piece of the longer one is left');
    await tell(untold);
    t.same([items(), (await shape(id))?.seed], [{}, undefined]);
  });

  t.test(`${mode}: what others tell the guest stays, and what its Ignition would take instead is said`, async (t) => {
    const { tell, items, machine, shape } = await scene(t);
    const id = await tell(untold);
    const strangers = { theirs: 'x', 'ignition.configs': 'y' };
    machine().hostItems = new Map(Object.entries(strangers));
    await tell(told('one', text('a')));
    t.same(items(), { ...strangers, 'ignition.config.0': text('a') });
    await tell(untold);
    t.same(items(), strangers);
    machine().hostItems = new Map([['ignition.config', '{}']]);
    await t.rejects(tell(told('one', text('a'))), { code: 'Conflict', message: /"ignition\.config", which its guest would take instead/ });
    t.equal((await shape(id))?.seed, undefined);
  });

  t.test(`${mode}: what somebody took away is put back by the next definition that has it`, async (t) => {
    const { tell, guest, items, machine } = await scene(t);
    await tell(untold);
    machine().hostItems = new Map([['ignition.config.0', '']]);
    await tell(told('one', text('a', 3000)));
    t.equal(guest(), text('a', 3000), 'an empty one is there, too');
    const { 'ignition.config.1': _gone, ...left } = items();
    machine().hostItems = new Map(Object.entries({ ...left, 'ignition.config.0': 'changed' }));
    await tell(told('one', text('a', 3000)));
    t.equal(guest(), text('a', 3000));
  });

  t.test(`${mode}: a machine that runs is told at the first definition after it`, async (t) => {
    const { tell, guest, driver, shape, read } = await scene(t);
    const id = await tell(told('one', text('a')));
    await driver.power.start(id, { paused: false }, soon());
    await tell(told('two', text('b')));
    t.equal(guest(), text('a'));
    t.same([(await shape(id))?.seed?.location, (await read(id))?.live?.seed?.location], ['two', 'one']);
    await driver.power.cut(id, mark.owner, soon());
    await tell(told('two', text('b')));
    t.equal(guest(), text('b'));
    await driver.power.start(id, { paused: false }, soon());
    await tell(untold);
    t.equal((await shape(id))?.seed, undefined);
    t.equal(guest(), text('b'));
    await driver.power.cut(id, mark.owner, soon());
    await driver.power.start(id, { paused: false }, soon());
    t.same([guest(), (await read(id))?.live?.seed], ['', undefined], 'that there is none any more needs no definition');
  });

  t.test(`${mode}: what waits for a start, and whose content is gone by then, keeps no machine from starting`, async (t) => {
    const { tell, guest, driver, shape, read } = await scene(t);
    const id = await tell(told('one', text('a')));
    await driver.power.start(id, { paused: false }, soon());
    await tell(told('two', text('b')));
    await driver.power.cut(id, mark.owner, soon());
    await tell({ ...definition, cpuCount: 2, seed: { kind: 'Ignition', location: 'two' } });
    t.match(await shape(id), { cpuCount: 2, seed: { location: 'one' } }, 'it has what it had');
    await driver.power.start(id, { paused: false }, soon());
    t.same([guest(), (await read(id))?.live?.seed?.location], [text('a'), 'one']);
  });

  t.test(`${mode}: whoever dies at any call leaves what the next definition puts right, and nothing that looks whole`, async (t) => {
    const { tell, guest, simulator, connect, shape } = await scene(t);
    const [first, second] = [text('a', 23_000), text('b', 17_000)];
    const id = await tell(told('one', first));
    const other = told('two', second);
    let deaths = 0;
    for (const isDone of [false, true])
      for (let nth = 1; ; nth += 1) {
        await tell(told('one', first));
        const end = endAt(simulator, nth, isDone, (what) => /KvpItems|Modify(SystemSettings|VirtualSystem)$/.test(what));
        const life = await connect();
        const reason = await life.machines.define(other, mark, soon()).catch((error) => error);
        end.revive();
        if (end.asked() < nth) break;
        deaths += 1;
        const its = (await shape(id))?.seed;
        if (its !== undefined) t.equal(guest(), its.location === 'one' ? first : second, String(reason));
        await tell(other);
        t.equal(guest(), second);
      }
    t.equal(deaths, 8, 'the note goes, pieces go, pieces change, the note comes');
  });

  t.test(`${mode}: whoever dies at any call on the way to telling nothing leaves no pair for ever`, async (t) => {
    const { tell, items, simulator, connect, shape, driver, machine } = await scene(t);
    const [first, second] = [text('a', 23_000), text('b')];
    const id = await tell(untold);
    const counts = (what: string) => /KvpItems|Modify(SystemSettings|VirtualSystem)$/.test(what);
    const stop = () => driver.power.cut(id, mark.owner, soon());
    const start = () => driver.power.start(id, { paused: false }, soon());
    const tellWhole = async () => void (await tell(told('one', first)));
    type Life = Awaited<ReturnType<typeof connect>>;
    const untell = async ({ machines }: Pick<Life, 'machines'>) => void (await machines.define(untold, mark, soon()));
    const ways: readonly { readonly way: string; before(): Promise<void>; act(life: Life): Promise<void>; after(): Promise<void> }[] = [
      { way: 'told, then untold', before: tellWhole, act: untell, after: () => untell(driver) },
      {
        way: 'told at first, and taken out of the manifest',
        before: () => untell(driver),
        act: async ({ machines }) => void (await machines.define(told('one', first), mark, soon())),
        after: () => untell(driver),
      },
      {
        way: 'told, then untold, and only started',
        before: tellWhole,
        act: untell,
        after: async () => ((await shape(id))?.seed === undefined ? start().then(stop) : untell(driver)),
      },
      {
        way: 'untold while it ran, and started',
        before: async () => {
          await tellWhole();
          await start();
          await untell(driver);
          await stop();
        },
        act: (life) => life.power.start(id, { paused: false }, soon()),
        after: () => stop().then(start).then(stop),
      },
      {
        way: 'released',
        before: tellWhole,
        act: async (life) => life.adoption?.release(id, mark.owner, soon()),
        after: async () => driver.adoption?.release(id, mark.owner, soon()),
      },
    ];
    for (const { way, before, act, after } of ways) {
      let deaths = 0;
      for (const isDone of [false, true])
        for (let nth = 1; ; nth += 1) {
          if ((await shape(id)) !== undefined) await driver.adoption?.adopt(id, mark, soon());
          await before();
          const end = endAt(simulator, nth, isDone, counts);
          await act(await connect()).catch(() => undefined);
          end.revive();
          const wasAsked = end.asked() >= nth;
          const seed = (await shape(id))?.seed;
          if (seed !== undefined) t.equal(Object.keys(items()).length > 20, true, `${way}: what is said to be there is`);
          await after();
          t.same(items(), {}, `${way}, dead at ${nth}`);
          t.notMatch(String(machine().settings['Notes']), /"seed"/);
          if (!wasAsked) break;
          deaths += 1;
        }
      t.ok(deaths >= 6, `${way}: the note, pieces and the note, ${deaths}`);
    }
    await driver.adoption?.adopt(id, mark, soon());
    await tell(told('two', second));
    t.same(items(), { 'ignition.config.0': second });
  });

  t.test(`${mode}: half a seed that waited while its machine ran is not there once it is off, and is known to be ours`, async (t) => {
    const { tell, guest, simulator, connect, driver, read, shape } = await scene(t);
    const [start, cut] = [() => driver.power.start(id, { paused: false }, soon()), () => driver.power.cut(id, mark.owner, soon())];
    const id = await tell(told('one', text('a', 23_000)));
    await start();
    const other = told('two', text('b', 20_000));
    await tell(other);
    await cut();
    const end = endAt(simulator, 3, false, (what) => /KvpItems|Modify(SystemSettings|VirtualSystem)$/.test(what));
    await t.rejects((await connect()).machines.define(other, mark, soon()));
    end.revive();
    t.match(await read(id), { halfSeed: true, configured: { seed: undefined } });
    const [native] = simulator.host.machines.values();
    native?.enter('running');
    await tell(other);
    t.equal((await shape(id))?.seed?.location, 'two', 'of one that somebody started meanwhile it waits');
    const writes = native?.writes;
    await tell(other);
    t.equal(native?.writes, writes, 'and is not noted again');
    await cut();
    t.equal((await shape(id))?.seed, undefined);
    await tell(other);
    t.equal(guest(), text('b', 20_000));
    t.equal((await read(id))?.halfSeed, undefined);
  });

  t.test(`${mode}: no value begins or ends with a blank, which a reader might cut off`, async (t) => {
    const { tell, items } = await scene(t);
    const config = JSON.stringify({ ignition: { version: '3.4.0' }, rest: `${' '.repeat(3000)}a b`.repeat(2) });
    await tell(told('blanks', config));
    const values = Object.keys(items()).map((_, at) => items()[`ignition.config.${at}`] ?? '');
    t.ok(values.length > 6 && values.every((value) => value.length <= 990));
    t.same(JSON.parse(values.map((value) => value.trim()).join('')), JSON.parse(config));
  });

  t.test(`${mode}: a draft tells which pairs would be written, and not what is in them`, async (t) => {
    const { tell, driver, machine } = await scene(t);
    const asked = told('one', text('secret', 1500));
    await tell(asked);
    const draft = () => driver.drafts?.machine(asked, mark, soon());
    t.equal((await draft())?.unchanged, true);
    machine().hostItems = new Map([
      ['ignition.config.0', 'changed'],
      ['ignition.config.7', 'x'],
    ]);
    const { writes } = machine();
    const gone = await draft();
    t.equal(gone?.unchanged, false);
    t.same(JSON.parse(gone?.text ?? '').Msvm_KvpExchangeDataItem, {
      Remove: ['ignition.config.7'],
      Modify: ['ignition.config.0'],
      Add: ['ignition.config.1'],
    });
    t.notMatch(gone?.text, /secret/);
    t.equal(machine().writes, writes, 'and nothing is');
  });

  t.test(`${mode}: what cannot be told is refused, and nothing of it is said`, async (t) => {
    const { tell, guest, driver, simulator } = await scene(t);
    const max = mode === 'v1' ? 24 << 10 : 64 << 10;
    const sized = (length: number) => text('', length - text('', 0).length);
    await tell(told('most', sized(max)));
    t.equal(guest(), sized(max));
    await t.rejects(tell(told('more', sized(max + 1))), {
      code: 'Invalid',
      message: new RegExp(`ignition: ${max + 1} bytes were given; accepted: at most ${max}`),
    });
    await t.rejects(tell(told('beyond', `{"a":"${'ä'.repeat(max / 6)}"}`)), {
      message: `ignition: ${8 + 6 * Math.floor(max / 6)} bytes were given, with \\u for what is not ASCII; accepted: at most ${max}; have it fetch the rest (ignition.config.replace)`,
    });
    for (const config of ['{"pass', Buffer.from([0xff, 0xfe]).toString('latin1')]) {
      const reason = await tell(told('broken', config)).catch((error) => error);
      t.match(reason, { code: 'Invalid', message: /accepted: JSON in UTF-8/ });
      t.notMatch(reason.message, /pass/);
    }
    await t.rejects(tell({ ...definition, seed: { kind: 'Ignition', location: 'another' } }), {
      code: 'Invalid',
      message: /without its content/,
    });
    await t.rejects(tell({ ...definition, seed: { kind: 'CloudInit', location: 'x', content: Buffer.of() } }), { code: 'Unsupported' });
    const draft = await driver.drafts?.machine(told('draft', text('secret')), mark, soon());
    t.match(draft?.text, /"location": "draft"/);
    t.notMatch(draft?.text, /secret/);
    t.notMatch(simulator.host.asked.join(' '), /ignition\.config|secret/);
  });
}
