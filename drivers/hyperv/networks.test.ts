import { randomUUID } from 'node:crypto';
import t from 'tap';
import type { NetworkDefinition, NetworkForward } from '#drivers/driver.js';
import { newSwitch, type Switch } from '#simulators/hyperv/model/switch.js';
import type { Simulator } from '#simulators/hyperv/simulator.js';
import { isChange } from '#test/faults/hyperv-lab.js';
import { definition, device, endAt, hypervHost, mark, outside, soon } from '#test/peers/hyperv-host.js';

t.setTimeout(600_000);

const modes = ['v2', 'v1'] as const;
type Mode = (typeof modes)[number];
/** What may cut us off. */
const cutting = { v2: 'Msvm_VirtualEthernetSwitchManagementService.DefineSystem', v1: 'SetupSwitch' } as const;

const madeOf = ({ host }: Simulator, name = 'shop.out'): Switch[] =>
  [...host.switches.values()].filter(({ settings }) => settings['ElementName'] === name);

function only(simulator: Simulator, name?: string): Switch {
  const [native] = madeOf(simulator, name);
  if (native === undefined) throw new Error('no switch');
  return native;
}

/** Where its ports lead, as whoever sits at the host sees it. */
function leads({ host }: Simulator, { ports }: Switch): readonly string[] {
  const { adapters, wiring } = host;
  const internal = [...wiring.internal.values()].map(({ id, mac, friendlyName }) => ({ id, name: `host ${friendlyName} ${mac}` }));
  const all = [...adapters, ...internal];
  const found = ports.map(({ values }) => {
    const to = String(values['HostResource'] ?? wiring.joinedTo(String(values['Name'])));
    if (to.includes(':Msvm_ComputerSystem.')) return `host ${values['ElementName']} ${values['Address'] ?? 'dynamic'}`;
    return all.find(({ id }) => to.includes(id))?.name ?? 'nowhere';
  });
  return found.map((to) => to.replace(/ 00155D000\w+$/, ' dynamic')).sort();
}

/** Pieces that no switch has any more, or that nothing is joined to. */
const loose = ({ host: { wiring } }: Simulator): readonly string[] =>
  [...wiring.internal.values()].filter(({ id }) => wiring.portOf(id) === undefined).map(({ name }) => name);

async function forwardOf(facet: Awaited<ReturnType<typeof hypervHost>>['facet']) {
  return (await facet('networks').list(soon())).find(({ uuid }) => uuid === outside.uuid)?.configured?.forward;
}

/** What people do who make it an internal or a private switch: they take its adapter away, and from that one the host, too. */
function take(mode: Mode, { host: { wiring } }: Simulator, native: Switch, what: 'adapter' | 'both' | 'both, but for ports'): void {
  const isTaken = (values: Switch['ports'][number]['values']) =>
    mode === 'v2'
      ? what !== 'adapter' || !String(values['HostResource']).includes(':Msvm_ComputerSystem.')
      : new RegExp(what !== 'adapter' ? '^virtwright .* (adapter|host)$' : '^virtwright .* adapter$').test(String(values['Name']));
  const [taken, kept] = [true, false].map((is) => native.ports.filter(({ values }) => isTaken(values) === is));
  for (const { values } of taken ?? []) wiring.part(String(values['Name']));
  wiring.bound.clear();
  if (what !== 'adapter') wiring.internal.clear();
  if (mode === 'v2' || what !== 'both, but for ports') native.ports = kept ?? [];
}

/** Led there by people, by ports that have names of the host's. Its own name is a GUID, as that of one of ours. */
function theirs({ host: { adapters, switches, wiring } }: Simulator, kinds: readonly ('host' | 'adapter')[]): Switch {
  const ports = kinds.map((kind) => ({ kind, Name: randomUUID().toUpperCase() }));
  const shown = ports.map(({ Name }) => ({ className: 'Msvm_SwitchPort', suffix: '', values: { Name, EnabledState: '2' } }));
  const native = newSwitch({ ElementName: 'shop.out' }, shown);
  switches.set(native.id, native);
  for (const { kind, Name } of ports) {
    const id = kind === 'adapter' ? (adapters[1]?.id ?? '') : wiring.makeInternal('theirs', 'shop.out', '00155D0000AA').id;
    if (kind === 'adapter') wiring.bound.add(id);
    wiring.join(Name, id);
  }
  return native;
}

