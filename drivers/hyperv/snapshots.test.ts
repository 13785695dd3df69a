import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Driver, MachineId, SnapshotDefinition } from '#drivers/driver.js';
import { takeSnapshot } from '#simulators/hyperv/model/snapshots.js';
import type { SimulatorOptions } from '#simulators/hyperv/simulator.js';
import { definition, endAt, hypervHost, mark, pool, soon } from '#test/peers/hyperv-host.js';

t.setTimeout(900_000);

const wanted: SnapshotDefinition = { key: 'k', name: 'before the change', memory: false };
const root = { pool, nativeName: 'root' };

/** A machine with one disk, which is a Vhd, as both versions have it. */
async function scene(t: Test, mode: 'v1' | 'v2', options: Partial<SimulatorOptions> = {}) {
  const host = await hypervHost(t, mode, options);
  const { location } = await host.disk('root');
  const disks = [{ name: 'root', location, format: 'Vhd', bus: 'IDE' }] as const;
  const wish = { ...definition, firmware: 'BIOS', disks } as const;
  const id = await host.driver.machines.define(wish, mark, soon());
  const native = host.simulator.machineNamed(definition.nativeName);
  if (native === undefined) throw new Error('no machine');
  const files = async () => (await readdir(join(host.folder, 'D/Hyper-V'))).map((name) => name.replace(/_[-0-9A-F]{36}/, '_*')).sort();
  return { ...host, id, native, wish, files, location };
}

const of = (driver: Driver) => {
  const { snapshots } = driver;
  if (snapshots === undefined) throw new Error('no snapshots');
  return {
    list: (id: MachineId) => snapshots.list(id, soon()),
    take: (id: MachineId, change: Partial<SnapshotDefinition> = {}) => snapshots.take(id, mark.owner, { ...wanted, ...change }, soon()),
    revert: (id: MachineId, key = 'k') => snapshots.revert(id, mark.owner, key, soon()),
    remove: (id: MachineId, key = 'k') => snapshots.remove(id, mark.owner, key, soon()),
  };
};

const isChange = (what: string) => /\.(Add|Modify|Remove|Create|Delete|Apply|Destroy)/.test(what);

async function merged(driver: Driver, id: MachineId): Promise<void> {
  while ((await of(driver).list(id)).isMerging) await new Promise((resolve) => setTimeout(resolve, 5));
}

for (const mode of ['v2', 'v1'] as const)
  for (const isDone of [false, true])
    t.test(
      `${mode}: whoever ends anywhere while one is taken, reverted to and removed, ${isDone ? 'unheard' : 'unasked'}, leaves one or none`,
      async (t) => {
        for (const act of ['take', 'revert', 'remove'] as const)
          for (let nth = 1, isOver = false; !isOver; nth += 1) {
            const { simulator, connect, id, native, driver, wish, files } = await scene(t, mode);
            if (act !== 'take') await of(driver).take(id);
            const known = { ...mark, record: 'what happened since' };
            await driver.machines.mark(id, known, mark.owner, soon());
            const first = await connect();
            const end = endAt(simulator, nth, isDone, isChange);
            isOver = await of(first)
              [act](id)
              .then(
                () => end.asked() < nth,
                () => false,
              );
            end.revive();
            const second = await connect();
            await of(second)[act](id);
            const { snapshots } = await of(second).list(id);
            t.match(
              snapshots,
              act === 'remove' ? [] : [{ key: 'k', name: 'before the change', isCurrent: true }],
              `${act} ended at ${nth}`,
            );
            t.equal(native.snapshots.length, act === 'remove' ? 0 : 1);
            t.notMatch(String(native.settings['Notes']), /"checkpoint"/, 'nothing of it is left in the machine');
            const [machine] = (await second.machines.read([id], soon())).machines;
            t.match(machine, { mark: known, power: { state: 'Off' }, configured: { disks: wish.disks } });
            await merged(second, id);
            t.same(await files(), act === 'remove' ? ['root.vhd'] : ['root.vhd', 'root_*.avhd'], 'one file over the disk, or none');
            const writes = native.writes;
            await second.machines.define(wish, known, soon());
            t.equal(native.writes, writes, 'and the machine is as it is defined');
            await Promise.all([first, second].map((each) => each[Symbol.asyncDispose]()));
            if (nth > 20) throw new Error(`${act} takes more than 20 changes`);
          }
      },
    );

