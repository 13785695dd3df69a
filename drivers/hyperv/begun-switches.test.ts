import t, { type Test } from 'tap';
import { newSwitch, type Switch } from '#simulators/hyperv/model/switch.js';
import type { Simulator } from '#simulators/hyperv/simulator.js';
import { isChange } from '#test/faults/hyperv-lab.js';
import { definition, device, endAt, hypervHost, mark, outside, soon } from '#test/peers/hyperv-host.js';

t.setTimeout(600_000);

const wired = { ...definition, interfaces: [{ name: 'lan', network: 'shop.out' }] };

const begunAt = async (t: Test, method: string) => {
  const host = await hypervHost(t, 'v1');
  host.simulator.host.troubles.add(method, { kind: 'cut', when: 'before' }, 1);
  await t.rejects(host.facet('networks').define(outside, soon()), { code: 'Unavailable' });
  return host;
};

const made = ({ host }: Simulator): readonly Switch[] =>
  [...host.switches.values()].filter(({ settings }) => settings['ElementName'] === 'shop.out');

function only(simulator: Simulator): Switch {
  const [native, ...others] = made(simulator);
  if (native === undefined || others.length > 0) throw new Error(`${others.length} other switches`);
  return native;
}

/** What each port is joined to. */
const joined = ({ host: { adapters, wiring } }: Simulator, { ports }: Switch): readonly string[] =>
  ports
    .map(({ values }) => wiring.joinedTo(String(values['Name'])))
    .map((id) => adapters.find((each) => each.id === id)?.name ?? (id === undefined ? 'nothing' : 'the host'))
    .sort();

const listed = async (facet: Awaited<ReturnType<typeof hypervHost>>['facet']) =>
  (await facet('networks').list(soon())).find(({ uuid }) => uuid === outside.uuid);

const internal = ({ host: { wiring } }: Simulator): readonly string[] => [...wiring.internal.values()].map(({ name }) => name);
const plain = outside.uuid.toUpperCase();
const whole = [device, 'nothing', 'the host'];

t.test('v1: wherever we end, a switch that a card came to meanwhile is finished, and no mark is left', async (t) => {
  const { simulator, connect } = await hypervHost(t, 'v1', { byJob: true });
  const life = async () => {
    const { networks, machines } = await connect();
    if (networks === undefined) throw new Error('no networks');
    return { networks, machines };
  };
  let cardsBefore = 0;
  for (const isDone of [false, true])
    for (let nth = 1, isOver = false; !isOver; nth += 1) {
      const end = endAt(simulator, nth, isDone, isChange);
      await (await life()).networks.define(outside, soon()).catch(() => {});
      isOver = end.asked() < nth;
      end.revive();
      const { networks, machines } = await life();
      const isThere = made(simulator).length > 0;
      const machine = isThere ? await machines.define(wired, mark, soon()) : undefined;
      if (isThere && simulator.host.wiring.bound.size === 0) cardsBefore += 1;
      const id = await networks.define(outside, soon());
      t.same(joined(simulator, only(simulator)), isThere ? whole : whole.filter((to) => to !== 'nothing'), `ended at ${nth}`);
      t.same(internal(simulator), [plain]);
      if (machine !== undefined) await machines.undefine(machine, mark.owner, { keepState: false }, soon());
      await networks.undefine(id, soon());
      t.same([internal(simulator), made(simulator)], [[], []]);
    }
  t.equal(cardsBefore, 6, 'of which so many had a card before they were whole');
});

for (const whose of ['ours, that is on', "somebody else's, that is off"] as const)
  t.test(`v1: a switch that is begun is finished under no machine of ${whose}`, async (t) => {
    const { simulator, driver, facet } = await begunAt(t, 'SetupSwitch');
    const machine = await driver.machines.define(wired, mark, soon());
    if (whose === 'ours, that is on') await driver.power.start(machine, { paused: false }, soon());
    const native = simulator.machineNamed('shop.web');
    if (native === undefined) throw new Error('no machine');
    const { settings } = native;
    if (whose !== 'ours, that is on') native.settings = { ...settings, Notes: 'mine' };
    const asked = simulator.host.asked.length;
    const used = {
      code: 'Conflict',
      message: /machine "shop\.web" is plugged into it; .* once that is off and ours, or on another switch/,
    };
    await t.rejects(facet('networks').define(outside, soon()), used);
    t.same(
      [simulator.host.asked.slice(asked).filter(isChange), joined(simulator, only(simulator))],
      [[], ['nothing', 'nothing', 'nothing']],
    );
    native.settings = { ...settings };
    if (whose === 'ours, that is on') await driver.power.cut(machine, mark.owner, soon());
    await facet('networks').define(outside, soon());
    t.same(joined(simulator, only(simulator)), whole);
  });

t.test('v1: a mark that people joined to a switch is theirs, and marks nothing', async (t) => {
  const { simulator, driver, facet } = await begunAt(t, 'SetupSwitch');
  await driver.machines.define(wired, mark, soon());
  const { switches, wiring } = simulator.host;
  const port = { className: 'Msvm_SwitchPort', suffix: '', values: { Name: 'a port of theirs', EnabledState: '2' } };
  const theirs = newSwitch({ ElementName: 'theirs' }, [port]);
  switches.set(theirs.id, theirs);
  const found = wiring.internal.get(`${plain} BEGUN`);
  wiring.join(port.values.Name, found?.id ?? '');
  await t.rejects(facet('networks').define(outside, soon()), { code: 'Unsupported', message: /leads by mode None, host Detached/ });
  const network = await listed(facet);
  await driver.machines.define({ ...wired, interfaces: [] }, mark, soon());
  await facet('networks').undefine(network?.id as never, soon());
  t.same([internal(simulator), wiring.joinedTo(port.values.Name)], [[`${plain} BEGUN`], found?.id]);
});

t.test('v1: a mark of which there is no switch yet is told, goes with its network, and is no obstacle to another kind', async (t) => {
  const { simulator, facet } = await begunAt(t, 'CreateSwitch');
  t.same([internal(simulator), made(simulator)], [[`${plain} BEGUN`], []]);
  const found = await listed(facet);
  t.match(found, { nativeName: 'shop.out', active: false, configured: { forward: { mode: 'Other' } } });
  await facet('networks').undefine(found?.id as never, soon());
  t.same([internal(simulator), await listed(facet)], [[], undefined]);

  simulator.host.troubles.add('CreateSwitch', { kind: 'cut', when: 'before' }, 1);
  await t.rejects(facet('networks').define(outside, soon()), { code: 'Unavailable' });
  await facet('networks').define({ ...outside, forward: { mode: 'None' } }, soon());
  t.same(internal(simulator), []);
  t.match((await listed(facet))?.configured, { forward: { mode: 'None', host: 'Detached' } });
});

t.test('v1: one that was begun, and is asked for otherwise by then, is taken back', async (t) => {
  const { simulator, connect, driver, facet } = await begunAt(t, 'SetupSwitch');
  t.match(await listed(facet), { configured: { forward: { mode: 'Other' } } }, 'which is asked for anew');
  await driver[Symbol.asyncDispose]();
  const later = await connect();
  await later.networks?.define({ ...outside, forward: { mode: 'None' } }, soon());
  const [native, ...others] = made(simulator);
  t.same([native?.id, native?.ports, others], [plain, [], []]);
});