/** A second adapter, put there by a hand. */
function lead(mode: Mode, simulator: Simulator, native: Switch): void {
  const { host } = simulator;
  const [first] = native.ports;
  const other = host.adapters.find(({ name }) => name === 'Ethernet');
  if (first === undefined || other === undefined) throw new Error('no adapter');
  const path = `\\\\HYPERV\\root\\virtualization\\v2:Msvm_ExternalEthernetPort.DeviceID="Microsoft:{${other.id}}"`;
  const values = mode === 'v2' ? { ...first.values, HostResource: [path] } : { ...first.values, Name: 'second' };
  native.ports = [...native.ports, { ...first, suffix: '\\second', values }];
  host.wiring.bound.add(other.id);
  if (mode === 'v1') host.wiring.join('second', other.id);
}

for (const mode of modes) {
  t.test(`${mode}: a switch that leads outside has adapter and host, however the answer was lost`, async (t) => {
    const { simulator, connect, driver, facet } = await hypervHost(t, mode);
    simulator.host.troubles.add(cutting[mode], { kind: 'cut', when: 'after' }, 1);
    await t.rejects(facet('networks').define(outside, soon()), { code: 'Unavailable' });
    await driver[Symbol.asyncDispose]();
    const later = await connect();
    await later.networks?.define(outside, soon());
    t.equal(madeOf(simulator).length, 1);
    t.same(leads(simulator, only(simulator)), [device, 'host shop.out 00155D010002'], 'the host keeps its address');
    const asked = simulator.host.asked.length;
    await later.networks?.define(outside, soon());
    t.same(simulator.host.asked.slice(asked).filter(isChange), [], 'and nothing more is asked');
  });

  t.test(`${mode}: a switch whose answer was lost is not made again while the host is at it`, async (t) => {
    const { simulator, facet } = await hypervHost(t, mode);
    const asked = () => simulator.host.asked.filter((what) => what.endsWith(cutting[mode])).length;
    let release = () => {};
    const until = new Promise<void>((resolve) => {
      release = resolve;
    });
    simulator.host.troubles.add(mode === 'v2' ? 'DefineSystem' : 'SetupSwitch', { kind: 'hold', until }, 1);
    simulator.host.troubles.add(cutting[mode], { kind: 'cut', when: 'after' }, 1);
    await t.rejects(facet('networks').define(outside, soon()), { code: 'Unavailable' });
    const looks = simulator.host.asked.length;
    const again = facet('networks').define(outside, soon());
    const job = mode === 'v2' ? /Msvm_ConcreteJob WHERE/ : /Msvm_NetworkJob WHERE/;
    const hasLooked = () => simulator.host.asked.slice(looks).filter((what) => job.test(what)).length > 1;
    while (!hasLooked() && asked() === 1) await new Promise((resolve) => setTimeout(resolve, 5));
    release();
    await again;
    t.equal(asked(), 1);
    t.equal(madeOf(simulator).length, 1);
  });

  t.test(`${mode}: a switch keeps its adapter, so that the host is never cut off`, async (t) => {
    const { simulator, facet } = await hypervHost(t, mode);
    const writes = () => simulator.host.asked.filter(isChange).length;
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
    t.same(await forwardOf(facet), { mode: 'Direct', device, host: 'Attached' });
  });

  t.test(`${mode}: a host that somebody took off an adapter of a switch of ours comes back`, async (t) => {
    const { simulator, facet } = await hypervHost(t, mode);
    await facet('networks').define(outside, soon());
    const native = only(simulator);
    const { wiring } = simulator.host;
    for (const { id } of wiring.internal.values()) wiring.part(wiring.portOf(id) ?? '');
    wiring.internal.clear();
    native.ports = native.ports.filter(
      ({ values }) => !/:Msvm_ComputerSystem\.|^virtwright .* host$/.test(String(values['HostResource'] ?? values['Name'])),
    );
    await facet('networks').define(outside, soon());
    t.same(await forwardOf(facet), { mode: 'Direct', device, host: 'Detached' }, 'while nobody asks for it, it stays');
    await facet('networks').define({ ...outside, forward: { mode: 'Direct', device, host: 'Attached' } }, soon());
    t.same(await forwardOf(facet), { mode: 'Direct', device, host: 'Attached' });
  });

  t.test(`${mode}: a switch of ours that somebody led to two adapters is told as what we have no word for, and left alone`, async (t) => {
    const { simulator, facet } = await hypervHost(t, mode);
    await facet('networks').define(outside, soon());
    lead(mode, simulator, only(simulator));
    t.same(await forwardOf(facet), { mode: 'Other' });
    await t.rejects(facet('networks').define(outside, soon()), { code: 'Unsupported', message: /leads elsewhere: look at the host/ });
    t.same(await forwardOf(facet), { mode: 'Other' });
  });

  for (const [what, taken, host] of [
    ['private', 'both', 'Detached'],
    ['private, and left the ports of,', 'both, but for ports', 'Detached'],
    ['internal', 'adapter', 'Attached'],
  ] as const)
    t.test(`${mode}: a switch of ours that people made ${what} is led to no adapter under machines, on or off`, async (t) => {
      const { simulator, driver, facet } = await hypervHost(t, mode);
      await facet('networks').define(outside, soon());
      const wired = { ...definition, interfaces: [{ name: 'lan', network: 'shop.out' }] };
      const machine = await driver.machines.define(wired, mark, soon());
      await driver.power.start(machine, { paused: false }, soon());
      take(mode, simulator, only(simulator), taken);
      const refused = async () => {
        const had = leads(simulator, only(simulator));
        t.same(await forwardOf(facet), { mode: 'None', host }, 'it is told as what it is');
        const asked = simulator.host.asked.length;
        const message = new RegExp(`leads by mode None, host ${host}; .*delete the network, or make another`);
        await t.rejects(facet('networks').define(outside, soon()), { code: 'Unsupported', message });
        t.same(simulator.host.asked.slice(asked).filter(isChange), []);
        t.same([leads(simulator, only(simulator)), simulator.host.wiring.bound.size], [had, 0]);
      };
      await refused();
      await driver.power.cut(machine, mark.owner, soon());
      await refused();
      await facet('networks').define({ ...outside, forward: { mode: 'None' } }, soon());
      t.same(await forwardOf(facet), { mode: 'None', host }, 'who wants it so has it');
      await driver.machines.undefine(machine, mark.owner, { keepState: false }, soon());
      if (host === 'Attached') await refused();
      const { id } = (await facet('networks').list(soon())).find(({ uuid }) => uuid === outside.uuid) ?? {};
      await facet('networks').undefine(id as never, soon());
      t.same([madeOf(simulator), loose(simulator)], [[], []]);
    });

  for (const [what, forward, expected] of [
    ['to the host', { mode: 'None', host: 'Attached' }, ['host shop.out dynamic']],
    ['outside', { mode: 'Direct', device }, [device, 'host shop.out 00155D010002']],
  ] as const)
    t.test(`${mode}: wherever we end, a switch that leads ${what} is finished by the next life, and taken away whole`, async (t) => {
      const { simulator, connect } = await hypervHost(t, mode, { byJob: true });
      const asked: NetworkDefinition = { ...outside, forward: forward as NetworkForward };
      const act = async (verb: 'define' | 'leave' | 'undefine') => {
        const { networks } = await connect();
        if (networks === undefined) throw new Error('no networks');
        if (verb === 'define') return networks.define(asked, soon());
        if (verb === 'leave') return networks.define({ ...asked, forward: { mode: 'None', host: 'Detached' } }, soon());
        const found = (await networks.list(soon())).find(({ uuid }) => uuid === outside.uuid);
        return found === undefined ? undefined : networks.undefine(found.id, soon());
      };
      const isBound = (verb: string) => verb === 'define' && mode === 'v1' && what === 'outside';
      const led = { define: [expected], leave: [[]], undefine: [] };
      for (const verb of what === 'outside' ? (['define', 'undefine'] as const) : (['define', 'leave', 'undefine'] as const))
        for (const isDone of [false, true])
          for (let nth = 1, isOver = false; !isOver; nth += 1) {
            if (verb !== 'define') await act('define');
            const end = endAt(simulator, nth, isDone, isChange);
            await act(verb).catch(() => {});
            isOver = end.asked() < nth;
            end.revive();
            await act(verb);
            const now = madeOf(simulator).map((native) => leads(simulator, native));
            t.same(now, led[verb], `${verb}, ended at ${nth}`);
            t.same([loose(simulator), simulator.host.wiring.bound.size], [[], isBound(verb) ? 1 : 0]);
            if (verb === 'define') await act('undefine');
          }
    });
}