for (const mode of ['v2', 'v1'] as const) {
  t.test(`${mode}: what another life is at is waited for, and not begun again`, async (t) => {
    const { simulator, connect, id, native } = await scene(t, mode);
    const method = mode === 'v2' ? 'CreateSnapshot' : 'CreateVirtualSystemSnapshot';
    let release = () => {};
    simulator.host.troubles.add(method, { kind: 'hold', until: new Promise<void>((resolve) => (release = resolve)) }, 1);
    const former = await connect();
    const begun = of(former).take(id);
    begun.catch(() => {});
    while (!simulator.host.jobs.all.some(({ name, state }) => name === method && state === 'running')) await new Promise(setImmediate);
    await former[Symbol.asyncDispose]();
    await t.rejects(begun, { name: 'DriverError' });
    const again = of(await connect()).take(id);
    release();
    await again;
    t.equal(native.snapshots.length, 1);
  });

  t.test(`${mode}: a machine with checkpoints loses no disk, nor is it forgotten, until they are merged`, async (t) => {
    const { simulator, driver, id, native, wish, files, facet, location } = await scene(t, mode);
    const snapshots = of(driver);
    await snapshots.take(id);
    await snapshots.take(id, { key: 'second' });
    t.same(await files(), ['root.vhd', 'root_*.avhd', 'root_*.avhd']);
    const lost = { code: 'Conflict', message: /checkpoint/ };
    const isKept = async () => {
      await t.rejects(driver.machines.define({ ...wish, disks: [] }, mark, soon()), lost);
      await t.rejects(driver.machines.undefine(id, mark.owner, { keepState: false }, soon()), lost);
      await t.rejects(facet('volumes').grow(root, 8 << 20, soon()), lost);
      await t.rejects(facet('volumes').delete(root, soon()), lost);
      t.equal(simulator.host.machines.size, 1);
      t.match((await driver.machines.read([id], soon())).machines, [{ configured: { disks: [{ location }] } }]);
    };
    await isKept();
    await snapshots.remove(id);
    await merged(driver, id);
    t.same(await files(), ['root.vhd', 'root_*.avhd']);
    await isKept();
    let release = () => {};
    simulator.host.troubles.add('merge', { kind: 'hold', until: new Promise<void>((resolve) => (release = resolve)) }, 1);
    await snapshots.remove(id, 'second');
    t.same(await snapshots.list(id), { snapshots: [], isMerging: true });
    if (mode === 'v2') await isKept();
    release();
    await merged(driver, id);
    t.same([await files(), native.overlays], [['root.vhd'], []]);
    await driver.machines.undefine(id, mark.owner, { keepState: false }, soon());
    await facet('volumes').grow(root, 8 << 20, soon());
    t.same([simulator.host.machines.size, await files()], [0, ['root.vhd']], 'its disk is there, and like any');
  });

  t.test(`${mode}: those of people are told, and left alone`, async (t) => {
    const { simulator, driver, id, native } = await scene(t, mode);
    await takeSnapshot(simulator.host, native);
    const snapshots = of(driver);
    await snapshots.take(id);
    const { snapshots: told } = await snapshots.list(id);
    t.same(
      told.map(({ key, name }) => [key, name]),
      [
        [undefined, 'shop.web - (1)'],
        ['k', 'before the change'],
      ],
    );
    await snapshots.remove(id, 'shop.web - (1)');
    await snapshots.remove(id);
    t.same(
      native.snapshots.map(({ settings }) => settings['ElementName']),
      ['shop.web - (1)'],
    );
  });

  t.test(`${mode}: what the host refuses is told in its words, and leaves nothing noted`, async (t) => {
    const { simulator, driver, id, native } = await scene(t, mode);
    const method = mode === 'v2' ? 'CreateSnapshot' : 'CreateVirtualSystemSnapshot';
    simulator.host.troubles.add(method, { kind: 'job', code: 32768, message: 'There is not enough space on the disk. (0x80070070)' }, 1);
    await t.rejects(of(driver).take(id), { code: 'Exhausted', message: /not enough space/ });
    t.notMatch(String(native.settings['Notes']), /"checkpoint"/);
    t.same((await of(driver).list(id)).snapshots, []);
  });

  t.test(`${mode}: people's notes stay, and what was to come with the next start is dropped by a revert`, async (t) => {
    const { driver, id, native, wish } = await scene(t, mode);
    await of(driver).take(id);
    await driver.power.start(id, { paused: false }, soon());
    await driver.machines.define({ ...wish, cpuCount: 4 }, { ...mark, record: 'later' }, soon());
    await driver.power.cut(id, mark.owner, soon());
    const notes = [native.settings['Notes'] ?? []].flat()[0] ?? '';
    native.settings = { ...native.settings, Notes: mode === 'v2' ? [`ask Ann\n${notes}`] : `ask Ann\n${notes}` };
    await of(driver).revert(id);
    t.match(String(native.settings['Notes']), /^ask Ann\n/);
    t.match((await driver.machines.read([id], soon())).machines, [{ mark: { record: 'later' }, configured: { cpuCount: wish.cpuCount } }]);
  });
}

