import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import type { Network, NetworkDefinition, NetworkForward } from '#drivers/driver.js';
import { mustHave } from './pools.js';
import { refused, type Stage, soon } from './stage.js';

/** Networks of our own on a host that makes them by switches, which are on as long as they are there. */
export async function ownSwitchesContract(t: Test, stage: Stage): Promise<void> {
  const networks = mustHave(stage.driver.networks);
  const look = async ({ uuid }: NetworkDefinition): Promise<Network | undefined> =>
    (await networks.list(soon())).find((network) => network.uuid === uuid.toLowerCase());
  const { adapter } = stage.subject;
  const isolated = { forward: { mode: 'None' }, records: [] } as const;
  const define = async (definition: NetworkDefinition) => {
    const id = await networks.define(definition, soon());
    stage.later(() => networks.undefine(id, soon()));
    return id;
  };
  const fresh = (): NetworkDefinition => ({ uuid: randomUUID(), nativeName: `contract.${randomUUID().slice(0, 8)}`, ...isolated });

  await t.test('a switch is made once, however often it is asked for, and is on', async (t) => {
    const definition = fresh();
    const id = await define(definition);
    for (const again of [definition, { ...definition, uuid: definition.uuid.toUpperCase() }])
      t.equal(await networks.define(again, soon()), id);
    await networks.start(id, soon());
    await networks.update(id, isolated, soon());
    t.match(await look(definition), { id, nativeName: definition.nativeName, active: true, configured: isolated, live: isolated });
    t.equal((await networks.list(soon())).filter(({ nativeName }) => nativeName === definition.nativeName).length, 1);
    await networks.undefine(id, soon());
    await networks.undefine(id, soon());
    t.equal(await look(definition), undefined);
    await refused(t, networks.start(id, soon()), 'NotFound');
    await refused(t, networks.stop(id, soon()), 'NotFound');
    await refused(t, networks.update(id, isolated, soon()), 'NotFound');
  });

  await t.test('what a switch has not is refused by its name, and nothing is made', async (t) => {
    const definition = fresh();
    const forwards: readonly NetworkForward[] = [{ mode: 'NAT' }, { mode: 'Open' }, { mode: 'Bridge', bridge: 'br' }];
    const changes = [...forwards.map((forward) => ({ forward })), { mtu: 1400 }, { vlan: 4 }, { domain: 'a.internal' }];
    for (const change of changes) await refused(t, networks.define({ ...definition, ...change }, soon()), 'Unsupported');
    for (const nativeName of ['', ' a', 'a\nb', 'n'.repeat(300)])
      await refused(t, networks.define({ ...definition, nativeName }, soon()), 'Invalid');
    t.equal(await look(definition), undefined);
    const hostile = { ...definition, nativeName: `it's "<&>" \\ %_` };
    const id = await define(hostile);
    t.match(await look(hostile), { id, nativeName: hostile.nativeName });
  });

  const skip = adapter === undefined && `${stage.subject.name} makes none that lead anywhere`;
  await t.test('the host is on a switch, or not, and that changes under no machine', { skip }, async (t) => {
    const definition = fresh();
    const id = await define(definition);
    const leads = async (forward: NetworkForward, expected: object) => {
      for (const _ of ['once', 'twice']) t.equal(await networks.define({ ...definition, forward }, soon()), id);
      t.match(await look(definition), { configured: { forward: expected }, live: { forward: expected }, active: true });
    };
    await leads({ mode: 'None' }, { mode: 'None', host: 'Detached' });
    await leads({ mode: 'None', host: 'Attached' }, { mode: 'None', host: 'Attached' });
    await leads({ mode: 'None' }, { mode: 'None', host: 'Attached' });
    const wired = stage.definition({ interfaces: [{ name: 'eth', network: definition.nativeName }] });
    const { id: machine, owner } = await stage.running(wired);
    await refused(t, networks.define({ ...definition, forward: { mode: 'None', host: 'Detached' } }, soon()), 'Conflict');
    await stage.driver.power.cut(machine, owner, soon());
    await leads({ mode: 'None', host: 'Detached' }, { mode: 'None', host: 'Detached' });
  });

  await t.test('a switch leads outside by an adapter from its making on, and never cuts the host off', { skip }, async (t) => {
    const device = adapter ?? '';
    const [direct, none] = [{ mode: 'Direct', device } as const, { mode: 'None' } as const];
    const inside = fresh();
    await define(inside);
    for (const forward of [direct, { ...direct, host: 'Detached' } as const])
      await refused(t, networks.define({ ...inside, forward }, soon()), 'Unsupported');
    const outside = { ...fresh(), forward: direct };
    const id = await define(outside);
    const isAsMade = { configured: { forward: { ...direct, host: 'Attached' } }, live: { forward: { ...direct, host: 'Attached' } } };
    for (const forward of [direct, { ...direct, host: 'Attached' } as const])
      t.equal(await networks.define({ ...outside, forward }, soon()), id);
    for (const forward of [none, { ...none, host: 'Attached' } as const, { ...direct, host: 'Detached' } as const])
      await refused(t, networks.define({ ...outside, forward }, soon()), 'Unsupported');
    t.match(await look(outside), isAsMade);
    await refused(t, networks.define({ ...fresh(), forward: direct }, soon()), 'Conflict');
    await refused(t, networks.define({ ...fresh(), forward: { ...direct, device: 'no such' } }, soon()), 'NotFound');
    await networks.undefine(id, soon());
    const again = { ...fresh(), forward: direct };
    await define(again);
    t.match(await look(again), isAsMade, 'the adapter is free again');
  });

  await t.test('a name is not taken from another', async (t) => {
    const definition = fresh();
    await define(definition);
    await refused(t, networks.define({ ...fresh(), nativeName: definition.nativeName }, soon()), 'NotOurs');
  });

  await t.test('a switch is not forgotten under a machine', async (t) => {
    const definition = fresh();
    const id = await define(definition);
    const shape = stage.definition({ interfaces: [{ name: 'eth', network: definition.nativeName }] });
    const { id: machine, owner } = await stage.running(shape);
    t.match((await stage.look(machine)).live?.interfaces, [{ network: definition.nativeName }]);
    await refused(t, networks.undefine(id, soon()), 'Conflict');
    await stage.driver.power.cut(machine, owner, soon());
    await networks.undefine(id, soon());
    t.equal(await look(definition), undefined);
  });
}
