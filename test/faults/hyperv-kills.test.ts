import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { until } from '#test/cluster/until.js';
import { useWorld } from '#test/cluster/world.js';
import { HypervLab, namespace } from './hyperv-lab.js';
import { Reaper } from './hyperv-reaper.js';
import { isReady } from './lab.js';
import { OperatorProcess } from './operator-process.js';

const world = await useWorld(t);
t.setTimeout(25 * 60_000);
await world.kubectl('create', 'namespace', namespace);
const mostKills = 15;
/** In pieces, which take several calls. */
const config = JSON.stringify({ ignition: { version: '3.4.0' }, rest: 'x'.repeat(20_000) });

/** The most machines, and disks without those that only keep a name, that the host has at one time, until `act` ends, in whatever way. */
async function mostDuring(lab: HypervLab, act: () => Promise<void>) {
  const most = { machines: 0, disks: 0 };
  let over = false;
  const watching = (async () => {
    for (; !over; await sleep(20)) {
      most.machines = Math.max(most.machines, lab.simulator.host.machines.size);
      most.disks = Math.max(most.disks, (await lab.files()).filter((name) => !name.includes('.empty.')).length);
    }
  })();
  // Whatever it sees wrong is told once it is over.
  watching.catch(() => {});
  try {
    await act();
  } finally {
    over = true;
    await Promise.allSettled([watching]);
  }
  await watching;
  return most;
}

async function live(t: Test, lab: HypervLab): Promise<void> {
  const { host } = lab.simulator;
  const own = lab.example('StorageVolume', { size: '8Mi' }).filter(({ metadata }) => /^mail-(root|data)$/.test(metadata.name));
  await world.apply(...own, ...lab.example('VirtualMachine', { stop: { mode: 'Hard' }, ignition: { config } }));
  const ready = await world.until('VirtualMachine', 'mail', (seen) => isReady(seen) && seen.status?.power?.state === 'Running', {
    timeoutMs: 600_000,
  });
  const { types } = host.words;
  const [machine] = [...host.machines.values()];
  const count = (type: string) => machine?.devices.filter(({ values }) => values['ResourceType'] === type).length;
  t.match(machine?.settings, { BIOSGUID: `{${ready.metadata.uid?.toUpperCase()}}` });
  t.same([types.diskDrive, types.image, types.dvdDrive, types.card].map(count), [2, 2, 1, 1]);
  t.equal([...(machine?.hostItems.values() ?? [])].join(''), config, 'its guest is told all of it');
  await world.delete('VirtualMachine', 'mail');
  await until(async () => (await world.get('VirtualMachine', 'mail')) === undefined);
  t.same([host.machines.size, (await lab.files()).length], [0, 2], 'the disks outlived their machine');
  for (const name of ['mail-root', 'mail-data']) {
    await world.delete('StorageVolume', name);
    await until(async () => (await world.get('StorageVolume', name)) === undefined);
  }
}

for (const mode of ['v2', 'v1'] as const)
  await t.test(`${mode}: killing the agent at every call of a life leaves one machine or none, and no job is begun twice`, async (t) => {
    await using lab = await HypervLab.open({ mode, byJob: true });
    const part = (command: 'controller' | 'agent') => new OperatorProcess(command, ['hv1'], world.cluster.kubeconfigPath, lab.folder);
    await using _controller = part('controller');
    await using agent = part('agent');
    await world.apply(...['Secret', 'Hypervisor', 'StoragePool', 'VirtualNetwork'].flatMap((kind) => lab.example(kind)));
    await world.until('Hypervisor', 'hv1', isReady, { timeoutMs: 60_000 });
    const reaper = new Reaper(lab.simulator, agent);
    reaper.mayKill = mostKills;
    const most = await mostDuring(lab, () => live(t, lab));
    t.same(most, { machines: 1, disks: 2 }, 'at no time had the host two machines of one object, nor two disks of one');
    t.equal((await lab.files()).length, 1, 'what is retained is there');
    lab.simulator.host.troubles.calm();
    t.ok(reaper.kills > 10, `${reaper.kills} kills`);
    t.same(reaper.doubled, [], 'what is under way is left to end');
    t.same(
      lab.simulator.host.jobs.all.filter(({ state }) => state !== 'done').map(({ name, failure }) => [name, failure?.message]),
      [],
      'no job failed, as one that is begun a second time does',
    );
    t.notMatch(await agent.log(), /w0rd/);
    await world.remove('StoragePool', 'hyper-v');
    await world.remove('VirtualNetwork', 'hyperv-lan');
    await world.remove('Hypervisor', 'hv1');
  });
