import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { Trouble } from '#test/servers/vsphere-proxy.js';
import type { OperatorProcess } from './operator-process.js';
import { isChange, modes, useVsphereWorld, VsphereLab } from './vsphere-lab.js';

const world = await useVsphereWorld(t);
const mostKills = 14;

/** Whatever the agent asks the host to change kills it: before the host hears of it, or once it is done, in turn. */
class Reaper {
  kills = 0;
  readonly #agent: OperatorProcess;

  constructor(agent: OperatorProcess) {
    this.#agent = agent;
  }

  readonly reap: Trouble = async ({ operation, forward }) => {
    if (!isChange(operation) || this.kills >= mostKills) return forward();
    this.kills += 1;
    if (this.kills % 2 === 1) await forward();
    await this.#agent.restart();
    return 'cut';
  };
}

/** One life, from apply to nothing left. At no time has the host two machines of one object. */
async function live(t: Test, lab: VsphereLab, name: string, runStrategy: 'Always' | 'Once'): Promise<void> {
  let most = 0;
  let over = false;
  const watching = (async () => {
    for (; !over; await sleep(50)) most = Math.max(most, (await lab.onlooker.machines()).length);
  })();
  await world.apply(lab.volume(name), lab.machine(name, { runStrategy, disks: [{ name: 'root', volumeRef: { name } }] }));
  const ready = await lab.untilReady(
    name,
    ({ status }) => status?.power?.state === 'Running' || status?.run?.lastStop !== undefined,
    240_000,
  );
  if (runStrategy === 'Always') t.equal(ready.status?.power?.state, 'Running');
  const { location } = (await world.get('StorageVolume', name))?.status ?? {};
  t.match(await lab.onlooker.machines(), [{ instanceUuid: ready.metadata.uid, disks: [{ file: location }] }]);
  await world.delete('VirtualMachine', name);
  await lab.untilGone('VirtualMachine', name);
  t.same(await lab.onlooker.machines(), []);
  t.ok((await lab.stored()).includes(location ?? ''), 'the disk outlived its machine');
  await world.delete('StorageVolume', name);
  await lab.untilGone('StorageVolume', name);
  over = true;
  await watching;
  t.equal(most, 1, 'there were never two');
  t.same(
    (await lab.stored()).filter((file) => file.includes(name)),
    [],
    'nothing is left of it',
  );
}

for (const mode of modes)
  await t.test(`${mode}: killing the agent at every step of a life leaves one machine or none, never two`, async (t) => {
    await using lab = await VsphereLab.open(world, mode);
    await using _controller = lab.process('controller');
    await using agent = lab.process('agent');
    await lab.furnish();
    await lab.untilConnected();
    for (const runStrategy of ['Always', 'Once'] as const) {
      const reaper = new Reaper(agent);
      const begun = lab.proxy.asked.length;
      lab.proxy.trouble('*', reaper.reap);
      await live(t, lab, runStrategy.toLowerCase(), runStrategy);
      lab.proxy.calm();
      t.ok(reaper.kills > 8, `${reaper.kills} kills`);
      const starts = lab.proxy.asked.slice(begun).filter((operation) => operation === 'PowerOnVM_Task').length;
      if (runStrategy === 'Once') t.ok(starts <= 1, `a machine that runs once was started ${starts} times`);
    }
    await lab.untilConnected();
    const left = await lab.onlooker.sessions();
    await agent.stop();
    t.equal((await lab.onlooker.sessions()).length, left.length - 1, 'who leaves in peace leaves no session');
    t.notMatch(await agent.log(), new RegExp(lab.vcsim.password.slice(0, 8)));
    await agent.restart();
    await lab.clear();
  });
