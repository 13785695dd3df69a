import t from 'tap';
import type { NetworkDefinition } from '#drivers/driver.js';
import { definition, hypervHost, mark, soon } from '#test/peers/hyperv-host.js';

t.setTimeout(300_000);

const device = 'Intel(R) 82574L Gigabit Network Connection #2';
const outside: NetworkDefinition = {
  uuid: '5c3a3b3e-1f0e-4a6e-9a7b-222222222222',
  nativeName: 'shop.out',
  forward: { mode: 'Direct', device },
  records: [],
};

t.test('a switch that leads outside has notes, adapter and host from the first moment, however the answer was lost', async (t) => {
  const { simulator, connect, driver, facet } = await hypervHost(t, 'v2');
  const made = () => [...simulator.host.switches.values()].filter(({ settings }) => settings['ElementName'] === 'shop.out');
  simulator.host.troubles.add('Msvm_VirtualEthernetSwitchManagementService.DefineSystem', { kind: 'cut', when: 'after' }, 1);
  await t.rejects(facet('networks').define(outside, soon()), { code: 'Unavailable' });
  while (made().length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  t.equal(made()[0]?.ports.length, 2, 'an adapter, and the host');
  await driver[Symbol.asyncDispose]();
  const later = await connect();
  await later.networks?.define(outside, soon());
  t.equal(made().length, 1);
  const inside = made()[0]?.ports.find(({ values }) => String(values['HostResource']).includes(':Msvm_ComputerSystem.'));
  t.match(inside?.values, { Address: '00155D010002', ElementName: 'shop.out' }, 'the host keeps its address');
  const asked = simulator.host.asked.length;
  await later.networks?.define(outside, soon());
  t.same(
    simulator.host.asked.slice(asked).filter((what) => /\.(Define|Add|Remove|Modify)/.test(what)),
    [],
    'and nothing more is asked',
  );
});

t.test('a switch whose answer was lost is not made again while the host is at it', async (t) => {
  const { simulator, facet } = await hypervHost(t, 'v2');
  const define = 'Msvm_VirtualEthernetSwitchManagementService.DefineSystem';
  const asked = () => simulator.host.asked.filter((what) => what.endsWith(define)).length;
  let release = () => {};
  const until = new Promise<void>((resolve) => {
    release = resolve;
  });
  simulator.host.troubles.add('DefineSystem', { kind: 'hold', until }, 1);
  simulator.host.troubles.add(define, { kind: 'cut', when: 'after' }, 1);
  await t.rejects(facet('networks').define(outside, soon()), { code: 'Unavailable' });
  const looks = simulator.host.asked.length;
  const again = facet('networks').define(outside, soon());
  const hasLooked = () => simulator.host.asked.slice(looks).filter((what) => /Msvm_ConcreteJob WHERE/.test(what)).length > 1;
  while (!hasLooked() && asked() === 1) await new Promise((resolve) => setTimeout(resolve, 5));
  release();
  await again;
  t.equal(asked(), 1);
  t.equal([...simulator.host.switches.values()].filter(({ settings }) => settings['ElementName'] === 'shop.out').length, 1);
});

t.test('a switch keeps its adapter, so that the host is never cut off', async (t) => {
  const { simulator, facet } = await hypervHost(t, 'v2');
  const look = async () => (await facet('networks').list(soon())).find(({ nativeName }) => nativeName === 'shop.out')?.configured?.forward;
  const writes = () => simulator.host.asked.filter((what) => /\.(Define|Add|Remove|Modify)/.test(what)).length;
  const refused = async (forward: NetworkDefinition['forward'], message: RegExp) => {
    const before = writes();
    await t.rejects(facet('networks').define({ ...outside, forward }, soon()), { code: 'Unsupported', message });
    t.equal(writes(), before, 'nothing is asked of the host');
  };
  const alone = /forward\.host: Detached was given; accepted: Attached/;
  await refused({ mode: 'Direct', device, host: 'Detached' }, alone);
  await facet('networks').define({ ...outside, forward: { mode: 'None' } }, soon());
  const toDevice = /mode Direct, device Intel.* was given.*leads by mode None, host Detached; .* delete the network, or make another/;
  await refused({ mode: 'Direct', device }, toDevice);
  await facet('networks').define({ ...outside, forward: { mode: 'None', host: 'Attached' } }, soon());
  await refused({ mode: 'Direct', device }, /leads by mode None, host Attached/);
  await facet('networks').undefine((await facet('networks').list(soon())).find(({ uuid }) => uuid === outside.uuid)?.id as never, soon());
  await facet('networks').define(outside, soon());
  await refused({ mode: 'Direct', device: 'Ethernet' }, /leads by mode Direct, device Intel/);
  await refused({ mode: 'Direct', device, host: 'Detached' }, alone);
  await refused({ mode: 'None' }, /mode None, host Attached was given/);
  await refused({ mode: 'None', host: 'Detached' }, /mode None, host Detached was given/);
  t.same(await look(), { mode: 'Direct', device, host: 'Attached' });
});

t.test('a host that somebody took off an adapter of a switch of ours comes back in one call', async (t) => {
  const { simulator, facet } = await hypervHost(t, 'v2');
  await facet('networks').define(outside, soon());
  const native = [...simulator.host.switches.values()].find(({ settings }) => settings['ElementName'] === 'shop.out');
  if (native === undefined) throw new Error('no switch');
  native.ports = native.ports.filter(({ values }) => !String(values['HostResource']).includes(':Msvm_ComputerSystem.'));
  const look = async () => (await facet('networks').list(soon())).find(({ nativeName }) => nativeName === 'shop.out')?.configured?.forward;
  await facet('networks').define(outside, soon());
  t.same(await look(), { mode: 'Direct', device, host: 'Detached' }, 'while nobody asks for it, it stays');
  await facet('networks').define({ ...outside, forward: { mode: 'Direct', device, host: 'Attached' } }, soon());
  t.same(await look(), { mode: 'Direct', device, host: 'Attached' });
});

t.test('a switch of ours that somebody led to two adapters is told as what we have no word for, and left alone', async (t) => {
  const { simulator, facet } = await hypervHost(t, 'v2');
  await facet('networks').define(outside, soon());
  const native = [...simulator.host.switches.values()].find(({ settings }) => settings['ElementName'] === 'shop.out');
  const [first] = native?.ports ?? [];
  const other = simulator.host.adapters.find(({ name }) => name === 'Ethernet');
  if (native === undefined || first === undefined || other === undefined) throw new Error('no switch');
  const path = `\\\\HYPERV\\root\\virtualization\\v2:Msvm_ExternalEthernetPort.DeviceID="Microsoft:{${other.id}}"`;
  native.ports = [...native.ports, { ...first, suffix: '\\second', values: { ...first.values, HostResource: [path] } }];
  const look = async () => (await facet('networks').list(soon())).find(({ nativeName }) => nativeName === 'shop.out')?.configured?.forward;
  t.same(await look(), { mode: 'Other' });
  await t.rejects(facet('networks').define(outside, soon()), { code: 'Unsupported', message: /leads elsewhere: look at the host/ });
  t.same(await look(), { mode: 'Other' });
});

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
