import t from 'tap';
import { newSwitch } from '#simulators/hyperv/model/switch.js';
import { definition, hypervHost, mark, soon } from '#test/peers/hyperv-host.js';

t.setTimeout(300_000);

const lan = { name: 'lan', network: 'Default Switch', macAddress: '52:54:00:00:00:01' };

t.test('a card has its VLAN from its making on, whoever ends in between, and loses it', async (t) => {
  const { simulator, driver, connect, read } = await hypervHost(t, 'v2');
  const has = () => [...(simulator.machineNamed('shop.web')?.features.values() ?? [])].map(({ values }) => values);
  const tagged = (vlan: number) => ({ ...definition, interfaces: [{ ...lan, vlan }] });
  simulator.host.troubles.add('AddFeatureSettings', { kind: 'cut', when: 'before' }, 1);
  await t.rejects(driver.machines.define(tagged(40), mark, soon()), { name: 'DriverError' });
  const later = await connect();
  const id = await later.machines.define(tagged(40), mark, soon());
  t.match(has(), [{ OperationMode: '1', AccessVlanId: '40' }]);
  const writes = simulator.machineNamed('shop.web')?.writes;
  await later.machines.define(tagged(40), mark, soon());
  t.equal(simulator.machineNamed('shop.web')?.writes, writes, 'and then there is nothing to be done');

  await later.power.start(id, { paused: false }, soon());
  await later.machines.define(tagged(41), mark, soon());
  t.match(has(), [{ AccessVlanId: '40' }], 'to define is not to tag');
  simulator.host.troubles.add('AddFeatureSettings', { kind: 'cut', when: 'before' }, 1);
  const change = () => later.live?.apply(id, mark.owner, { kind: 'interface', name: 'lan' }, soon());
  await t.rejects(change() ?? Promise.resolve(), { name: 'DriverError' });
  t.match((await read(id))?.live?.interfaces, [{ network: '' }], 'it is on no switch while it has no tag');
  await change();
  t.match((await read(id))?.live?.interfaces, [{ network: lan.network, vlan: 41 }]);
  t.match(has(), [{ AccessVlanId: '41' }]);
  t.notMatch(String(simulator.machineNamed('shop.web')?.settings['Notes']), /"next"/, 'nothing waits for the next start');
  await later.power.cut(id, mark.owner, soon());
  await later.machines.define({ ...definition, interfaces: [lan] }, mark, soon());
  t.same(has(), []);
  await later.machines.define(tagged(42), mark, soon());
  await later.machines.define(definition, mark, soon());
  t.same(has(), [], 'a VLAN goes with its card');
});

t.test(
  'a card that runs and gets another VLAN, or another switch, too, is nowhere with the wrong one, whoever ends in between',
  async (t) => {
    const { simulator, driver, connect } = await hypervHost(t, 'v2');
    const other = newSwitch({ ElementName: 'other' });
    simulator.host.switches.set(other.id, other);
    const { id: first } = [...simulator.host.switches.values()].find(({ settings }) => settings['ElementName'] === 'Default Switch') ?? {};
    const wired = (network: string, vlan?: number) => ({
      ...definition,
      interfaces: [{ ...lan, network, ...(vlan === undefined ? {} : { vlan }) }],
    });
    /** Where frames go now: the switch, and the tag. */
    const now = () => {
      const native = simulator.machineNamed('shop.web');
      const plug = native?.devices.find(({ values }) => values['ResourceType'] === '33');
      if (native === undefined || plug === undefined) return 'nowhere';
      const on = [...simulator.host.switches.values()].find(({ id }) => String(plug.values['HostResource']).includes(id));
      const [tag] = [...native.features.values()].map(({ values }) => String(values['AccessVlanId']));
      return plug.values['EnabledState'] === '2' ? `${on?.id === first ? 'first' : 'other'} ${tag ?? 'untagged'}` : 'nowhere';
    };
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
      for (const method of ['ModifyResourceSettings', 'FeatureSettings']) {
        const names = method === 'FeatureSettings' ? ['Add', 'Remove'].map((verb) => `${verb}${method}`) : [method];
        for (const when of ['after', 'before'] as const)
          for (const name of names) simulator.host.troubles.add(name, { kind: 'cut', when }, 1);
      }
      for (let tries = 0; now() !== to && tries < 20; tries += 1) {
        const life = await connect();
        await life.live?.apply(id, mark.owner, { kind: 'interface', name: 'lan' }, soon()).catch(() => {});
        seen.add(now());
      }
      simulator.host.troubles.calm();
      await driver.live?.apply(id, mark.owner, { kind: 'interface', name: 'lan' }, soon());
      t.equal(now(), to);
      t.same(
        [...seen].filter((each) => ![at, to, 'nowhere'].includes(each)),
        [],
        'never elsewhere',
      );
      t.ok(seen.has('nowhere'));
      at = to;
    }
    t.notMatch(String(simulator.machineNamed('shop.web')?.settings['Notes']), /"next"/);
  },
);

t.test('a trunk that people made of a card of ours stays as long as nobody asks for a tag', async (t) => {
  const { simulator, driver } = await hypervHost(t, 'v2');
  await driver.machines.define({ ...definition, interfaces: [lan] }, mark, soon());
  const native = simulator.machineNamed('shop.web');
  const plug = native?.devices.find(({ values }) => values['ResourceType'] === '33');
  if (native === undefined || plug === undefined) throw new Error('no card');
  const connection = native.deviceId(plug);
  const values = { OperationMode: '2', NativeVlanId: '1', TrunkVlanIdArray: ['40', '41'] };
  native.features = new Map([[`${connection}\\T`, { connection, className: 'Msvm_EthernetSwitchPortVlanSettingData', values }]]);
  const { writes } = native;
  await driver.machines.define({ ...definition, interfaces: [lan] }, mark, soon());
  t.equal(native.writes, writes);
  await driver.machines.define({ ...definition, interfaces: [{ ...lan, vlan: 40 }] }, mark, soon());
  t.match([...native.features.values()], [{ values: { OperationMode: '1', AccessVlanId: '40' } }]);
});

for (const mode of ['v2', 'v1'] as const)
  t.test(`${mode}: a VLAN that there cannot be is refused by name, and nothing is made`, async (t) => {
    const { simulator, driver } = await hypervHost(t, mode);
    for (const vlan of mode === 'v2' ? [0, 4095, 1.5] : [40])
      await t.rejects(driver.machines.define({ ...definition, interfaces: [{ ...lan, vlan }] }, mark, soon()), {
        code: mode === 'v2' ? 'Invalid' : 'Unsupported',
        message: mode === 'v2' ? /"lan": vlan: .* 1 to 4094/ : /"lan": vlan: 40 was given; .* leave it out/,
      });
    t.equal(simulator.host.machines.size, 0);
  });