for (const mode of ['v2', 'v1'] as const)
  t.test(`${mode}: what the guest is told after a revert is what the checkpoint brought back`, async (t) => {
    const { simulator, connect, driver, id, native, wish } = await scene(t, mode);
    const told = (location: string) => ({
      ...wish,
      seed: { kind: 'Ignition' as const, location, content: Buffer.from(`{"a":"${location}"}`) },
    });
    const tell = (asked: typeof wish) => driver.machines.define(asked, mark, soon());
    const seed = async () => (await driver.machines.read([id], soon())).machines[0]?.configured?.seed?.location;
    const isTold = () => [...native.hostItems.values()].join('');
    await of(driver).take(id);
    await tell(told('one'));
    await of(driver).take(id, { key: 'one' });
    await tell(told('two'));
    for (const nth of [1, 2]) {
      await of(driver).revert(id, 'one');
      t.same([await seed(), isTold()], ['one', '{"a":"one"}'], `the ${nth}. time`);
      await tell(told('two'));
      t.equal(isTold(), '{"a":"two"}');
    }
    await of(driver).revert(id);
    t.same([await seed(), isTold()], [undefined, '']);

    await tell(told('two'));
    const end = endAt(simulator, 3, false, isChange);
    await t.rejects(of(await connect()).revert(id, 'one'));
    end.revive();
    t.match((await driver.machines.read([id], soon())).machines, [{ halfSeed: true, configured: { seed: undefined } }]);
    await tell(told('two'));
    t.equal(isTold(), '{"a":"two"}', 'whoever ends in it leaves what is looked at anew');
  });

t.test('version 1 merges only what is off, and takes none of a running machine without its memory', async (t) => {
  const { driver, id, files } = await scene(t, 'v1');
  await driver.power.start(id, { paused: false }, soon());
  await t.rejects(of(driver).take(id), { code: 'Unsupported', message: /memory: false was given.*accepted on this host: true/ });
  await of(driver).take(id, { memory: true });
  await of(driver).remove(id);
  t.match(await of(driver).list(id), { snapshots: [], isMerging: true });
  t.same(await files(), ['root.vhd', 'root_*.avhd']);
  await driver.power.cut(id, mark.owner, soon());
  await merged(driver, id);
  t.same(await files(), ['root.vhd']);
});