t.test("v1: one that people made private stays so under a card that they plugged in, whose port has a name of the host's", async (t) => {
  const { simulator, facet } = await hypervHost(t, 'v1');
  await facet('networks').define(outside, soon());
  const native = only(simulator);
  const [port] = native.ports;
  if (port === undefined) throw new Error('no port');
  take('v1', simulator, native, 'both');
  native.ports = [{ ...port, values: { ...port.values, Name: '0B0B7E0F-6F4D-4E4B-9F5C-444444444444' } }];
  await t.rejects(facet('networks').define(outside, soon()), { code: 'Unsupported', message: /leads by mode None, host Detached/ });
  t.same([leads(simulator, native), simulator.host.wiring.bound.size], [['nowhere'], 0]);
});

t.test('v1: an adapter that is bound, and that no switch has, is told with what frees it, and nothing is made', async (t) => {
  const { simulator, facet } = await hypervHost(t, 'v1');
  const { adapters, wiring } = simulator.host;
  wiring.bound.add(adapters[1]?.id ?? '');
  const bound = {
    code: 'Conflict',
    message: /#2" is bound to switches, and no switch has it; clear "Microsoft Virtual .* in its properties/,
  };
  await t.rejects(facet('networks').define(outside, soon()), bound);
  wiring.bound.clear();
  await facet('networks').define(outside, soon());
  const another = { ...outside, uuid: outside.uuid.replace(/2$/, '3'), nativeName: 'shop.more' };
  await t.rejects(facet('networks').define(another, soon()), { code: 'Conflict', message: /#2" carries a switch already/ });
  t.same(madeOf(simulator, 'shop.more'), []);
});

for (const [what, kinds] of [
  ['the host', ['host']],
  ['an adapter', ['adapter']],
  ['an adapter and the host', ['adapter', 'host']],
] satisfies [string, Parameters<typeof theirs>[1]][])
  t.test(`v1: a switch of people's that leads to ${what} is neither taken apart nor led elsewhere, whatever GUID it has`, async (t) => {
    const { simulator, facet } = await hypervHost(t, 'v1');
    const native = theirs(simulator, kinds);
    const had = leads(simulator, native);
    t.equal(had.length, kinds.length);
    const notOurs = { code: 'NotOurs', message: /switch "shop\.out" leads to an adapter by port "[0-9A-F-]{36}", which is not ours/ };
    await t.rejects(facet('networks').undefine(native.id as never, soon()), notOurs);
    const alone = { ...outside, uuid: native.id, forward: { mode: 'None', host: 'Detached' } } as const;
    if (what === 'the host') await t.rejects(facet('networks').define(alone, soon()), notOurs);
    t.same([leads(simulator, only(simulator)), simulator.host.asked.filter(isChange)], [had, []]);
  });

t.test('v1: a host whose port people left unjoined comes back once no machine is on', async (t) => {
  const { simulator, driver, facet } = await hypervHost(t, 'v1');
  const asked = { ...outside, forward: { mode: 'None', host: 'Attached' } } as const;
  await facet('networks').define(asked, soon());
  const wired = { ...definition, interfaces: [{ name: 'lan', network: 'shop.out' }] };
  const machine = await driver.machines.define(wired, mark, soon());
  await driver.power.start(machine, { paused: false }, soon());
  const { wiring } = simulator.host;
  for (const { id } of wiring.internal.values()) wiring.part(wiring.portOf(id) ?? '');
  await t.rejects(facet('networks').define(asked, soon()), { code: 'Conflict', message: /"shop\.web" is plugged into it/ });
  t.equal(leads(simulator, only(simulator)).join().includes('host'), false);
  await driver.power.cut(machine, mark.owner, soon());
  await facet('networks').define(asked, soon());
  t.same(await forwardOf(facet), asked.forward);
});
