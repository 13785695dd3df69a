import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { useLab } from './lab.js';
import type { OperatorProcess } from './operator-process.js';

const lab = await useLab(t);
const { world, daemon } = lab;

/** Everything that can be seen of a life from outside. */
async function visible(name: string): Promise<string> {
  const [machine, volume, domains, stored] = await Promise.all([
    world.get('VirtualMachine', name),
    world.get('StorageVolume', name),
    daemon.virsh('list', '--all').catch(() => ''),
    lab.stored(),
  ]);
  return JSON.stringify([machine?.metadata.resourceVersion, volume?.metadata.resourceVersion, domains, stored]);
}

/** Kills one of them after every step that can be seen, until the work is over; gives how often. */
async function harassed(name: string, victims: readonly (() => Promise<void>)[], work: () => Promise<void>): Promise<number> {
  let over = false;
  let kills = 0;
  const harass = async () => {
    for (let last = ''; !over && kills < mostKills; await sleep(20)) {
      const now = await visible(name).catch(() => last);
      if (now === last) continue;
      last = now;
      await sleep(Math.random() * 100);
      await victims[kills++ % victims.length]?.();
    }
  };
  const harassing = harass();
  try {
    await work();
  } finally {
    over = true;
    await harassing;
  }
  return kills;
}
const mostKills = 12;

/** With the hand of an administrator where libvirt itself needs one, which is seldom: a start must have been cut in two. */
async function restartDaemon(): Promise<void> {
  await daemon.restart();
  for (const name of await daemon.forgetHalfStarted()) t.comment(`libvirt held ${name} for a start that its daemon did not survive`);
}

const seedsOf = async (name: string): Promise<readonly string[]> =>
  (await lab.stored()).filter((file) => file.startsWith(`default.${name}-`) && file.includes('.seed-'));

/** One life: made, running, its boots counted by its guest; then gone without a trace. */
async function live(t: Test, name: string): Promise<void> {
  await world.apply(lab.volume(name), lab.guest(name, { disk: true }, { runStrategy: 'Once', stop: { mode: 'Hard' } }));
  const ready = await lab.untilReady(name, ({ status }) => status?.power?.state === 'Running');
  t.equal(ready.status?.run?.bootId, '1');
  // The daemon may be down just now.
  let definition = '';
  await lab.until('the definition', async () => {
    definition = await daemon.virsh('dumpxml', `default.${name}`).catch(() => '');
    return definition !== '';
  });
  t.same(await seedsOf(name), [/<source file='([^']*\.seed-[^']*)'/.exec(definition)?.[1]?.split('/').at(-1)]);
  await lab.untilBooted(name, 1);
  t.equal(await lab.boots(name), 1, `${name} booted once`);
  const { location } = (await world.get('StorageVolume', name))?.status ?? {};
  await lab.remove(name);
  t.equal(await lab.qemu(`default.${name}`), undefined);
  t.same(await seedsOf(name), []);
  await world.delete('StorageVolume', name);
  await lab.untilGone('StorageVolume', name);
  t.notOk(
    (await lab.stored()).some((file) => location?.endsWith(file)),
    'nothing is left of it',
  );
}

let controller: OperatorProcess;
let agent: OperatorProcess;

t.before(async () => {
  controller = lab.process('controller');
  agent = lab.process('agent');
  await lab.furnish();
  // Each machine then has a seed in the pool, which is made and goes with it.
  const hypervisor = lab.hypervisor();
  await world.apply({ ...hypervisor, spec: { ...hypervisor.spec, systemPoolRef: { name: 'fast' } } });
  await world.until('StorageVolume', 'kernel', ({ status }) => status?.import?.completedAt !== undefined);
});

await t.test('killing the agent, whenever it is, neither stops a life nor boots a machine twice', async (t) => {
  const kills = await harassed('first', [() => agent.restart()], () => live(t, 'first'));
  t.ok(kills > 0, `${kills} kills`);
});

await t.test('nor does killing the daemon', async (t) => {
  const kills = await harassed('second', [restartDaemon], () => live(t, 'second'));
  t.ok(kills > 0, `${kills} kills`);
});

await t.test('nor does killing controller, agent and daemon in turn', async (t) => {
  const kills = await harassed('third', [() => controller.restart(), () => agent.restart(), restartDaemon], () => live(t, 'third'));
  t.ok(kills > 0, `${kills} kills`);
});

await t.test('a guest runs on through the death of all who look after it', async (t) => {
  await world.apply(lab.volume('stays'), lab.guest('stays', { disk: true }, { stop: { mode: 'Hard' } }));
  await lab.banner(await lab.untilReady('stays'));
  const pid = await lab.qemu('default.stays');
  await Promise.all([controller.kill9(), agent.kill9(), daemon.kill9()]);
  await Promise.all([controller.restart(), agent.restart(), daemon.restart()]);
  await world.apply(lab.machine('after'));
  await lab.untilReady('after');
  await lab.banner(await lab.untilReady('stays'));
  t.equal(await lab.qemu('default.stays'), pid);
  t.equal(await lab.boots('stays'), 1);
  await lab.remove('stays', 'after');
});

t.after(async () => {
  await agent.kill9();
  await controller.kill9();
});
