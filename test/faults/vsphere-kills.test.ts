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

/** The machine starts, its agent dies, and it is off again before another one looks. */
const runsUnseen =
  (lab: VsphereLab, agent: OperatorProcess, name: string): Trouble =>
  async ({ forward }) => {
    await agent.kill9();
    await forward();
    await lab.onlooker.power(`default.${name}`, 'off');
    await agent.restart();
    return 'cut';
  };

const startsSince = ({ proxy }: VsphereLab, begun: number): number =>
  proxy.asked.slice(begun).filter((operation) => operation === 'PowerOnVM_Task').length;

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
      if (runStrategy === 'Once') t.ok(startsSince(lab, begun) <= 1, 'a machine that runs once is started once, or not at all');
    }
    lab.proxy.trouble('PowerOnVM_Task', runsUnseen(lab, agent, 'unseen'), 1);
    const begun = lab.proxy.asked.length;
    await world.apply(lab.machine('unseen', { runStrategy: 'Once' }));
    const unseen = await lab.untilReady('unseen', ({ status }) => status?.run?.lastStop !== undefined);
    t.match(unseen.status, { power: { state: 'Stopped' }, run: { bootId: '1', lastStop: { cause: 'Unknown' } } });
    t.equal(startsSince(lab, begun), 1, 'what ran once while nobody looked is not run again');
    await lab.remove('unseen');

    await lab.untilConnected();
    const left = await lab.onlooker.sessions();
    await agent.stop();
    t.equal((await lab.onlooker.sessions()).length, left.length - 1, 'who leaves in peace leaves no session');
    t.notMatch(await agent.log(), new RegExp(lab.vcsim.password.slice(0, 8)));
    await agent.restart();
    await lab.clear();
  });
