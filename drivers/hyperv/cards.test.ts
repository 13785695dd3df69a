import t from 'tap';
import type { MachineInterface } from '#drivers/driver.js';
import { newSwitch } from '#simulators/hyperv/model/switch.js';
import type { Simulator } from '#simulators/hyperv/simulator.js';
import { isChange } from '#test/faults/hyperv-lab.js';
import { definition, hypervHost, mark, soon } from '#test/peers/hyperv-host.js';

t.setTimeout(300_000);

const lan = { name: 'lan', network: 'Default Switch', macAddress: '52:54:00:00:00:01' };

const modes = ['v2', 'v1'] as const;
type Mode = (typeof modes)[number];

/** What the frames of the first card go by, as whoever sits at the host sees it: in version 1 its port, in version 2 its connection. */
function tagIn(mode: Mode, simulator: Simulator): { readonly tag: string | undefined; readonly on: string } | undefined {
  const { host } = simulator;
  const native = simulator.machineNamed('shop.web');
  const type = mode === 'v2' ? '33' : '10';
  const plug = native?.devices.find(({ values }) => values['ResourceType'] === type);
  const path = String(plug?.values[mode === 'v2' ? 'HostResource' : 'Connection'] ?? '');
  const on = [...host.switches.values()].find(({ id }) => path.includes(id));
  if (native === undefined || plug === undefined || on === undefined || plug.values['EnabledState'] === '3') return undefined;
  const port = on.ports.find(({ values }) => path.replaceAll('\\\\', '\\').includes(`"${values['Name']}"`));
  const { access } = host.wiring.vlan(String(port?.values['Name']));
  const [feature] = [...native.features.values()].map(({ values }) => String(values['AccessVlanId']));
  return { tag: mode === 'v2' ? feature : access === '0' ? undefined : access, on: on.id };
}

