import t from 'tap';
import { definition, hypervHost, mark, soon } from '#test/peers/hyperv-host.js';

t.setTimeout(300_000);

for (const mode of ['v2', 'v1'] as const)
  t.test(`${mode}: a machine that its host pauses as a drive is full says so, until there is room and it is resumed`, async (t) => {
    const { simulator, driver, disk, read } = await hypervHost(t, mode);
    const { location } = await disk('root');
    const disks = [{ name: 'root', location, format: 'Vhd' }] as const;
    const id = await driver.machines.define({ ...definition, disks }, mark, soon());
    const other = { ...definition, uuid: definition.uuid.replace(/1$/, '2'), nativeName: 'shop.diskless' };
    const diskless = await driver.machines.define(other, mark, soon());
    for (const each of [id, diskless]) await driver.power.start(each, { paused: false }, soon());
    const power = async () => (await read(id))?.power;
    const starved = { state: 'Paused', reason: 'IOError' };

    await driver.power.pause(id, soon());
    t.same(await power(), { state: 'Paused', reason: 'User' }, 'by somebody, and nothing is wrong with it');
    await driver.power.resume(id, soon());

    simulator.setFull(true);
    t.same(await power(), starved);
    t.match((await driver.machines.list(soon())).find((each) => each.id === id)?.power, starved, 'a glance says it, too');
    t.equal((await read(diskless))?.power.state, 'On', 'one that writes nothing runs on');
    await driver.power.resume(id, soon());
    t.same(await power(), starved, 'it is paused again as long as there is no room');

    simulator.setFull(false);
    t.same(await power(), starved, 'room alone does not resume it');
    await driver.power.resume(id, soon());
    t.same(await power(), { state: 'On', reason: 'Booted' });
  });
