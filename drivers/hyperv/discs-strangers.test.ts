import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { fileOf, imagesOf } from '#simulators/hyperv/model/files.js';
import { first, second, told, withDiscs } from '#test/peers/hyperv-discs.js';
import { definition, endAt, mark, soon } from '#test/peers/hyperv-host.js';

t.setTimeout(300_000);

for (const mode of ['v2', 'v1'] as const) {
  t.test(`${mode}: whatever files our line names, none but the machine's own discs are deleted`, async (t) => {
    const { tell, driver, files, machine, simulator } = await withDiscs(t, mode);
    const id = await tell(told('one', first));
    const { store } = simulator.host.options;
    const other = 'virtwright-5c3a3b3e-1f0e-4a6e-9a7b-222222222222-seed-0123456789abcdef.iso';
    const theirs = ['d:\\hyper-v\\theirs.vhdx', `d:\\hyper-v\\${other}`];
    for (const file of theirs) await store.touch(file);
    const edit = () => {
      const { settings } = machine();
      const notes = String(settings['Notes']).replace('"files":[', `"files":${JSON.stringify(theirs).slice(0, -1)},`);
      t.match(notes, 'theirs.vhdx');
      machine().settings = { ...settings, Notes: Array.isArray(settings['Notes']) ? [notes] : notes };
    };
    const isThere = async () => t.same(await Promise.all(theirs.map((file) => store.exists(file))), [true, true]);
    edit();
    await tell(told('two', second));
    await isThere();
    edit();
    await tell(definition);
    await isThere();
    await tell(told('one', first));
    edit();
    await driver.machines.undefine(id, mark.owner, { keepState: true }, soon());
    await isThere();
    t.same(await files(), []);
  });

  t.test(`${mode}: a disc that is written again is put in again, as its file lets no machine in that was not put in`, async (t) => {
    const { tell, files, disks, discs, simulator, changes } = await withDiscs(t, mode);
    await tell(told('one', first));
    const [name = ''] = await files();
    const { asked } = simulator.host;
    const harms = [() => rm(join(disks, name)), () => writeFile(join(disks, name), 'shorter')];
    for (const harm of harms) {
      await harm();
      const before = asked.length;
      await tell(told('one', first));
      const words = asked.slice(before).join(' ');
      t.match(words, /Remove(Resource|VirtualSystemResource).*Add(Resource|VirtualSystemResource)/);
      t.same(await discs(), [first]);
    }
    const before = changes();
    await tell(told('one', first));
    t.equal(changes(), before, 'and not when it is there');
  });

  t.test(`${mode}: no disc stays for ever of a machine that was deleted on its host, or whose notes are of another day`, async (t) => {
    const { tell, driver, files, simulator, machine, discs } = await withDiscs(t, mode);
    const find = () => [...simulator.host.machines.keys()][0] ?? '';
    const deleteByHand = () => simulator.host.machines.delete(find());
    const isNoFile = async () => t.same(await files(), []);
    await tell(told('one', first));
    deleteByHand();
    await tell(told('two', second));
    t.same([(await files()).length, await discs()], [1, [second]]);
    deleteByHand();
    await tell(definition);
    await isNoFile();
    const id = await tell(told('one', first));
    const { settings } = machine();
    await tell(told('two', second));
    machine().settings = { ...machine().settings, Notes: settings['Notes'] };
    await tell(told('three', first));
    t.equal((await files()).length, 1);
    await tell(told('two', second));
    machine().settings = { ...machine().settings, Notes: settings['Notes'] };
    await driver.machines.undefine(id, mark.owner, { keepState: true }, soon());
    await isNoFile();
  });

  t.test(`${mode}: a machine whose notes were lost has its disc known by its name, and starts with the next one`, async (t) => {
    const { tell, driver, files, drives, discs, machine, shape, read } = await withDiscs(t, mode);
    const id = await tell(told('one', first));
    const loseNotes = () => {
      const { settings } = machine();
      machine().settings = { ...settings, Notes: Array.isArray(settings['Notes']) ? [''] : '' };
    };
    const start = () => driver.power.start(id, { paused: false }, soon());
    const cut = () => driver.power.cut(id, mark.owner, soon());
    loseNotes();
    t.match((await read(id))?.found, { kept: [], shape: { disks: [], cdroms: undefined, uses: undefined } });
    await driver.adoption?.adopt(id, mark, soon());
    t.match(await read(id), { halfSeed: true, configured: { seed: undefined } });
    await tell(told('two', second));
    t.same([await discs(), drives(), (await files()).length, (await shape(id))?.seed?.location], [[second], 1, 1, 'two']);
    await start().then(cut);
    loseNotes();
    await driver.adoption?.adopt(id, mark, soon());
    await start();
    t.same([await files(), drives()], [[], 0], 'of which nobody says what it is nobody is told');
    await cut();
  });

  t.test(`${mode}: a host that puts disks in a root has the disc there, and one that puts them elsewhere makes nothing`, async (t) => {
    const { tell, driver, files, simulator, folder, shape, machine } = await withDiscs(t, mode);
    const { host } = simulator;
    const ask = () => driver.drafts?.machine(told('one', first), mark, soon()) ?? Promise.resolve();
    for (const path of ['\\\\fs1\\VMs\\', '\\\\?\\Volume{5c3a3b3e-1f0e-4a6e-9a7b-111111111111}\\']) {
      host.usualFolder = path;
      const quoted = JSON.stringify(path.toLowerCase().slice(0, -1));
      for (const asking of [tell(told('one', first)), ask()]) {
        const { code, message } = await asking.catch((reason) => reason);
        t.equal(code, 'Unsupported');
        t.ok(message.startsWith(`cloudInit was given; its disc goes where the host puts disks, which is ${quoted}; `), message);
      }
      t.equal(host.machines.size, 0);
    }
    host.usualFolder = 'D:\\';
    const id = await tell(told('one', first));
    t.equal((await shape(id))?.seed?.location, 'one');
    const [image] = imagesOf(machine());
    t.match(image && fileOf(machine(), image), /^d:\\virtwright-/i);
    const there = () => readdir(join(folder, 'D')).then((names) => names.filter((name) => name.includes('-seed-')));
    t.same([(await there()).length, await files()], [1, []]);
    await tell(definition);
    t.same(await there(), []);
  });

  t.test(`${mode}: a disc stays in its folder, and where that was taken away it is written where the host puts disks since`, async (t) => {
    const { tell, files, simulator, folder, shape, machine, disks, driver } = await withDiscs(t, mode);
    const { host } = simulator;
    const places = () => imagesOf(machine()).map((image) => fileOf(machine(), image).toLowerCase());
    const tellAgain = async () => {
      const id = await tell(told('one', first));
      t.equal((await shape(id))?.seed?.location, 'one');
      await driver.power.start(id, { paused: false }, soon());
      await driver.power.cut(id, mark.owner, soon());
      return places();
    };
    const [before] = await tellAgain();
    const [name = ''] = await files();
    await mkdir(join(folder, 'D/VHDs'));
    host.usualFolder = 'D:\\VHDs';
    t.same(await tellAgain(), [before]);
    await rename(disks, `${disks} of old`);
    t.same(await tellAgain(), [`d:\\vhds\\${name}`]);
    t.same(await readFile(join(folder, 'D/VHDs', name)), first);
    await rename(join(folder, 'D/VHDs'), join(folder, 'D/Old'));
    host.usualFolder = 'D:\\';
    t.same(await tellAgain(), [`d:\\${name}`]);
    host.usualFolder = 'D:\\Old';
    t.same(await tellAgain(), [`d:\\${name}`], 'a root is a folder that is there');
  });

  t.test(`${mode}: a revert that ended midway, and is asked for again, says that the disc is there which is`, async (t) => {
    const { tell, driver, connect, discs, shape, simulator } = await withDiscs(t, mode);
    const id = await tell(told('one', first));
    await driver.snapshots?.take(id, mark.owner, { key: 'k', name: 'k', memory: false }, soon());
    let deaths = 0;
    for (const isDone of [false, true])
      for (let nth = 1; ; nth += 1) {
        const end = endAt(simulator, nth, isDone, (what) => /\.(Modify|Apply)/.test(what));
        await (await connect()).snapshots?.revert(id, mark.owner, 'k', soon()).catch(() => undefined);
        end.revive();
        if (end.asked() < nth) break;
        deaths += 1;
        await driver.snapshots?.revert(id, mark.owner, 'k', soon());
        t.same([await discs(), (await shape(id))?.seed?.location], [[first], 'one'], `dead at ${nth}`);
      }
    t.ok(deaths >= 4, String(deaths));
    await driver.power.start(id, { paused: false }, soon());
    t.same(await discs(), [first], 'its guest is told');
  });
}
