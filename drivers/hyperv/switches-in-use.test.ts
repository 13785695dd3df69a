import t from 'tap';
import { definition, hypervHost, mark, outside, soon } from '#test/peers/hyperv-host.js';

t.setTimeout(300_000);

for (const mode of ['v2', 'v1'] as const)
  t.test(`${mode}: a switch goes under no machine of anybody else, on or off, and under no saved one`, async (t) => {
    const { simulator, driver, facet } = await hypervHost(t, mode);
    const lan = { ...outside, nativeName: 'shop.lan', forward: { mode: 'None' } } as const;
    const id = await facet('networks').define(lan, soon());
    const wired = { ...definition, interfaces: [{ name: 'lan', network: 'shop.lan' }] };
    const machine = await driver.machines.define(wired, mark, soon());
    const goes = () => facet('networks').undefine(id, soon());
    const isUsed = { code: 'Conflict', message: /machine "shop\.web" is plugged into it/ };
    await driver.power.start(machine, { paused: false }, soon());
    await driver.power.save?.(machine, mark.owner, soon());
    t.match((await driver.machines.list(soon()))[0]?.power, { state: 'Off', reason: 'Saved' });
    await t.rejects(goes(), isUsed);
    await driver.power.cut(machine, mark.owner, soon());
    const native = simulator.machineNamed('shop.web');
    if (native === undefined) throw new Error('no machine');
    const { Notes } = native.settings;
    native.settings = { ...native.settings, Notes: mode === 'v2' ? ['mine'] : 'mine' };
    await t.rejects(goes(), isUsed);
    native.settings = { ...native.settings, ...(Notes === undefined ? {} : { Notes }) };
    await goes();
    t.notOk((await facet('networks').list(soon())).some(({ nativeName }) => nativeName === 'shop.lan'));
  });
