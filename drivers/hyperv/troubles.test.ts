import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Driver, MachineDefinition, PoolId } from '#drivers/driver.js';
import { Credentials } from '#drivers/target.js';
import { codes } from '#simulators/hyperv/cim/codes.js';
import { newSwitch } from '#simulators/hyperv/model/switch.js';
import { Simulator } from '#simulators/hyperv/simulator.js';
import { definition, pool } from '#test/peers/hyperv-host.js';
import { connectHypervDriver } from './driver.js';

t.setTimeout(900_000);

const soon = () => AbortSignal.timeout(30_000);
const user = { name: 'Administrator', password: 'secret' };
const mark = { owner: { cluster: 'c', namespace: 'shop', name: 'web', uid: 'u' }, record: '' };

async function host(t: Test, mode: 'v1' | 'v2') {
  const folder = await mkdtemp(join(tmpdir(), 'vw-hyperv-'));
  await mkdir(join(folder, "D/Hyper-V/it's %_[a] below"), { recursive: true });
  const simulator = await Simulator.start({ mode, folder, users: [user], jobMs: 2 });
  const secret = [
    ['username', Buffer.from(user.name)],
    ['password', Buffer.from(user.password)],
  ] as const;
  const uri = `hyperv://127.0.0.1:${simulator.port}/?transport=http`;
  t.teardown(async () => {
    await simulator[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });
  /** Another life of ours; `patience` is for what it finds under way, in milliseconds. */
  const connect = async (patience = 30_000): Promise<Driver> => {
    const pace = { first: 1, longest: 5, patience };
    const made = await connectHypervDriver(uri, new Credentials([...secret]), { signal: soon(), pace });
    t.teardown(() => made[Symbol.asyncDispose]());
    return made;
  };
  const driver = await connect();
  return { folder, simulator, connect, driver, volumes: mustHave(driver.volumes) };
}

function mustHave<T>(facet: T | undefined): T {
  if (facet === undefined) throw new Error('no such facet');
  return facet;
}

const create = (driver: Driver, nativeName: string) =>
  mustHave(driver.volumes).create({ pool, nativeName, format: 'Vhd', sizeBytes: 4 << 20 }, soon());
const withDisk = (location: string, change: Partial<MachineDefinition> = {}): MachineDefinition => ({
  ...definition,
  disks: [{ name: 'root', location, format: 'Vhd' }],
  ...change,
});
const other = { uuid: definition.uuid.replace(/1$/, '2'), nativeName: 'shop.other' };
const jobFails = (message: string, code: number = codes.failed) => ({ kind: 'job', code, message }) as const;

for (const mode of ['v2', 'v1'] as const) {
  const create1 = mode === 'v2' ? 'CreateVirtualHardDisk' : 'CreateDynamicVirtualHardDisk';
  const grow = mode === 'v2' ? 'ResizeVirtualHardDisk' : 'ExpandVirtualHardDisk';
  const add = mode === 'v2' ? 'AddResourceSettings' : 'AddVirtualSystemResources';

  t.test(`${mode}: a disk that cannot be made or grown says why, and another try does it`, async (t) => {
    const { simulator, driver, volumes } = await host(t, mode);
    simulator.host.troubles.add(create1, jobFails('There is not enough space on the disk.'), 1);
    await t.rejects(create(driver, 'root'), { name: 'DriverError', message: /not enough space on the disk/ });
    t.same(await volumes.list(pool, { refresh: true }, soon()), []);
    const { id } = await create(driver, 'root');
    simulator.host.troubles.add(grow, jobFails('The disk is on fire.'), 1);
    await t.rejects(volumes.grow(id, 8 << 20, soon()), { message: /on fire/ });
    t.match(await volumes.list(pool, { refresh: false }, soon()), [{ sizeBytes: 4 << 20 }], 'it is as large as it was');
    await volumes.grow(id, 8 << 20, soon());
    t.match(await volumes.list(pool, { refresh: false }, soon()), [{ sizeBytes: 8 << 20 }]);
  });

  t.test(`${mode}: a disk that does not tell its size is never resized, and hides no other`, async (t) => {
    const { simulator, driver, volumes } = await host(t, mode);
    const { id } = await create(driver, 'root');
    await create(driver, 'other');
    const look = mode === 'v2' ? 'GetVirtualHardDiskSettingData' : 'GetVirtualHardDiskInfo';
    for (const code of [codes.failed, codes.accessDenied, codes.inUse, codes.job]) {
      simulator.host.troubles.add(look, { kind: 'return', code }, 1);
      t.match(
        (await volumes.list(pool, { refresh: true }, soon())).map((each) => each.sizeBytes),
        [4 << 20, 4 << 20],
        'as it was seen last',
      );
      simulator.host.troubles.add(look, { kind: 'return', code }, 1);
      await t.rejects(volumes.grow(id, 3 << 20, soon()), { name: 'DriverError' });
    }
    simulator.host.troubles.calm();
    await t.rejects(volumes.grow(id, 3 << 20, soon()), { code: 'Invalid' });
    t.match(await volumes.list(pool, { refresh: true }, soon()), [{ sizeBytes: 4 << 20 }, { sizeBytes: 4 << 20 }]);
  });

  t.test(`${mode}: a disk that was never read is there all the same, with why, and goes`, async (t) => {
    const { simulator, connect, driver, volumes } = await host(t, mode);
    const { id, location } = await create(driver, 'root');
    const later = mustHave((await connect()).volumes);
    const look = mode === 'v2' ? 'GetVirtualHardDiskSettingData' : 'GetVirtualHardDiskInfo';
    simulator.host.troubles.add(look, { kind: 'return', code: codes.accessDenied });
    const unread = /access denied.*; the file has to let in SYSTEM, as which Hyper-V reads it [(]icacls[)]$/;
    t.match(await later.list(pool, { refresh: true }, soon()), [{ id, location, unread }]);
    t.notOk((await volumes.list(pool, { refresh: false }, soon()))[0]?.unread, 'whoever has read it before knows it');
    await t.rejects(later.grow(id, 8 << 20, soon()), { code: 'Denied', message: unread });
    await t.rejects(later.create({ ...id, format: 'Vhd', sizeBytes: 4 << 20 }, soon()), { code: 'Busy' });
    await later.delete(id, soon());
    t.same(await later.list(pool, { refresh: true }, soon()), []);
  });

  t.test(`${mode}: a disk is alone when every other one tells that it is no linked clone of it`, async (t) => {
    const { simulator, connect, driver, volumes } = await host(t, mode);
    const { id } = await create(driver, 'base');
    const link = { pool, nativeName: 'clone', format: 'Vhd', sizeBytes: 4 << 20 } as const;
    await volumes.link(link, { id, format: 'Vhd' }, soon());
    const later = mustHave((await connect()).volumes);
    const look = mode === 'v2' ? 'GetVirtualHardDiskSettingData' : 'GetVirtualHardDiskInfo';
    const isUntold = { code: 'Busy', message: /clone\.vhd does not tell whether it is a linked clone of it.*see which machine/ };
    for (const act of [() => later.delete(id, soon()), () => later.grow(id, 8 << 20, soon())]) {
      // The base itself was looked at before.
      await later.list(pool, { refresh: false }, soon()).then(() => simulator.host.troubles.calm());
      simulator.host.troubles.add(look, { kind: 'return', code: codes.inUse });
      await t.rejects(mustHave((await connect()).volumes).delete(id, soon()), isUntold);
      simulator.host.troubles.calm();
      await t.rejects(act(), { code: 'Conflict', message: /has a linked clone/ });
    }
    await later.delete({ pool, nativeName: 'clone' }, soon());
    await simulator.host.options.store.touch('D:\\Hyper-V\\broken.vhd');
    await later.delete(id, soon());
    const left = await later.list(pool, { refresh: true }, soon());
    t.match(left, [{ id: { nativeName: 'broken' }, unread: /incorrect data|32776/ }], 'one that is broken holds nobody up');
    t.equal(left.length, 1);
  });

  t.test(`${mode}: a copy that another life began is not begun again beside it`, async (t) => {
    const { simulator, connect, driver, volumes } = await host(t, mode);
    const { id } = await create(driver, 'base');
    let release = () => {};
    const until = new Promise<void>((resolve) => {
      release = resolve;
    });
    simulator.host.troubles.add('ConvertVirtualHardDisk', { kind: 'hold', until }, 1);
    const copy = { pool, nativeName: 'copy', format: 'Vhd', sizeBytes: 8 << 20 } as const;
    const ending = new AbortController();
    const begun = volumes.copy(copy, { id, format: 'Vhd' }, ending.signal);
    while (!simulator.host.jobs.all.some(({ name }) => name === 'ConvertVirtualHardDisk')) await new Promise(setImmediate);
    const beside = { ...copy, nativeName: 'beside' };
    await volumes.copy(beside, { id, format: 'Vhd' }, soon());
    ending.abort();
    await t.rejects(begun, { code: 'TimedOut' });
    const later = mustHave((await connect(20)).volumes);
    await t.rejects(later.copy(copy, { id, format: 'Vhd' }, soon()), { code: 'Busy', message: /still at "ConvertVirtualHardDisk"/ });
    const conversions = () => simulator.host.asked.filter((what) => what.endsWith('.ConvertVirtualHardDisk')).length;
    t.equal(conversions(), 2, 'one each, and what this life is at itself is no obstacle');
    release();
    await t.rejects(mustHave((await connect()).volumes).copy(copy, { id, format: 'Vhd' }, soon()), {
      code: 'Conflict',
      message: /already/,
    });
    t.equal(conversions(), 2);
  });

  t.test(`${mode}: a disk that another life began to make is not asked for again beside it`, async (t) => {
    const { simulator, connect, driver, volumes } = await host(t, mode);
    const base = await create(driver, 'base');
    const linking = mode === 'v2' ? create1 : 'CreateDifferencingVirtualHardDisk';
    const link = { pool, nativeName: 'linked', format: 'Vhd', sizeBytes: 4 << 20 } as const;
    const source = { id: base.id, format: 'Vhd' } as const;
    for (const [method, name, make] of [
      [create1, 'made', (each: Driver) => create(each, 'made')],
      [linking, 'linked', (each: Driver) => mustHave(each.volumes).link(link, source, soon())],
    ] as const) {
      let release = () => {};
      const until = new Promise<void>((resolve) => {
        release = resolve;
      });
      const asked = () => simulator.host.asked.filter((what) => what.endsWith(`.${method}`)).length;
      simulator.host.troubles.add(method, { kind: 'hold', until }, 1);
      const before = asked();
      const former = await connect();
      const begun = make(former);
      begun.catch(() => {});
      while (!simulator.host.jobs.all.some((job) => job.name === method && job.state !== 'done')) await new Promise(setImmediate);
      await former[Symbol.asyncDispose]();
      await t.rejects(begun, { name: 'DriverError' });
      await t.rejects(make(await connect(20)), { code: 'Busy', message: new RegExp(`still at "${method}"`) });
      t.equal(asked() - before, 1, `${name}: once, as it may be this very one`);
      release();
      await t.rejects(make(await connect()), { code: 'Conflict', message: /already/ });
      t.equal(asked() - before, 1);
    }
    await volumes.delete({ pool, nativeName: 'linked' }, soon());
  });

  t.test(`${mode}: what keeps a name goes while a disk beside it does not tell`, async (t) => {
    const { simulator, connect, driver, volumes } = await host(t, mode);
    await create(driver, 'written');
    const kept = await volumes.create({ pool, nativeName: 'kept', format: 'Raw', sizeBytes: 0 }, soon());
    const later = mustHave((await connect()).volumes);
    const look = mode === 'v2' ? 'GetVirtualHardDiskSettingData' : 'GetVirtualHardDiskInfo';
    simulator.host.troubles.add(look, { kind: 'return', code: codes.inUse });
    await later.delete(kept.id, soon());
    simulator.host.troubles.calm();
    t.match(await later.list(pool, { refresh: true }, soon()), [{ id: { nativeName: 'written' } }]);
  });

  t.test(`${mode}: a disk that runs in a machine is neither deleted nor given to another`, async (t) => {
    const { driver, volumes } = await host(t, mode);
    const { id, location } = await create(driver, 'root');
    const first = await driver.machines.define(withDisk(location), mark, soon());
    const second = await driver.machines.define(withDisk(location, other), mark, soon());
    await driver.power.start(first, { paused: false }, soon());
    await t.rejects(volumes.delete(id, soon()), { code: 'Busy', message: /root\.vhd" is in use/ });
    if (mode === 'v1') await t.rejects(volumes.grow(id, 8 << 20, soon()), { code: 'Busy' });
    await t.rejects(driver.power.start(second, { paused: false }, soon()), { code: 'Busy', message: /used by another process/ });
    t.match(await volumes.list(pool, { refresh: true }, soon()), [{ id, sizeBytes: 4 << 20 }]);
  });

  t.test(`${mode}: a part that the host refuses is told in its words, and made by the next define`, async (t) => {
    const { simulator, driver } = await host(t, mode);
    const { location } = await create(driver, 'root');
    for (const [trouble, expected] of [
      [jobFails('The drive fell off.'), { message: /The drive fell off/ }],
      [{ kind: 'return', code: codes.inUse }, { code: 'Busy' }],
      [{ kind: 'denied' }, { code: 'Denied', message: /Hyper-V Administrators/ }],
    ] as const) {
      simulator.host.troubles.add(add, trouble, 1);
      await t.rejects(driver.machines.define(withDisk(location), mark, soon()), { name: 'DriverError', ...expected });
    }
    const id = await driver.machines.define(withDisk(location), mark, soon());
    t.match((await driver.machines.read([id], soon())).machines, [{ configured: { disks: [{ name: 'root', location }] } }]);
  });

  t.test(`${mode}: a disk that is not there is not found, and nothing of it is taken for one`, async (t) => {
    const { driver } = await host(t, mode);
    const asked = withDisk('d:\\hyper-v\\never-was.vhd');
    await t.rejects(driver.machines.define(asked, mark, soon()), { code: 'NotFound' });
    const [made] = await driver.machines.list(soon());
    const { id } = mustHave(made);
    t.match((await driver.machines.read([id], soon())).machines, [{ configured: { disks: [] } }]);
    const { location } = await create(driver, 'never-was');
    await driver.machines.define(asked, mark, soon());
    t.match((await driver.machines.read([id], soon())).machines, [{ configured: { disks: [{ location }] } }]);
  });

  t.test(`${mode}: quotes and what WQL means otherwise are names like any others`, async (t) => {
    const { folder, simulator, driver, volumes } = await host(t, mode);
    await mkdir(join(folder, "D/it's %_[a] 'or' 1=1"));
    const hostile = "d:\\it's %_[a] 'or' 1=1" as PoolId;
    t.same(await volumes.list(hostile, { refresh: true }, soon()), []);
    await volumes.create({ pool: hostile, nativeName: "o'hara %", format: 'Vhd', sizeBytes: 4 << 20 }, soon());
    t.match(await volumes.list(hostile, { refresh: true }, soon()), [{ id: { nativeName: "o'hara %" } }]);
    await volumes.delete({ pool: hostile, nativeName: "o'hara %" }, soon());
    t.same(await volumes.list(hostile, { refresh: true }, soon()), []);
    const lan = newSwitch({ ElementName: `it's "LAN" \\ %_` });
    simulator.host.switches.set(lan.id, lan);
    const wired = { ...definition, interfaces: [{ name: 'lan', network: `it's "LAN" \\ %_` }] };
    const id = await driver.machines.define(wired, mark, soon());
    await driver.power.start(id, { paused: false }, soon());
    t.match((await driver.machines.read([id], soon())).machines, [{ live: { interfaces: wired.interfaces } }]);
  });

  t.test(`${mode}: the folder that Hyper-V itself puts disks in is a pool, however deep it is, once it is there`, async (t) => {
    const { driver, volumes, folder } = await host(t, mode);
    const usual = 'c:\\hyper-v\\virtual hard disks' as PoolId;
    const names = async () => (await mustHave(driver.pools).list(soon())).map(({ nativeName }) => nativeName);
    const there = join(folder, 'C/Hyper-V/Virtual Hard Disks');
    await rm(there, { recursive: true, force: true });
    t.notOk((await names()).includes(usual));
    await t.rejects(volumes.list(usual, { refresh: true }, soon()), { code: 'NotFound' });
    await mkdir(there, { recursive: true });
    t.ok((await names()).includes(usual));
    const made = await volumes.create({ pool: usual, nativeName: 'root', format: 'Vhd', sizeBytes: 4 << 20 }, soon());
    t.equal(made.location, `${usual}\\root.vhd`);
    t.match(await volumes.list(usual, { refresh: true }, soon()), [{ id: made.id, sizeBytes: 4 << 20 }]);
    await t.rejects(volumes.list('c:\\hyper-v\\other' as PoolId, { refresh: true }, soon()), { code: 'NotFound' });
  });

  t.test(`${mode}: a folder that is elsewhere, or no folder, is not found`, async (t) => {
    const { driver, volumes } = await host(t, mode);
    t.same(
      (await driver.pools?.list(soon()))?.map(({ nativeName }) => nativeName),
      [pool],
    );
    for (const bad of ['d:', 'd:\\', 'd:\\hyper-v\\..', "d:\\hyper-v\\it's %_[a] below", '\\\\server\\share', 'e:\\hyper-v', ''])
      await t.rejects(volumes.list(bad as PoolId, { refresh: false }, soon()), { code: 'NotFound' }, bad);
  });

  t.test(`${mode}: what a machine had is gone with it on the host, but for its disks`, async (t) => {
    const { simulator, driver, volumes } = await host(t, mode);
    const { location } = await create(driver, 'root');
    const wired = withDisk(location, { interfaces: [{ name: 'lan', network: 'Default Switch' }] });
    const id = await driver.machines.define(wired, mark, soon());
    const ports = () => [...simulator.host.switches.values()].flatMap((each) => each.ports).length;
    t.equal(ports(), mode === 'v1' ? 1 : 0);
    await driver.machines.undefine(id, mark.owner, { keepState: false }, soon());
    t.same([simulator.host.machines.size, ports(), (await volumes.list(pool, { refresh: true }, soon())).length], [0, 0, 1]);
  });
}
