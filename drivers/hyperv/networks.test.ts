import t from 'tap';
import type { NetworkDefinition } from '#drivers/driver.js';
import { hypervHost, soon } from '#test/peers/hyperv-host.js';

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

t.test('whoever ends while a switch is led elsewhere is gone on from', async (t) => {
  const { simulator, connect, facet } = await hypervHost(t, 'v2');
  await facet('networks').define({ ...outside, forward: { mode: 'Direct', device: 'Ethernet' } }, soon());
  const service = 'Msvm_VirtualEthernetSwitchManagementService';
  simulator.host.troubles.add(`${service}.AddResourceSettings`, { kind: 'cut', when: 'before' }, 1);
  await t.rejects(facet('networks').define(outside, soon()), { name: 'DriverError' });
  const later = await connect();
  const look = async () => (await later.networks?.list(soon()))?.find(({ nativeName }) => nativeName === 'shop.out')?.configured?.forward;
  t.same(await look(), { mode: 'None', host: 'Attached' }, 'the old one is gone, the new one not there');
  await later.networks?.define(outside, soon());
  t.same(await look(), { mode: 'Direct', device, host: 'Attached' });
});

t.test('a switch of ours that somebody led to two adapters is told as what we have no word for, and put right', async (t) => {
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
  await facet('networks').define(outside, soon());
  t.same(await look(), { mode: 'Direct', device, host: 'Attached' });
});
