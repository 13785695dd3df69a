import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import type { MachineDefinition } from '#drivers/driver.js';
import { parentMark } from '#simulators/hyperv/model/device.js';
import { fileOf, imagesOf } from '#simulators/hyperv/model/files.js';
import { addDevice } from '#simulators/hyperv/model/resources.js';
import { config, first, second, told, withDiscs } from '#test/peers/hyperv-discs.js';
import { servedDrives } from '#test/peers/hyperv-files.js';
import { definition, mark, pool, soon } from '#test/peers/hyperv-host.js';

t.setTimeout(300_000);

for (const mode of ['v2', 'v1'] as const) {
  t.test(`${mode}: a guest finds its disc, byte for byte, in a drive that nobody else has`, async (t) => {
    const { tell, discs, shape, read, changes, files, drives, facet, driver } = await withDiscs(t, mode);
    const id = await tell(told('one', first));
    t.same(await discs(), [first]);
    t.match(await shape(id), { seed: { kind: 'CloudInit', location: 'one' }, cdroms: undefined, uses: undefined });
    t.equal((await read(id))?.hardware['seed'], 'Disc');
    t.match(await files(), [/^virtwright-5c3a3b3e-1f0e-4a6e-9a7b-111111111111-seed-[0-9a-f]{16}\.iso$/]);
    const pools = await facet('pools').list(soon());
    t.same(
      await facet('volumes').list(pools.find(({ path }) => path?.startsWith('c:'))?.id ?? pool, { refresh: true }, soon()),
      [],
      'no volume',
    );
    const before = changes();
    await tell(told('one', first));
    t.equal(changes(), before, 'what is there is not made again');
    const draft = async (asked: MachineDefinition) => (await driver.drafts?.machine(asked, mark, soon()))?.unchanged;
    t.same([await draft(told('one', first)), await draft(told('two', second))], [true, false]);
    await tell(told('two', second, 'Sysprep'));
    t.same([await discs(), (await files()).length, drives()], [[second], 1, 1], 'nothing of the other one is left');
    t.same((await shape(id))?.seed, { kind: 'Sysprep', location: 'two' });
    await tell(definition);
    t.same([await files(), drives(), (await shape(id))?.seed], [[], 0, undefined]);
  });

  t.test(`${mode}: what somebody took away is put back by the next definition that has it`, async (t) => {
    const { tell, discs, files, disks, machine, simulator, shape, drives, driver } = await withDiscs(t, mode);
    const id = await tell(told('one', first));
    const { types } = simulator.host.words;
    const without = (...gone: readonly string[]) => {
      machine().devices = machine().devices.filter(({ values }) => !gone.includes(String(values['ResourceType'])));
    };
    const [name = ''] = await files();
    for (const harm of [
      () => without(types.image),
      () => without(types.image, types.dvdDrive),
      () => rm(join(disks, name)),
      () => writeFile(join(disks, name), 'shorter'),
      () => writeFile(join(disks, `${name}.part`), 'half'),
    ]) {
      await harm();
      const isSeen = !(await files()).some((file) => file.endsWith('.part'));
      t.equal((await driver.drafts?.machine(told('one', first), mark, soon()))?.unchanged, !isSeen);
      await tell(told('one', first));
      t.same([await discs(), drives(), (await shape(id))?.seed?.location], [[first], 1, 'one']);
    }
    await tell(told('two', second));
    t.same((await files()).length, 1, 'with what an end midway left');
  });

  t.test(`${mode}: drives and discs of others stay, whatever place they are in`, async (t) => {
    const { tell, discs, machine, simulator, shape, drives, driver } = await withDiscs(t, mode);
    const id = await tell(told('one', first));
    const { types, file } = simulator.host.words;
    await simulator.host.options.store.touch('d:\\hyper-v\\theirs.iso');
    const ours = imagesOf(machine())[0];
    if (ours === undefined) throw new Error('no disc');
    machine().replaceDevice(ours, { [file]: ['d:\\hyper-v\\theirs.iso'] });
    t.match(await shape(id), { uses: ['d:\\hyper-v\\theirs.iso'] }, 'a drive of ours with their disc is theirs');
    await tell(told('one', first));
    t.same([await discs(), drives()], [[first], 2]);
    await tell(definition);
    t.same([drives(), imagesOf(machine()).map((each) => fileOf(machine(), each))], [1, ['d:\\hyper-v\\theirs.iso']]);
    t.same(machine().devices.filter(({ values }) => values['ResourceType'] === types.dvdDrive).length, 1);
    await driver.machines.undefine(id, mark.owner, { keepState: true }, soon());
    t.ok(await simulator.host.options.store.exists('d:\\hyper-v\\theirs.iso'));
  });

  t.test(`${mode}: a machine that runs has what it had until it is off`, async (t) => {
    const { tell, discs, driver, shape, read, files } = await withDiscs(t, mode);
    const id = await tell(told('one', first));
    const start = () => driver.power.start(id, { paused: false }, soon());
    const cut = () => driver.power.cut(id, mark.owner, soon());
    await start();
    await tell(told('two', second));
    t.same(await discs(), [first]);
    t.same([(await shape(id))?.seed?.location, (await read(id))?.live?.seed?.location], ['two', 'one']);
    await cut();
    await tell(told('two', second));
    t.same([await discs(), (await files()).length], [[second], 1]);
    await start();
    await tell(definition);
    t.same([await discs(), (await shape(id))?.seed], [[second], undefined]);
    await cut();
    await start();
    t.same([await files(), (await read(id))?.live?.seed], [[], undefined], 'that there is none any more needs no definition');
  });

  t.test(`${mode}: a disc and pairs come after each other, and one of them is there`, async (t) => {
    const { tell, discs, machine, shape } = await withDiscs(t, mode);
    const id = await tell(told('pairs', config, 'Ignition'));
    await tell(told('disc', first));
    t.same([await discs(), machine().hostItems.size, (await shape(id))?.seed?.location], [[first], 0, 'disc']);
    await tell(told('pairs', config, 'Ignition'));
    t.same([await discs(), machine().hostItems.size, (await shape(id))?.seed?.location], [[], 1, 'pairs']);
  });

  t.test(`${mode}: who has a machine given back finds no disc of ours, and one that is forgotten leaves none`, async (t) => {
    const { tell, driver, files, drives, discs } = await withDiscs(t, mode);
    const id = await tell(told('one', first));
    await driver.adoption?.release(id, mark.owner, soon());
    t.same([await files(), drives()], [[], 0]);
    await driver.adoption?.adopt(id, mark, soon());
    await tell(told('one', first));
    await driver.power.start(id, { paused: false }, soon());
    await driver.adoption?.release(id, mark.owner, soon());
    t.same([await files(), drives(), await discs()], [[], 1, []], 'a drive stays in a machine that runs');
    await t.rejects(driver.power.cut(id, mark.owner, soon()), { code: 'NotOurs' });
    await driver.adoption?.adopt(id, mark, soon());
    await driver.power.cut(id, mark.owner, soon());
    await tell(told('one', first));
    await driver.power.start(id, { paused: false }, soon());
    await driver.power.save(id, mark.owner, soon());
    await t.rejects(driver.adoption?.release(id, mark.owner, soon()) ?? Promise.resolve(), {
      code: 'Conflict',
      message: /is saved, with a disc/,
    });
    t.same(await discs(), [first], 'what was saved goes on with it');
    await t.rejects(driver.machines.undefine(id, mark.owner, { keepState: true }, soon()), { code: 'Busy', message: /is in use/ });
    t.same(await discs(), [first], 'nor is it forgotten while it is saved');
    await driver.power.cut(id, mark.owner, soon());
    await driver.machines.undefine(id, mark.owner, { keepState: true }, soon());
    t.same(await files(), []);
  });

  t.test(`${mode}: a machine reverted to a checkpoint has the disc that it is to have`, async (t) => {
    const { tell, driver, discs, files, drives, machine } = await withDiscs(t, mode);
    const id = await tell(told('one', first));
    const { snapshots } = driver;
    if (snapshots === undefined) throw new Error('no snapshots');
    await snapshots.take(id, mark.owner, { key: 'k', name: 'k', memory: false }, soon());
    await tell(told('two', second));
    await snapshots.revert(id, mark.owner, 'k', soon());
    await tell(told('two', second));
    t.same([await discs(), drives(), (await files()).length], [[second], 1, 1]);
    await tell(definition);
    await snapshots.revert(id, mark.owner, 'k', soon());
    await driver.power.start(id, { paused: false }, soon());
    t.same([imagesOf(machine()).length, await files()], [0, []], 'a drive whose file is gone keeps none from starting');
  });

  t.test(`${mode}: a machine without a place for it is refused before anything is made, with what takes the places`, async (t) => {
    const { tell, simulator, driver, disk, machine, changes, shape } = await withDiscs(t, mode);
    const names = ['a', 'b', 'c', 'd'] as const;
    const disks = await Promise.all(
      names.map(async (name) => ({ name, location: (await disk(name)).location, format: 'Vhd', bus: 'IDE' }) as const),
    );
    const full = { ...told('one', first), disks };
    const refusal = {
      code: 'Unsupported',
      message: /^cloudInit: its disc needs one of the machine's 4 places on IDE, which .*disk "d".* take; put/,
    };
    await t.rejects(tell(full), refusal);
    t.equal(simulator.host.machines.size, 0);
    await t.rejects(async () => driver.drafts?.machine(full, mark, soon()), refusal);
    const unasked = disks.map(({ bus: _, ...plain }) => plain);
    const id = await tell({ ...told('one', first), disks: unasked });
    t.same(
      (await shape(id))?.disks.map(({ bus }) => bus),
      ['IDE', 'IDE', 'IDE', 'SCSI'],
      'who is asked nothing leaves it one',
    );
    await tell({ ...definition, disks: unasked.slice(0, 3) });
    const { types, subType, place } = simulator.host.words;
    const ide = machine().devices.filter(({ values }) => values['ResourceType'] === types.ide)[1];
    if (ide === undefined) throw new Error('no IDE');
    const values = { ResourceType: types.dvdDrive, ResourceSubType: subType('Synthetic DVD Drive'), Parent: parentMark(ide), [place]: '1' };
    await addDevice(simulator.host, machine(), { className: 'Msvm_ResourceAllocationSettingData', values });
    const before = changes();
    await t.rejects(tell({ ...told('one', first), disks: unasked.slice(0, 3) }), {
      code: 'Unsupported',
      message: /disk "a", disk "b", disk "c", a drive of others [(]without a disc[)] take/,
    });
    t.equal(changes(), before);
  });

  t.test(`${mode}: where no file is written it is refused by its name, and what is there stays`, async (t) => {
    const host = await withDiscs(t, mode);
    const id = await host.tell(told('one', first));
    const { driver, capabilities } = await unreached(host, 'off');
    await t.rejects(host.tell(told('two', second), driver), {
      code: 'Unsupported',
      message: /^cloudInit was given, and its disc is not written: smb=off in/,
    });
    await t.rejects(host.tell(told('two', second, 'Sysprep'), driver), { code: 'Unsupported', message: /^sysprep was given/ });
    t.match(
      capabilities.find(({ field }) => field === 'cloudInit'),
      { values: [], reason: /smb=off/ },
    );
    t.same(capabilities.find(({ field }) => field === 'seeds.carried')?.values, ['Ignition']);
    await host.tell({ ...definition, cpuCount: 2, seed: { kind: 'CloudInit', location: 'one' } }, driver);
    t.match([await host.discs(), await host.shape(id)], [[first], { cpuCount: 2, seed: { location: 'one' } }], 'it keeps what it has');
    await host.tell(definition, driver);
    t.same(await host.files(), [], 'to take it away no file is written');
  });

  t.test(`${mode}: a host that lets nobody write says so, and has the disc once it does`, async (t) => {
    const host = await withDiscs(t, mode);
    const closed = await unreached(host, 9);
    await t.rejects(host.tell(told('one', first), closed.driver), {
      code: 'Busy',
      message: /^cloudInit: its disc is not written: .*SMB/,
    });
    const [id = ''] = host.simulator.host.machines.keys();
    t.equal((await host.shape(id))?.seed, undefined);
    await host.tell(told('one', first));
    t.same([await host.discs(), (await host.files()).length], [[first], 1]);
    await t.rejects(host.tell(told('two', second), closed.driver), { code: 'Busy' });
    t.equal((await host.shape(id))?.seed, undefined, 'which it has now nobody says');
    await host.tell(told('one', first));
    t.same([await host.discs(), (await host.files()).length], [[first], 1]);
  });

  t.test(`${mode}: a file server that takes another password is told of, and nothing of it looks whole`, async (t) => {
    const host = await withDiscs(t, mode);
    const samba = await servedDrives(host.folder, { name: 'Administrator', password: 'another' });
    t.teardown(() => samba[Symbol.asyncDispose]());
    const { driver } = await unreached(host, samba.port);
    await t.rejects(host.tell(told('one', first), driver), { code: 'Denied', message: /^cloudInit: its disc is not written: / });
    const [id = ''] = host.simulator.host.machines.keys();
    t.same([await host.files(), (await host.shape(id))?.seed], [[], undefined]);
    await host.tell(told('one', first));
    t.same(await host.discs(), [first]);
  });
}

/** The same host, by another way to its files. */
async function unreached({ connectBy }: Awaited<ReturnType<typeof withDiscs>>, smb: number | 'off') {
  const driver = await connectBy(smb);
  return { driver, capabilities: (await driver.host.describe(soon())).capabilities };
}
