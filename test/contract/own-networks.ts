import { randomInt, randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import type { Network, NetworkDefinition, NetworkId } from '#drivers/driver.js';
import { mustHave } from './pools.js';
import { refused, type Stage, soon } from './stage.js';

/** A network that nothing else on the host resembles. */
export function networkDefinition(change: Partial<NetworkDefinition> = {}): NetworkDefinition {
  const uuid = randomUUID();
  const [nativeName, subnet] = [`contract.${uuid.slice(0, 8)}`, `10.${randomInt(64, 250)}.${randomInt(250)}`];
  return {
    uuid,
    nativeName,
    forward: { mode: 'NAT' },
    ipv4: {
      address: `${subnet}.1`,
      prefix: 24,
      ranges: [{ start: `${subnet}.100`, end: `${subnet}.200` }],
      hosts: [{ macAddress: '52:54:00:00:00:0a', ip: `${subnet}.10`, name: 'ten' }],
    },
    domain: 'contract.internal',
    records: [{ name: 'gate', ip: `${subnet}.1` }],
    ...change,
  };
}

export async function defineNetwork(stage: Stage, definition = networkDefinition()): Promise<NetworkId> {
  const networks = mustHave(stage.driver.networks);
  const id = await networks.define(definition, soon());
  stage.later(() => networks.undefine(id, soon()));
  return id;
}

async function look(stage: Stage, uuid: string): Promise<Network | undefined> {
  return (await mustHave(stage.driver.networks).list(soon())).find((network) => network.uuid === uuid.toLowerCase());
}

const shapeOf = ({ uuid: _uuid, nativeName: _nativeName, ...shape }: NetworkDefinition) => shape;

export async function ownNetworksContract(t: Test, stage: Stage): Promise<void> {
  const networks = mustHave(stage.driver.networks);
  const definition = networkDefinition();
  const { uuid, nativeName } = definition;
  const id = await defineNetwork(stage, definition);

  await t.test('a defined network is as it was defined, and not active', async (t) => {
    const network = mustHave(await look(stage, uuid));
    t.match(network, { id, uuid, nativeName, active: false, attached: 0 });
    t.same(network.configured, shapeOf(definition));
    t.equal(network.live, undefined);
    t.same(network.subnets, [`${definition.ipv4?.address}/24`]);
  });

  await t.test('defining twice is defining once, and starts nothing', async (t) => {
    const before = await look(stage, uuid);
    t.equal(await networks.define(definition, soon()), id);
    t.same(await look(stage, uuid), before);
  });

  await t.test('a started network is what it was defined as, once or twice', async (t) => {
    await networks.start(id, soon());
    await networks.start(id, soon());
    const network = mustHave(await look(stage, uuid));
    t.match(network, { active: true, attached: 0, bridge: /./ });
    t.same(network.live, network.configured);
  });

  await t.test('a change is in the definition at once, and in what runs as far as that takes it', async (t) => {
    const [before, ipv4] = [mustHave(await look(stage, uuid)), mustHave(definition.ipv4)];
    const subnet = ipv4.address.replace(/\d+$/, '');
    const changed: NetworkDefinition = {
      ...definition,
      mtu: 1400,
      records: [
        { name: 'gate', ip: `${subnet}9` },
        { name: 'db', ip: `${subnet}9` },
      ],
      ipv4: {
        ...ipv4,
        ranges: [{ start: `${subnet}120`, end: `${subnet}130` }],
        hosts: [
          { macAddress: '52:54:00:00:00:0a', ip: `${subnet}11`, name: 'ten' },
          { macAddress: '52:54:00:00:00:0b', ip: `${subnet}10` },
        ],
      },
    };
    await networks.define(changed, soon());
    const defined = mustHave(await look(stage, uuid));
    t.same(defined.configured, shapeOf(changed));
    t.same(defined.live, before.live, 'what runs is not touched');
    await networks.update(id, changed, soon());
    await networks.update(id, changed, soon());
    const { mtu: _mtu, ...live } = shapeOf(changed);
    const updated = mustHave(await look(stage, uuid));
    t.same(updated.live, live, 'all but the MTU');
    t.equal(updated.bridge, before.bridge);
    await networks.stop(id, soon());
    await networks.stop(id, soon());
    await networks.start(id, soon());
    const restarted = mustHave(await look(stage, uuid));
    t.same(restarted.live, shapeOf(changed));
    t.equal(restarted.bridge, before.bridge);
  });

  await t.test('subnets, names and records are taken away, and given', async (t) => {
    const bare: NetworkDefinition = { uuid, nativeName, forward: { mode: 'None' }, records: [] };
    await networks.define(bare, soon());
    t.same((await look(stage, uuid))?.configured, shapeOf(bare));
    const six = { address: 'fd00:c0:de::1', prefix: 64, ranges: [{ start: 'fd00:c0:de::100', end: 'fd00:c0:de::1ff' }] };
    const full = { ...definition, ipv6: { ...six, hosts: [{ duid: '0:3:0:1:52:54:0:12:34:56', ip: 'fd00:c0:de::10', name: 'six' }] } };
    await networks.define(full, soon());
    t.same((await look(stage, uuid))?.configured, shapeOf(full));
    await networks.stop(id, soon());
    await networks.start(id, soon());
    t.same((await look(stage, uuid))?.live, shapeOf(full));
    await networks.update(id, { ...full, ipv6: { ...six, hosts: [] } }, soon());
    t.same((await look(stage, uuid))?.live, shapeOf({ ...full, ipv6: { ...six, hosts: [] } }));
  });

  for (const forward of [{ mode: 'Open' }, { mode: 'Route' }, { mode: 'NAT', device: 'lo' }] as const)
    await t.test(`a network is ${forward.mode}${'device' in forward ? ' by one device' : ''} when it is asked to be`, async (t) => {
      const { nativeName: _, ...other } = networkDefinition();
      await networks.define({ ...other, uuid, nativeName, forward }, soon());
      t.same((await look(stage, uuid))?.configured?.forward, forward);
    });

  for (const forward of [
    { mode: 'Bridge', bridge: 'br-host' },
    { mode: 'OpenVSwitch', bridge: 'ovs-host' },
    { mode: 'Direct', device: 'lo' },
  ] as const)
    await t.test(`a network on what the host has: ${forward.mode}`, async (t) => {
      await networks.define({ uuid, nativeName, forward, records: [] }, soon());
      t.same((await look(stage, uuid))?.configured, { forward, records: [] });
      await networks.define(definition, soon());
      t.same((await look(stage, uuid))?.configured, shapeOf(definition), 'and back');
    });

  await t.test('whether the host is on a network is as it was asked for, or refused by its name', async (t) => {
    const knows = (await stage.lacks('networks.host')) === false;
    for (const forward of [
      { mode: 'None', host: 'Attached' },
      { mode: 'Direct', device: 'lo', host: 'Detached' },
    ] as const) {
      const asked = { uuid, nativeName, forward, records: [] };
      if (!knows) await refused(t, networks.define(asked, soon()), 'Invalid');
      else await networks.define(asked, soon());
      if (knows) t.same((await look(stage, uuid))?.configured, { forward, records: [] });
    }
    await networks.define(definition, soon());
  });

  await t.test('frames on a bridge of the host have a tag, and lose it', async (t) => {
    const { capabilities } = await stage.driver.host.describe(soon());
    const modes = capabilities.find(({ field }) => field === 'networks.vlan')?.values ?? [];
    t.ok(modes.length > 0);
    for (const mode of modes as readonly ('Bridge' | 'OpenVSwitch')[])
      for (const vlan of [{ vlan: 40 }, { vlan: 4094 }, {}]) {
        const forward = { mode, bridge: `${mode.slice(0, 3).toLowerCase()}-host` };
        await networks.define({ uuid, nativeName, forward, records: [], ...vlan }, soon());
        t.same((await look(stage, uuid))?.configured, { forward, records: [], ...vlan });
      }
    await refused(t, networks.define({ ...definition, vlan: 40 }, soon()), 'Invalid');
  });

  await t.test('what is not in its subnet is refused', async (t) => {
    const ipv4 = mustHave(definition.ipv4);
    for (const change of [
      { ranges: [{ start: '10.1.1.1', end: '10.1.1.9' }] },
      { hosts: [{ macAddress: '52:54:00:00:00:0a', ip: '10.1.1.1' }] },
      { address: 'nonsense' },
      { hosts: ['0a', '0b'].map((last) => ({ macAddress: `52:54:00:00:00:${last}`, ip: ipv4.address.replace(/1$/, '9') })) },
    ])
      await refused(t, networks.define({ ...definition, ipv4: { ...ipv4, ...change } }, soon()), 'Invalid');
    await refused(t, networks.define({ ...definition, forward: { mode: 'Bridge', bridge: 'br-host' } }, soon()), 'Invalid');
  });

  await t.test('a name is not taken from another uuid', async (t) => {
    await refused(t, networks.define(networkDefinition({ nativeName }), soon()), 'NotOurs');
    t.match(await look(stage, uuid), { nativeName });
  });

  await stage.withPeer(t, "a stranger's network is told, and its name is not taken", ['strangersNetwork'], async (t, peer) => {
    const theirs = `net-${randomUUID().slice(0, 6)}`;
    const { start, remove } = await peer.strangersNetwork(theirs);
    stage.later(remove);
    await start();
    await refused(t, networks.define(networkDefinition({ nativeName: theirs }), soon()), 'NotOurs');
  });

  await t.test('what is gone is gone, once or twice, and cannot start', async (t) => {
    const other = networkDefinition();
    const gone = await defineNetwork(stage, other);
    await networks.start(gone, soon());
    await networks.undefine(gone, soon());
    await networks.undefine(gone, soon());
    t.equal(await look(stage, other.uuid), undefined);
    await refused(t, networks.start(gone, soon()), 'NotFound');
    await refused(t, networks.update(gone, other, soon()), 'NotFound');
    await refused(t, networks.stop(gone, soon()), 'NotFound');
  });

  await t.test('a network is neither stopped nor forgotten under a machine', async (t) => {
    const used = networkDefinition();
    const network = await defineNetwork(stage, used);
    await refused(t, networks.update(network, used, soon()), 'Conflict');
    await networks.start(network, soon());
    const shape = stage.definition({ interfaces: [{ name: 'eth', network: used.nativeName }] });
    const { id: machine, owner } = await stage.running(shape);
    t.match(await look(stage, used.uuid), { attached: 1 });
    await networks.update(network, { ...used, records: [] }, soon());
    t.match(await look(stage, used.uuid), { attached: 1, live: { records: [] } }, 'a host may forget it with an update');
    await refused(t, networks.stop(network, soon()), 'Conflict');
    await refused(t, networks.undefine(network, soon()), 'Conflict');
    t.match(await look(stage, used.uuid), { active: true, attached: 1 });
    await stage.driver.power.cut(machine, owner, soon());
    t.match(
      await stage.until(
        () => look(stage, used.uuid),
        (seen) => seen?.attached === 0,
      ),
      { attached: 0 },
    );
    await networks.stop(network, soon());
    t.match(await look(stage, used.uuid), { active: false });
  });
}

export async function existingNetworksContract(t: Test, stage: Stage): Promise<void> {
  const networks = mustHave(stage.driver.networks);
  const before = await networks.list(soon());
  const { id } = mustHave(before[0]);
  const definition = networkDefinition();
  await refused(t, networks.define(definition, soon()), 'Unsupported');
  await refused(t, networks.start(id, soon()), 'Unsupported');
  await refused(t, networks.update(id, definition, soon()), 'Unsupported');
  await refused(t, networks.stop(id, soon()), 'Unsupported');
  await refused(t, networks.undefine(id, soon()), 'Unsupported');
  t.same(await networks.list(soon()), before);
}
