import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import type { Network, Networks } from '#drivers/driver.js';
import { mustHave } from './pools.js';
import { type Stage, soon } from './stage.js';

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
    t.same(await find(networks, nativeName), [{ ...mustHave(before[0]), active: true }]);
    await remove();
    t.same(await find(networks, nativeName), []);
  });
}
