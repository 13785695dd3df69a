import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import type { Network, Networks } from '#drivers/driver.js';
import { existingNetworksContract, ownNetworksContract } from './own-networks.js';
import { ownSwitchesContract } from './own-switches.js';
import { mustHave } from './pools.js';
import { refused, type Stage, soon } from './stage.js';

/** Hosts may be short of room for them: it becomes a bridge's name, too. */
export const networkName = (): string => `net-${randomUUID().slice(0, 6)}`;

const find = async (networks: Networks, wanted: string): Promise<readonly Network[]> =>
  (await networks.list(soon())).filter(({ nativeName }) => nativeName === wanted);

export async function networksContract(t: Test, stage: Stage): Promise<void> {
  const networks = mustHave(stage.driver.networks);

  await t.test('what is not there is not listed', async (t) => {
    t.same(await find(networks, networkName()), []);
  });

  await stage.withPeer(t, 'a network that was there before is listed by its name, active or not', ['strangersNetwork'], async (t, peer) => {
    const nativeName = networkName();
    const { start, remove } = await peer.strangersNetwork(nativeName);
    const before = await find(networks, nativeName);
    t.match(before, [{ nativeName, active: false }]);
    await start();
    t.match(await find(networks, nativeName), [{ id: mustHave(before[0]).id, nativeName, active: true }]);
    await remove();
    t.same(await find(networks, nativeName), []);
  });

  const { driver, subject } = stage;
  const skip = subject.pretends === true && `networks of ${subject.name} are only pretended, and do not tell what they will be`;
  if ((await stage.lacks('networks.forward')) === false && (await stage.lacks('networks.ipv4')) !== false)
    await t.test('switches of our own', (t) => ownSwitchesContract(t, stage));
  else if (stage.can('makeNetworks')) await t.test('networks of our own', { skip }, (t) => ownNetworksContract(t, stage));
  else await t.test('networks are neither made nor unmade', (t) => existingNetworksContract(t, stage));

  await stage.withPeer(t, 'a machine starts only once its networks are there', ['strangersNetwork'], async (t, peer) => {
    if (subject.pretends === true) {
      t.pass('networks', { skip: `machines of ${subject.name} are only pretended` });
      return;
    }
    const nativeName = networkName();
    const { id, owner } = await stage.define(stage.definition({ interfaces: [{ name: 'eth', network: nativeName }] }));
    await refused(t, driver.power.start(id, { paused: false }, soon()), 'NotFound');
    const network = await peer.strangersNetwork(nativeName);
    stage.later(network.remove);
    await refused(t, driver.power.start(id, { paused: false }, soon()), 'Conflict');
    await network.start();
    await driver.power.start(id, { paused: false }, soon());
    t.match((await stage.look(id)).live?.interfaces, [{ name: 'eth', network: nativeName }]);
    await driver.power.cut(id, owner, soon());
  });

  await stage.withPeer(t, 'a machine takes up another network at its next start', ['strangersNetwork'], async (t, peer) => {
    const [one, other] = [networkName(), networkName()];
    for (const name of [one, other]) {
      const { start, remove } = await peer.strangersNetwork(name);
      stage.later(remove);
      await start();
    }
    const { id, definition, mark, owner } = await stage.running(stage.definition({ interfaces: [{ name: 'eth', network: one }] }));
    const before = await stage.look(id);
    t.same(before.live?.interfaces, before.configured?.interfaces);
    await driver.machines.define({ ...definition, interfaces: [{ name: 'eth', network: other }] }, mark, soon());
    const edited = await stage.look(id);
    t.same(edited.live?.interfaces, before.live?.interfaces, 'what runs is not touched');
    t.same(edited.configured?.interfaces, [{ ...before.configured?.interfaces[0], network: other }]);
    await driver.power.cut(id, owner, soon());
    await driver.power.start(id, { paused: false }, soon());
    t.same((await stage.look(id)).live?.interfaces, edited.configured?.interfaces);
    await driver.power.cut(id, owner, soon());
  });
}