for (const mode of modes) {
  t.test(`${mode}: a card has its VLAN from its making on, whoever ends in between, and loses it`, async (t) => {
    const { simulator, driver, connect, read } = await hypervHost(t, mode);
    const has = () => tagIn(mode, simulator)?.tag;
    const tagged = (vlan: number) => ({ ...definition, interfaces: [{ ...lan, vlan }] });
    const write = mode === 'v2' ? 'AddFeatureSettings' : 'Put';
    const changes = () => simulator.host.asked.filter(isChange).length;
    simulator.host.troubles.add(write, { kind: 'cut', when: 'before' }, 1);
    await t.rejects(driver.machines.define(tagged(40), mark, soon()), { name: 'DriverError' });
    const later = await connect();
    const id = await later.machines.define(tagged(40), mark, soon());
    t.equal(has(), '40');
    const before = changes();
    await later.machines.define(tagged(40), mark, soon());
    t.equal(changes(), before, 'and then there is nothing to be done');

    await later.power.start(id, { paused: false }, soon());
    await later.machines.define(tagged(41), mark, soon());
    t.equal(has(), '40', 'to define is not to tag');
    simulator.host.troubles.add(write, { kind: 'cut', when: 'before' }, 1);
    const change = () => later.live?.apply(id, mark.owner, { kind: 'interface', name: 'lan' }, soon());
    await t.rejects(change() ?? Promise.resolve(), { name: 'DriverError' });
    // Version 1 writes the port's tag over the other, version 2 takes the one away before.
    const meanwhile = mode === 'v2' ? { network: '' } : { network: lan.network, vlan: 40 };
    t.match((await read(id))?.live?.interfaces, [meanwhile], 'it is nowhere without a tag');
    await change();
    t.match((await read(id))?.live?.interfaces, [{ network: lan.network, vlan: 41 }]);
    t.equal(has(), '41');
    t.notMatch(String(simulator.machineNamed('shop.web')?.settings['Notes']), /"next"/, 'nothing waits for the next start');
    await later.power.cut(id, mark.owner, soon());
    await later.machines.define({ ...definition, interfaces: [lan] }, mark, soon());
    t.same([has(), tagIn(mode, simulator) === undefined], [undefined, false]);
    await later.machines.define(tagged(42), mark, soon());
    await later.machines.define(definition, mark, soon());
    t.same([...(simulator.machineNamed('shop.web')?.features ?? [])], [], 'a VLAN goes with its card');
    t.same(
      [...simulator.host.switches.values()].flatMap(({ ports }) => ports),
      [],
      'and so does its port',
    );
  });

  t.test(
    `${mode}: a card that runs and gets another VLAN, or switch, is nowhere with the wrong one, whoever ends in between`,
    async (t) => {
      const { simulator, driver, connect } = await hypervHost(t, mode);
      const other = newSwitch({ ElementName: 'other' });
      simulator.host.switches.set(other.id, other);
      const { id: first } =
        [...simulator.host.switches.values()].find(({ settings }) => settings['ElementName'] === 'Default Switch') ?? {};
      const wired = (network: string, vlan?: number) => ({
        ...definition,
        interfaces: [{ ...lan, network, ...(vlan === undefined ? {} : { vlan }) }],
      });
      /** Where frames go now: the switch, and the tag. */
      const now = () => {
        const found = tagIn(mode, simulator);
        return found === undefined ? 'nowhere' : `${found.on === first ? 'first' : 'other'} ${found.tag ?? 'untagged'}`;
      };
      const writes =
        mode === 'v2'
          ? ['ModifyResourceSettings', 'AddFeatureSettings', 'RemoveFeatureSettings']
          : ['ModifyVirtualSystemResources', 'Put', 'CreateSwitchPort', 'DeleteSwitchPort'];
      const id = await driver.machines.define(wired('Default Switch', 40), mark, soon());
      await driver.power.start(id, { paused: false }, soon());
      let at = 'first 40';
      for (const [to, definedAs] of [
        ['other 41', wired('other', 41)],
        ['first untagged', wired('Default Switch')],
        ['other 42', wired('other', 42)],
        ['other 43', wired('other', 43)],
      ] as const) {
        t.equal(now(), at);
        await driver.machines.define(definedAs, mark, soon());
        const seen = new Set<string>();
        simulator.host.troubles.add('*', { kind: 'meet', act: async () => void seen.add(now()) });
        for (const name of writes)
          for (const when of ['after', 'before'] as const) simulator.host.troubles.add(name, { kind: 'cut', when }, 1);
        for (let tries = 0; now() !== to && tries < 20; tries += 1) {
          const life = await connect();
          await life.live?.apply(id, mark.owner, { kind: 'interface', name: 'lan' }, soon()).catch(() => {});
          seen.add(now());
        }
        simulator.host.troubles.calm();
        await driver.live?.apply(id, mark.owner, { kind: 'interface', name: 'lan' }, soon());
        t.equal(now(), to);
        if (mode === 'v1') t.equal([...simulator.host.switches.values()].flatMap(({ ports }) => ports).length, 1, 'and no port is left');
        t.same(
          [...seen].filter((each) => ![at, to, 'nowhere'].includes(each)),
          [],
          'never elsewhere',
        );
        t.equal(seen.has('nowhere'), mode === 'v2');
        at = to;
      }
      t.notMatch(String(simulator.machineNamed('shop.web')?.settings['Notes']), /"next"/);
    },
  );

  t.test(`${mode}: a trunk that people made of a card of ours stays as long as nobody asks for a tag`, async (t) => {
    const { simulator, driver } = await hypervHost(t, mode);
    await driver.machines.define({ ...definition, interfaces: [lan] }, mark, soon());
    const native = simulator.machineNamed('shop.web');
    const plug = native?.devices.find(({ values }) => values['ResourceType'] === (mode === 'v2' ? '33' : '10'));
    if (native === undefined || plug === undefined) throw new Error('no card');
    const connection = native.deviceId(plug);
    const values = { OperationMode: '2', NativeVlanId: '1', TrunkVlanIdArray: ['40', '41'] };
    if (mode === 'v2')
      native.features = new Map([[`${connection}\\T`, { connection, className: 'Msvm_EthernetSwitchPortVlanSettingData', values }]]);
    const { wiring } = simulator.host;
    const [port] = [...simulator.host.switches.values()].flatMap(({ ports }) => ports).map(({ values }) => String(values['Name']));
    if (mode === 'v1') wiring.tag(port ?? '', { mode: '5', trunked: ['40', '41'] });
    const changes = () => simulator.host.asked.filter(isChange).length;
    const before = changes();
    await driver.machines.define({ ...definition, interfaces: [lan] }, mark, soon());
    t.equal(changes(), before);
    await driver.machines.define({ ...definition, interfaces: [{ ...lan, vlan: 40 }] }, mark, soon());
    t.equal(tagIn(mode, simulator)?.tag, '40');
    if (mode === 'v2') t.match([...native.features.values()], [{ values: { OperationMode: '1' } }]);
    else t.match(wiring.vlan(port ?? ''), { mode: '2', trunked: ['40', '41'] });
  });

  t.test(`${mode}: a VLAN that there cannot be is refused by name, and nothing is made`, async (t) => {
    const { simulator, driver } = await hypervHost(t, mode);
    for (const vlan of [0, 4095, 1.5])
      await t.rejects(driver.machines.define({ ...definition, interfaces: [{ ...lan, vlan }] }, mark, soon()), {
        code: 'Invalid',
        message: /"lan": vlan: .* 1 to 4094/,
      });
    t.equal(simulator.host.machines.size, 0);
  });
}

