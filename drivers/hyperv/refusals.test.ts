import t from 'tap';
import { defineMachine } from '#simulators/hyperv/model/definitions.js';
import type { Machine } from '#simulators/hyperv/model/machine.js';
import { definition, hypervHost, mark, soon } from '#test/peers/hyperv-host.js';

t.setTimeout(300_000);

const difficult = `it's "quoted" \\ %_[a] <b> ü`;
const settingsOf = (ElementName: string) => ({ className: 'Msvm_VirtualSystemSettingData', values: { ElementName } });
const mustBe = (machine: Machine | undefined): Machine => {
  if (machine === undefined) throw new Error('no machine');
  return machine;
};

for (const mode of ['v2', 'v1'] as const) {
  t.test(`${mode}: a machine between two states refuses in words that say which, and does it afterwards`, async (t) => {
    const { simulator, driver } = await hypervHost(t, mode);
    const id = await driver.machines.define(definition, mark, soon());
    await driver.power.start(id, { paused: false }, soon());
    const native = mustBe(simulator.machineNamed('shop.web'));
    native.transition = 'pausing';
    const refusal = {
      code: 'Conflict',
      message: /RequestStateChange \(\w+\): the host says invalid state for this: .* has to end first \(32775\)/,
    };
    await t.rejects(driver.power.cut(id, mark.owner, soon()), refusal);
    await t.rejects(driver.power.save(id, mark.owner, soon()), refusal);
    await t.rejects(driver.machines.undefine(id, mark.owner, { keepState: false }, soon()), { code: 'Conflict', message: /is not Off/ });
    native.transition = undefined;
    await driver.power.cut(id, mark.owner, soon());
    native.transition = 'starting';
    await driver.power.start(id, { paused: false }, soon());
    t.equal(native.state, 'off', 'what starts already is not started');
    native.transition = undefined;
    await driver.machines.undefine(id, mark.owner, { keepState: false }, soon());
    t.equal(simulator.host.machines.size, 0);
  });

  t.test(`${mode}: what was asked is noted once all of it is there, and until then what was before`, async (t) => {
    const { simulator, driver, disk, read } = await hypervHost(t, mode);
    const disks = [{ name: 'root', location: (await disk('root')).location, format: 'Vhd' as const }];
    const add = mode === 'v2' ? 'AddResourceSettings' : 'AddVirtualSystemResources';
    const noted = async () => (await read((await driver.machines.list(soon()))[0]?.id ?? ''))?.mark?.record;
    const asked = { ...mark, record: 'asked', until: 'before' };
    simulator.host.troubles.add(add, { kind: 'denied' }, 1);
    await t.rejects(driver.machines.define({ ...definition, disks }, asked, soon()), { code: 'Denied', message: new RegExp(`^${add}: `) });
    t.equal(await noted(), 'before', 'nobody took away what never was there');
    await driver.machines.define({ ...definition, disks }, asked, soon());
    t.equal(await noted(), 'asked');
    const more = [...disks, { name: 'more', location: (await disk('more')).location, format: 'Vhd' as const }];
    simulator.host.troubles.add(add, { kind: 'denied' }, 1);
    await t.rejects(driver.machines.define({ ...definition, disks: more }, { ...mark, record: 'more' }, soon()), { code: 'Denied' });
    t.equal(await noted(), 'asked');
    await driver.machines.define({ ...definition, disks: more }, { ...mark, record: 'more' }, soon());
    t.equal(await noted(), 'more');
  });

  t.test(`${mode}: of machines of one name ours is ours, whatever stands in that name`, async (t) => {
    const { simulator, driver } = await hypervHost(t, mode);
    const named = { ...definition, nativeName: difficult };
    const id = await driver.machines.define(named, mark, soon());
    const theirs = await defineMachine(simulator.host, settingsOf(difficult), []);
    await driver.machines.define({ ...named, cpuCount: 2 }, mark, soon());
    await driver.power.start(id, { paused: false }, soon());
    t.equal(theirs.state, 'off');
    t.equal((await driver.machines.list(soon())).filter(({ nativeName }) => nativeName === difficult).length, 2);
    const other = { ...named, uuid: named.uuid.replace(/1$/, '3') };
    await t.rejects(driver.machines.define(other, mark, soon()), { name: 'DriverError' }, 'and no third one is made');
    await driver.power.cut(id, mark.owner, soon());
    await driver.machines.undefine(id, mark.owner, { keepState: false }, soon());
    t.same([...simulator.host.machines.keys()], [theirs.id]);
    t.equal(theirs.writes, 0);
    await t.rejects(driver.machines.define(named, mark, soon()), { code: 'NotOurs', message: /quoted/ });
    t.same([...simulator.host.machines.keys()], [theirs.id], 'nor is theirs taken');
  });
}

t.test('a serial port is refused with the reason', async (t) => {
  const { driver } = await hypervHost(t, 'v2');
  await t.rejects(driver.machines.define({ ...definition, serial: true }, mark, soon()), {
    code: 'Unsupported',
    message: /devices.serial was given; .* a pipe of the host's, which is not reached from here/,
  });
});