t.test(
  'v1: the adapter of a switch of ours lets through the tags that its machines have, and those of others are left alone',
  async (t) => {
    const { simulator, driver, facet } = await hypervHost(t, 'v1');
    const { host } = simulator;
    const [, adapter] = host.adapters;
    const network = { uuid: '5c3a3b3e-1f0e-4a6e-9a7b-222222222222', nativeName: 'shop.out', records: [] };
    await facet('networks').define({ ...network, forward: { mode: 'Direct', device: adapter?.name ?? '' } }, soon());
    const through = () => host.wiring.vlan(host.wiring.portOf(adapter?.id ?? '') ?? '');
    t.match(through(), { mode: '2', trunked: [] });
    for (const vlan of [40, 41, 40])
      await driver.machines.define({ ...definition, interfaces: [{ ...lan, network: 'shop.out', vlan }] }, mark, soon());
    t.match(through(), { mode: '5', trunked: ['40', '41'] });
    await driver.machines.define({ ...definition, interfaces: [{ ...lan, vlan: 42 }] }, mark, soon());
    t.match(through(), { mode: '5', trunked: ['40', '41'] });
  },
);

t.test('v1: tags that machines of one switch get at once are all let through, and one that was taken off comes back', async (t) => {
  const { simulator, driver, facet } = await hypervHost(t, 'v1');
  const { host } = simulator;
  const [, adapter] = host.adapters;
  const network = { uuid: '5c3a3b3e-1f0e-4a6e-9a7b-222222222222', nativeName: 'shop.out', records: [] };
  await facet('networks').define({ ...network, forward: { mode: 'Direct', device: adapter?.name ?? '' } }, soon());
  const port = () => host.wiring.portOf(adapter?.id ?? '') ?? '';
  const through = () => [...host.wiring.vlan(port()).trunked].sort();
  const vlans = [40, 41, 42, 43];
  const define = (vlan: number, ...more: readonly MachineInterface[]) => {
    const named = { uuid: `5c3a3b3e-1f0e-4a6e-9a7b-1111111111${vlan}`, nativeName: `shop.web${vlan}` };
    const card = { name: 'lan', network: 'shop.out', macAddress: `52:54:00:00:00:${vlan}`, vlan };
    return driver.machines.define({ ...definition, ...named, interfaces: [card, ...more] }, mark, soon());
  };
  await Promise.all(vlans.map((vlan) => define(vlan)));
  t.same(through(), vlans.map(String));
  host.wiring.tag(port(), { trunked: ['41'] });
  await define(40, { name: 'more', network: 'shop.out', macAddress: '52:54:00:00:00:50' });
  t.same(through(), ['40', '41']);
});

for (const vlan of [undefined, 40])
  t.test(`v1: a card whose port is gone is on no network, and plugged in again${vlan === undefined ? '' : ' with its VLAN'}`, async (t) => {
    const { simulator, driver, read } = await hypervHost(t, 'v1');
    const wired = { ...definition, interfaces: [{ ...lan, ...(vlan === undefined ? {} : { vlan }) }] };
    const id = await driver.machines.define(wired, mark, soon());
    for (const each of simulator.host.switches.values()) each.ports = [];
    t.match(await read(id), { configured: { interfaces: [{ name: 'lan', network: '' }] } });
    await driver.machines.define(wired, mark, soon());
    t.match(await read(id), {
      configured: { interfaces: [{ name: 'lan', network: 'Default Switch', ...(vlan === undefined ? {} : { vlan }) }] },
    });
    t.equal(tagIn('v1', simulator)?.tag, vlan?.toString());
  });

t.test('v1: what was left of where a card was before goes when the machine is defined, or started, and nothing else', async (t) => {
  const { simulator, driver } = await hypervHost(t, 'v1');
  const id = await driver.machines.define({ ...definition, interfaces: [lan] }, mark, soon());
  const other = newSwitch({ ElementName: 'other' });
  simulator.host.switches.set(other.id, other);
  const [port] = [...simulator.host.switches.values()].flatMap(({ ports }) => ports);
  if (port === undefined) throw new Error('no port');
  const [key = ''] = String(port.values['Name']).split(' ').slice(1);
  const leave = (...names: readonly string[]) => {
    other.ports = names.map((Name) => ({ ...port, values: { ...port.values, Name } }));
  };
  const theirs = `virtwright ${key.replace(/./, key.startsWith('A') ? 'B' : 'A')} ${other.id}`;
  const left = () => other.ports.map(({ values }) => values['Name']);
  leave(`virtwright ${key} ${other.id}`, theirs);
  await driver.machines.define({ ...definition, interfaces: [lan] }, mark, soon());
  t.same(left(), [theirs]);
  t.ok(tagIn('v1', simulator), 'and the card is where it was');
  await driver.power.start(id, { paused: false }, soon());
  leave(`virtwright ${key} ${other.id}`, theirs);
  await driver.live?.apply(id, mark.owner, { kind: 'interface', name: 'lan' }, soon());
  t.same(left(), [theirs]);
});

t.test('v1: a card whose VLAN its network lost is told to be on none, and gets it back, or loses its tag', async (t) => {
  const { simulator, driver, facet, read } = await hypervHost(t, 'v1');
  const { host } = simulator;
  const [, adapter] = host.adapters;
  const network = { uuid: '5c3a3b3e-1f0e-4a6e-9a7b-222222222222', nativeName: 'shop.out', records: [] };
  await facet('networks').define({ ...network, forward: { mode: 'Direct', device: adapter?.name ?? '' } }, soon());
  const port = host.wiring.portOf(adapter?.id ?? '') ?? '';
  const tagged = { ...definition, interfaces: [{ ...lan, network: 'shop.out', vlan: 40 }] };
  const id = await driver.machines.define(tagged, mark, soon());
  await driver.power.start(id, { paused: false }, soon());
  const whole = { live: { interfaces: [{ network: 'shop.out', vlan: 40 }] } };
  const change = () => driver.live?.apply(id, mark.owner, { kind: 'interface', name: 'lan' }, soon());
  for (const lost of [{ trunked: ['41'] }, { mode: '2' }]) {
    t.match(await read(id), whole);
    host.wiring.tag(port, lost);
    t.match(await read(id), { live: { interfaces: [{ network: '', vlan: 40 }] } });
    await driver.machines.define(tagged, mark, soon());
    await change();
    t.match(await read(id), whole);
  }
  t.match(host.wiring.vlan(port), { mode: '5', trunked: ['41', '40'] });
  host.wiring.tag(port, { trunked: [] });
  await driver.machines.define({ ...definition, interfaces: [{ ...lan, network: 'shop.out' }] }, mark, soon());
  await change();
  t.same([tagIn('v1', simulator)?.tag, host.wiring.vlan(port).trunked], [undefined, []]);
  t.match(await read(id), { live: { interfaces: [{ network: 'shop.out', vlan: undefined }] } });
});
